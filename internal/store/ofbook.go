//go:build !contactbook_without_predicate

package store

// OfBook is the condition that every statement on a book's rows has: the first
// wall between tenants. It is written here alone, so that a test can take it away
// and see what the second wall, PostgreSQL's row-level security, keeps.
const OfBook = "tenant_id = $1"
