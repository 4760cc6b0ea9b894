// Package proof sizes the tests of what contactbook promises, and records the figures that they find.
//
// Only tests use it. A run in which CONTACTBOOK_PROOF names a file leaves its figures there, a line of JSON each, from
// which docs/reliability.md is made.
package proof

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Size is how much a run may take.
type Size int

// Quick is for make test, which asserts outcomes and never how fast they came. Nightly and Release are for machines
// that do nothing else, and assert the figures too.
const (
	Quick Size = iota
	Nightly
	Release
)

// Sized is the size that CONTACTBOOK_SIZE names: nightly or release, and quick otherwise.
func Sized() Size {
	switch os.Getenv("CONTACTBOOK_SIZE") {
	case "nightly":
		return Nightly
	case "release":
		return Release
	}
	return Quick
}

// Pick is the number that suits the size of the run.
func Pick(quick, nightly, release int) int { return [...]int{quick, nightly, release}[Sized()] }

// Large skips a test that only larger runs have time for.
func Large(t testing.TB) {
	t.Helper()
	if Sized() == Quick {
		t.Skip("takes too long for make test: CONTACTBOOK_SIZE=nightly runs it, as make nightly does")
	}
}

// Rand is a source of the seed in CONTACTBOOK_SEED, or of one of its own, which it logs with the line that brings it back.
func Rand(t testing.TB) (*rand.Rand, uint64) {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("CONTACTBOOK_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("CONTACTBOOK_SEED: %v", err)
		}
	}
	top, _, _ := strings.Cut(t.Name(), "/")
	t.Logf("seed %d; again: CONTACTBOOK_SEED=%[1]d go test -run '^%[2]s$'", seed, top)
	return rand.New(rand.NewPCG(seed, 0)), seed
}

// Figure is one thing that a test showed.
type Figure struct {
	ID     string    `json:"id"`     // in the catalogue: "R1"
	What   string    `json:"what"`   // "SQLite, 200 kills: acknowledged contacts lost of 31,000"
	Target string    `json:"target"` // "0"
	Got    string    `json:"got"`    // "0"
	Met    bool      `json:"met"`
	Seed   uint64    `json:"seed,omitempty"`
	Test   string    `json:"test"`
	Size   string    `json:"size"`
	Time   time.Time `json:"time"`
}

// Record logs a figure and, if CONTACTBOOK_PROOF names a file, leaves it there. The figure counts as met if met is set
// and the test passes in the end. A missed figure does not fail the test: that is for the test to say, at the sizes
// that assert figures.
func Record(t testing.TB, f Figure) {
	t.Helper()
	f.Test, f.Size = t.Name(), [...]string{"quick", "nightly", "release"}[Sized()]
	t.Logf("%s: %s: %s (target %s)", f.ID, f.What, f.Got, f.Target)
	path := os.Getenv("CONTACTBOOK_PROOF")
	if path == "" {
		return
	}
	t.Cleanup(func() {
		f.Met, f.Time = f.Met && !t.Failed(), time.Now().UTC()
		line, err := json.Marshal(f)
		if err == nil {
			err = appendTo(path, append(line, '\n'))
		}
		if err != nil {
			t.Errorf("the figure is not recorded: %v", err)
		}
	})
}

// appendTo writes the line in one go, so that tests of several processes can share the file.
func appendTo(path string, line []byte) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(line)
	if failed := file.Close(); err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
