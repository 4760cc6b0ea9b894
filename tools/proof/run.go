package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// runner runs tests of the project, one go test after another.
type runner struct {
	root, size string
	out        io.Writer // progress, a line each
	logs       string    // folder of what the tests printed
	began      time.Time
}

func (r *runner) say(format string, args ...any) {
	fmt.Fprintf(r.out, "%8s  %s\n", time.Since(r.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// verdict is how a promise stands.
type verdict string

const (
	met    verdict = "met"
	missed verdict = "missed" // the tests ran well, and a figure is not what it should be
	failed verdict = "failed"
	notRun verdict = "not run" // a test is not there, was skipped, or left no figure: nothing is shown
)

// result is the last run of one promise.
type result struct {
	Verdict  verdict   `json:"verdict"`
	Why      string    `json:"why,omitempty"` // where it is not met
	Date     time.Time `json:"date"`
	Size     string    `json:"size"`
	Seconds  float64   `json:"seconds"`
	Steal    float64   `json:"steal"`           // of the CPU time, in percent: what other machines took
	Again    string    `json:"again,omitempty"` // why it was run twice, and how the first run ended
	Commands []string  `json:"commands"`
	Figures  []figure  `json:"figures"`
}

// figure is a line of internal/proof's.
type figure struct {
	ID     string `json:"id"`
	What   string `json:"what"`
	Target string `json:"target"`
	Got    string `json:"got"`
	Met    bool   `json:"met"`
	Seed   uint64 `json:"seed,omitempty"`
	Test   string `json:"test"`
}

func (f figure) verdict() verdict {
	if f.Met {
		return met
	}
	return missed
}

func (r result) summary() string {
	text := string(r.Verdict)
	if r.Why != "" {
		text += ": " + r.Why
	}
	return fmt.Sprintf("%s, in %s", text, (time.Duration(r.Seconds) * time.Second).String())
}

// maxSteal is the part of the CPU time that other machines may take, in percent. Where a promise was not kept while they
// took more, it is tried once more, and both runs are told of.
const maxSteal = 6

// prove runs the tests of one promise.
func (r *runner) prove(ctx context.Context, it item) result {
	first := r.try(ctx, it)
	if ctx.Err() != nil || first.Verdict == met || first.Verdict == notRun || first.Steal <= maxSteal {
		return first
	}
	why := fmt.Sprintf("run again: while it %s, other machines took %.0f%% of the CPU time (%s)", first.Verdict, first.Steal, first.Why)
	r.say("%s: %s", it.ID, why)
	second := r.try(ctx, it)
	second.Again = why
	return second
}

func (r *runner) try(ctx context.Context, it item) (res result) {
	began, cpu := time.Now(), readCPU()
	res = result{Date: began.UTC().Truncate(time.Second), Size: r.size, Figures: []figure{}, Commands: []string{}}
	defer func() {
		res.Seconds = time.Since(began).Round(100 * time.Millisecond).Seconds()
		res.Steal = readCPU().since(cpu)
	}()
	if len(it.Runs) == 0 {
		res.Verdict, res.Why = notRun, "there is no test of it"
		return res
	}
	log, err := os.Create(filepath.Join(r.logs, it.ID+".log"))
	if err != nil {
		res.Verdict, res.Why = failed, err.Error()
		return res
	}
	defer log.Close()
	var all []outcome
	for _, t := range it.Runs {
		o := r.goTest(ctx, it.ID, t, log)
		all = append(all, o)
		res.Commands = append(res.Commands, o.command)
		for _, f := range o.figures {
			if f.ID == it.ID {
				res.Figures = append(res.Figures, f)
			}
		}
	}
	res.Verdict, res.Why = judge(it, all, res.Figures)
	return res
}

// judge says what the runs of a promise show. Tests that are not there show nothing.
func judge(it item, all []outcome, figures []figure) (verdict, string) {
	for _, o := range all {
		if o.wrong != "" {
			return failed, o.wrong
		}
	}
	for i, t := range it.Runs {
		for _, name := range t.Tests {
			switch all[i].tests[name] {
			case "pass":
			case "skip":
				return notRun, name + " was skipped"
			default:
				return notRun, t.Package + " has no " + name
			}
			if t.Sub != "" && !all[i].subs[name] {
				return notRun, name + " has no subtest " + t.Sub
			}
		}
		if len(all[i].tests) == 0 {
			return notRun, t.Package + " has no tests to run"
		}
	}
	if len(figures) == 0 {
		return notRun, "its tests recorded no figure"
	}
	for _, f := range figures {
		if !f.Met {
			return missed, fmt.Sprintf("%s: %s, not %s", f.What, f.Got, f.Target)
		}
	}
	return met, ""
}

// outcome is what one go test showed.
type outcome struct {
	command string
	tests   map[string]string // top-level tests that began: pass, skip or fail
	subs    map[string]bool   // top-level tests of which a subtest passed
	wrong   string            // why it failed; empty when it did not
	built   bool              // false when the code did not compile
	figures []figure
}

// event is a line of go test -json.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
	FailedBuild                   string
}

// goTest runs one go test and reads what it says. more are further settings of its environment.
func (r *runner) goTest(ctx context.Context, id string, t run, log io.Writer, more ...string) outcome {
	o := outcome{tests: map[string]string{}, subs: map[string]bool{}, built: true}
	figures, err := os.CreateTemp("", "proof-")
	if err != nil {
		o.wrong = err.Error()
		return o
	}
	figures.Close()
	defer os.Remove(figures.Name())

	size, limit := r.size, t.Limit
	if size == "release" {
		limit *= 10
	}
	args := []string{"test", "-count=1", "-timeout=" + limit.String()}
	if t.Race {
		args, size = append(args, "-race"), "quick"
	}
	if expression := t.expression(); expression != "" {
		args = append(args, "-run", expression)
	}
	for _, setting := range more {
		if file, ok := strings.CutPrefix(setting, overlayEnv+"="); ok {
			args = append(args, "-overlay", file)
		}
	}
	args = append(args, t.Package)
	o.command = "CONTACTBOOK_SIZE=" + size + " go " + quoted(args)
	fmt.Fprintf(log, "%s\n", o.command)

	// The tests end themselves at their limit; this is for what they leave behind.
	ctx, cancel := context.WithTimeout(ctx, limit+time.Minute)
	defer cancel()
	program := os.Getenv("GO")
	if program == "" {
		program = "go"
	}
	cmd := exec.CommandContext(ctx, program, slices.Insert(args, 1, "-json")...)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "CONTACTBOOK_SIZE="+size, "CONTACTBOOK_PROOF="+figures.Name())
	cmd.Env = append(cmd.Env, more...)
	if t.Race {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	together(cmd)
	cmd.WaitDelay = 20 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = log
		err = cmd.Start()
	}
	if err != nil {
		o.wrong = err.Error()
		return o
	}
	races := r.read(id, stdout, log, &o)
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		o.wrong = "it was ended, after " + limit.String()
	case !errors.As(err, &exit):
		o.wrong = err.Error()
	case o.wrong == "":
		o.wrong = "go test failed: " + err.Error()
	}
	o.figures, err = readFigures(figures.Name())
	if err != nil && o.wrong == "" {
		o.wrong = err.Error()
	}
	if t.Race {
		o.figures = append(o.figures, figure{ID: id, What: fmt.Sprintf("data races in %d tests", len(o.tests)), Target: "0", Got: fmt.Sprint(races), Met: races == 0})
	}
	return o
}

