package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCatalogueIsWhole holds the catalogue to everything that was promised.
func TestCatalogueIsWhole(t *testing.T) {
	promised := strings.Fields("R1 R2 R3 R5 R6 R8 R11 R14 HTTP M1 M2 M3 M4 S1 S2 S3 S5 S6 S7 O1 O2 O3 O4 O5 O6 O7 O8 O9 O10")
	var ids []string
	for _, it := range catalogue {
		ids = append(ids, it.ID)
		if it.Title == "" || it.Target == "" {
			t.Errorf("%s has no title or no target", it.ID)
		}
		for _, r := range it.Runs {
			if r.Limit == 0 || len(r.Tests) == 0 && !r.Race {
				t.Errorf("%s: %s has no limit, or names no test", it.ID, r.Package)
			}
		}
	}
	if !slices.Equal(ids, promised) {
		t.Errorf("the catalogue has\n%s\nnot\n%s", ids, promised)
	}
	for _, p := range plants {
		if slices.Contains(ids, p.ID) || !slices.Contains(ids, p.For) {
			t.Errorf("plant %s is for %q", p.ID, p.For)
		}
		ids = append(ids, p.ID)
	}
}

// TestPageIsMadeFromTheResults finds a table that was edited by hand.
func TestPageIsMadeFromTheResults(t *testing.T) {
	b, err := openBook("../..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(b.root, pageFile))
	if err != nil {
		t.Fatal(err)
	}
	made, err := b.page(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if made != string(page) {
		t.Errorf("the tables of %s are not what %s makes: go run -C tools ./proof -page", pageFile, bookFile)
	}
}

// sample is a module of tests of each kind.
func sample(t *testing.T) *runner {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":     "module sample\n\ngo 1.26\n",
		"sum/sum.go": "package sum\n\nfunc Sum(a, b int) int { return a + b }\n",
		"bad/bad.go": "package bad\n\nvar x int = \"no number\"\n",
		"sum/sum_test.go": `package sum

import (
	"os"
	"testing"
	"time"
)

func leave(t *testing.T, line string) {
	if err := os.WriteFile(os.Getenv("CONTACTBOOK_PROOF"), []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMet(t *testing.T) {
	leave(t, ` + "`" + `{"id":"X","what":"sums","target":"3","got":"3","met":true,"seed":7,"test":"TestMet"}` + "`" + `)
	if Sum(1, 2) != 3 {
		t.Error("not 3")
	}
}

func TestMissed(t *testing.T) {
	leave(t, ` + "`" + `{"id":"X","what":"seconds","target":"1","got":"2","met":false,"test":"TestMissed"}` + "`" + `)
}

func TestOther(t *testing.T) {
	leave(t, ` + "`" + `{"id":"Y","what":"another promise's","target":"1","got":"1","met":true}` + "`" + `)
}

func TestFails(t *testing.T) { t.Error("it fails") }
func TestSkips(t *testing.T) { t.Skip("not here") }
func TestPanics(t *testing.T) { panic("it panics") }
func TestHangs(t *testing.T)  { TestMet(t); time.Sleep(time.Hour) }
func TestExits(t *testing.T)  { TestMet(t); os.Exit(0) }
`,
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &runner{root: root, size: "nightly", out: &bytes.Buffer{}, logs: t.TempDir(), began: time.Now()}
}

// TestOnlyWhatRanIsMet: a promise is met when all its tests ran and passed and left figures that are met.
func TestOnlyWhatRanIsMet(t *testing.T) {
	r := sample(t)
	one := func(of string, tests ...string) []run {
		return []run{{Package: of, Tests: tests, Limit: short}}
	}
	for _, c := range []struct {
		name string
		runs []run
		want verdict
		why  string
	}{
		{"passes", one("./sum", "TestMet"), met, ""},
		{"a test that is not there", one("./sum", "TestAbsent"), notRun, "./sum has no TestAbsent"},
		{"one of two that is not there", one("./sum", "TestMet", "TestAbsent"), notRun, "./sum has no TestAbsent"},
		{"a subtest that is not there", []run{{Package: "./sum", Tests: []string{"TestMet"}, Sub: "absent", Limit: short}}, notRun, "TestMet has no subtest absent"},
		{"skipped", one("./sum", "TestMet", "TestSkips"), notRun, "TestSkips was skipped"},
		{"no figure", one("./sum", "TestOther"), notRun, "its tests recorded no figure"},
		{"no tests", nil, notRun, "there is no test of it"},
		{"a figure is missed", one("./sum", "TestMissed"), missed, "seconds: 2, not 1"},
		{"fails", one("./sum", "TestMet", "TestFails"), failed, "TestFails fails"},
		{"panics", one("./sum", "TestPanics"), failed, "TestPanics fails"},
		{"hangs", []run{{Package: "./sum", Tests: []string{"TestHangs"}, Limit: time.Second}}, failed, ""},
		{"ends the process", one("./sum", "TestExits"), failed, ""},
		{"no such package", one("./absent", "TestMet"), failed, ""},
		{"does not compile", one("./bad", "TestMet"), failed, "the code does not compile"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.try(t.Context(), item{ID: "X", Runs: c.runs})
			if got.Verdict != c.want || c.why != "" && got.Why != c.why {
				t.Errorf("%s: %s, want %s: %s", got.Verdict, got.Why, c.want, c.why)
			}
			if c.want == met && (len(got.Figures) != 1 || got.Figures[0].Seed != 7 || len(got.Commands) != 1) {
				t.Errorf("it is recorded as %+v", got)
			}
		})
	}
}

// TestPlants: a fault is found when its test fails with it, and in no other case.
func TestPlants(t *testing.T) {
	r := sample(t)
	for _, c := range []struct {
		name           string
		old, new, test string
		want           verdict
	}{
		{"found", "a + b", "a - b", "TestMet", found},
		{"not found", "a + b", "b + a", "TestMet", notFound},
		{"the text is not there", "a * b", "a - b", "TestMet", unfit},
		{"the text is there twice", "Sum", "Som", "TestMet", unfit},
		{"does not compile", "a + b", "a + c", "TestMet", unfit},
		{"no such test", "a + b", "a - b", "TestAbsent", unfit},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := "sum/sum.go"
			if c.name == "the text is there twice" {
				file = "sum/sum_test.go"
			}
			p := fault{ID: "P", Package: "./sum", Test: c.test, File: file, Swaps: []swap{{c.old, c.new}}}
			if got := r.plant(t.Context(), p); got.Verdict != c.want {
				t.Errorf("%s: %s, want %s", got.Verdict, got.Why, c.want)
			}
		})
	}
}

// TestChosen names what is to be run.
func TestChosen(t *testing.T) {
	ids, _, err := chosen("catalogue", "M1, R1")
	if err != nil || len(ids) != 2 || ids[0].ID != "R1" || ids[1].ID != "M1" {
		t.Errorf("R1 and M1 are %v, %v", ids, err)
	}
	if ids, faults, err := chosen("all", ""); err != nil || len(ids) != len(catalogue) || len(faults) != len(plants) {
		t.Errorf("all are %d and %d, %v", len(ids), len(faults), err)
	}
	if _, _, err := chosen("all", "R1,R99"); err == nil || !strings.Contains(err.Error(), "R99") {
		t.Errorf("R99: %v", err)
	}
}
