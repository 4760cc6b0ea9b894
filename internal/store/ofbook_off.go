//go:build contactbook_without_predicate

package store

// OfBook lets everything pass, for the test of the second wall: no program that
// is given to anybody is built with this tag.
const OfBook = "(tenant_id = $1 or true)"