// expression is -run's: the tests, and the subtests if only some are wanted.
func (t run) expression() string {
	if len(t.Tests) == 0 {
		return ""
	}
	e := "^(" + strings.Join(t.Tests, "|") + ")$"
	if t.Sub != "" {
		e += "/^(" + t.Sub + ")$"
	}
	return e
}

// quoted is a command line that a shell reads.
func quoted(args []string) string {
	var all []string
	for _, a := range args {
		if strings.ContainsAny(a, "^$()|* ") {
			a = "'" + a + "'"
		}
		all = append(all, a)
	}
	return strings.Join(all, " ")
}

// beat is how often a test that says nothing is said to be at work.
const beat = 30 * time.Second

// read follows go test and counts the data races that it reports.
func (r *runner) read(id string, from io.Reader, log io.Writer, o *outcome) (races int) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 64<<20)
	last := time.Now()
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintf(log, "%s\n", lines.Text())
			continue
		}
		io.WriteString(log, e.Output)
		if strings.Contains(e.Output, "WARNING: DATA RACE") {
			races++
		}
		name, _, sub := strings.Cut(e.Test, "/")
		top := e.Test != "" && !sub
		switch {
		case sub && e.Action == "pass":
			o.subs[name] = true
		case e.Action == "build-fail":
			o.built, o.wrong = false, "the code does not compile"
		case e.FailedBuild != "":
		case top && e.Action == "run":
			o.tests[e.Test] = "run"
		case top && (e.Action == "pass" || e.Action == "skip" || e.Action == "fail"):
			o.tests[e.Test] = e.Action
			if e.Action == "fail" && o.wrong == "" {
				o.wrong = e.Test + " fails"
			}
			if time.Since(last) > beat/10 || e.Action == "fail" {
				r.say("%s: %s: %s after %.0f s", id, e.Test, e.Action, e.Elapsed)
				last = time.Now()
			}
		case e.Action == "output" && time.Since(last) > beat && strings.TrimSpace(e.Output) != "":
			r.say("%s: %s", id, cut(strings.TrimSpace(e.Output), 140))
			last = time.Now()
		}
	}
	return races
}

func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

// readFigures reads what internal/proof left.
func readFigures(path string) (all []figure, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n") {
		if line == "" {
			continue
		}
		var f figure
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			return nil, fmt.Errorf("a figure cannot be read: %w", err)
		}
		all = append(all, f)
	}
	// A test records its figures when it ends, the last first; tests that run side by side record theirs in any order.
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b figure) int { return strings.Compare(a.Test, b.Test) })
	return all, nil
}
