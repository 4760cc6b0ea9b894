package arch

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// target is one fuzz test and the folder of its package.
type target struct{ dir, name string }

var fuzzTest = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// fuzzTests are all fuzz tests of the tree, so that a new one is run by being there.
func fuzzTests(t *testing.T) (all []target) {
	t.Helper()
	err := filepath.WalkDir("../..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		for _, found := range fuzzTest.FindAllSubmatch(text, -1) {
			all = append(all, target{filepath.Dir(file), string(found[1])})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 11 {
		t.Fatalf("only %v were found", all)
	}
	return all
}

// TestCorpus sees that every fuzz test has inputs in the repository, which go test runs.
func TestCorpus(t *testing.T) {
	for _, f := range fuzzTests(t) {
		inputs, err := filepath.Glob(filepath.Join(f.dir, "testdata", "fuzz", f.name, "*"))
		if err != nil || len(inputs) == 0 {
			t.Errorf("%s of %s has no committed corpus: %v", f.name, f.dir, err)
		}
	}
}

// TestFuzz (hostile HTTP) lets every fuzz test look for inputs that fail, each for a part of the time. What it finds it
// leaves in the package's testdata/fuzz, to be mended and committed.
func TestFuzz(t *testing.T) {
	proof.Large(t)
	each := time.Duration(proof.Pick(0, 12, 600)) * time.Second
	all := fuzzTests(t)
	failed := 0
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) {
			run := exec.CommandContext(t.Context(), "go", "test", "-run", "^$", "-fuzz", "^"+f.name+"$", "-fuzztime", each.String(),
				"-fuzzminimizetime", "5s", "-parallel", "1", ".")
			run.Dir = f.dir
			out, err := run.CombinedOutput()
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			// Go's own fuzzing may take the end of its time for a failure;
			// a real one names its input.
			late := strings.Contains(string(out), "context deadline exceeded") && !strings.Contains(string(out), "Failing input written")
			if err != nil && !late {
				failed++
				t.Fatalf("%v\n%s", err, out)
			}
			for _, line := range lines { // the last word of its progress
				if strings.HasPrefix(line, "fuzz: elapsed") {
					out = []byte(line)
				}
			}
			t.Logf("%s", out)
		})
	}
	proof.Record(t, proof.Figure{ID: "HTTP", What: fmt.Sprintf("fuzz tests of %d, %v each: that found a panic or a broken rule", len(all), each),
		Target: "0", Got: fmt.Sprint(failed), Met: failed == 0})
}
