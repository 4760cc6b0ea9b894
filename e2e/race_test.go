//go:build race

package e2e

// buildFlags build the binary as the tests are built. SQLite's own code, C made into Go, is the exception: nearly all its
// memory lies outside Go's heap, where the race detector does not look, and to instrument it costs a quarter of the
// server's time. Its driver and the library below it, whose locks the detector must see, are instrumented like all else.
var buildFlags = []string{"-race", "-gcflags=modernc.org/sqlite/lib=-race=false"}
