// Package arch holds no code, only the test that keeps the house in order: which package may import which, and
// which modules of others each may use. The rules are the table at the top of arch_test.go.
package arch
