package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// fault is one that is put into the program on purpose, for one test to find. It is compiled in through go's -overlay,
// which reads one file in the place of another, so the source never holds it.
type fault struct {
	ID      string
	What    string
	For     string // of the catalogue
	Package string
	Test    string // which must fail
	Sub     string // of its subtests, if not all
	File    string // below the root
	Swaps   []swap
}

// swap is a text of the file, which stands there once, and what stands there with the fault.
type swap struct{ old, new string }

// overlayEnv tells e2e to build the program that it tests with an overlay too.
const overlayEnv = "CONTACTBOOK_TEST_OVERLAY"

const (
	found    verdict = "found"
	notFound verdict = "not found" // the test passes: it proves less than it says
	unfit    verdict = "unfit"     // the plant is no fault of the program as it is now, or the test is not there
)

// shown is how a plant went, the last time.
type shown struct {
	Verdict verdict   `json:"verdict"`
	Why     string    `json:"why,omitempty"`
	Date    time.Time `json:"date"`
	Size    string    `json:"size"`
	Seconds float64   `json:"seconds"`
	Command string    `json:"command,omitempty"`
}

func (s shown) summary() string {
	if s.Why != "" {
		return fmt.Sprintf("%s: %s", s.Verdict, s.Why)
	}
	return fmt.Sprintf("%s, in %s", s.Verdict, (time.Duration(s.Seconds) * time.Second).String())
}

// plant runs the test of one fault with the fault in place: it must fail.
func (r *runner) plant(ctx context.Context, p fault) (s shown) {
	began := time.Now()
	s = shown{Date: began.UTC().Truncate(time.Second), Size: r.size}
	defer func() { s.Seconds = time.Since(began).Round(100 * time.Millisecond).Seconds() }()
	unable := func(err error) shown {
		s.Verdict, s.Why = unfit, err.Error()
		return s
	}
	dir, err := os.MkdirTemp("", "plant-")
	if err != nil {
		return unable(err)
	}
	defer os.RemoveAll(dir)
	overlay, err := p.overlay(r.root, dir)
	if err != nil {
		return unable(err)
	}
	log, err := os.Create(filepath.Join(r.logs, p.ID+".log"))
	if err != nil {
		return unable(err)
	}
	defer log.Close()
	o := r.goTest(ctx, p.ID, run{Package: p.Package, Tests: []string{p.Test}, Sub: p.Sub, Limit: short}, log, overlayEnv+"="+overlay)
	s.Command = "make plants ONLY=" + p.ID // the command of the test names a file that is gone
	s.Verdict, s.Why = p.judge(o)
	return s
}

// judge says whether the test found the fault.
func (p fault) judge(o outcome) (verdict, string) {
	switch {
	case !o.built || strings.Contains(o.wrong, "does not compile"):
		return unfit, "the code does not compile with it"
	case o.tests[p.Test] == "fail":
		return found, ""
	case o.tests[p.Test] == "pass" && o.wrong == "":
		return notFound, p.Test + " passes"
	case o.tests[p.Test] == "skip":
		return unfit, p.Test + " was skipped"
	case o.tests[p.Test] == "" && o.wrong == "":
		return unfit, p.Package + " has no " + p.Test
	}
	return unfit, o.wrong
}

// overlay writes the changed file into dir, and go's description of the overlay, whose path it returns.
func (p fault) overlay(root, dir string) (string, error) {
	path := filepath.Join(root, filepath.FromSlash(p.File))
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	with := string(text)
	for _, s := range p.Swaps {
		if n := strings.Count(with, s.old); n != 1 {
			return "", fmt.Errorf("%s has %q %d times", p.File, cut(strings.TrimSpace(s.old), 60), n)
		}
		with = strings.Replace(with, s.old, s.new, 1)
	}
	changed := filepath.Join(dir, filepath.Base(path))
	if err := os.WriteFile(changed, []byte(with), 0o600); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o600)
}
