//go:build race

package e2e

// buildFlags build the binary as the tests are built.
var buildFlags = []string{"-race"}
