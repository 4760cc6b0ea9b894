package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"contactbook/bench/machine"
)

// report is all that is kept of a run, as results.json has it.
type report struct {
	Date     string   `json:"date"`
	Commit   string   `json:"commit"`
	Machine  []string `json:"machine"`
	Settings []string `json:"settings"`
	Servers  []server `json:"servers"`
	Goals    []goal   `json:"goals"`
	Figures  []figure `json:"figures"`
	Starts   []start  `json:"starts"`
	Growth   []growth `json:"growth"`
	Took     string   `json:"took"`
}

type server struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// median is the middle of all, NaN of none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// median is the middle of a figure over the rounds, NaN when it was not measured.
func (r *runner) median(subject, op string, rows int, of func(*figure) float64) float64 {
	var all []float64
	for i := range r.figures {
		if f := &r.figures[i]; f.Subject == subject && f.Op == op && f.Rows == rows {
			all = append(all, of(f))
		}
	}
	return median(all)
}

func (r *runner) report(dir, disk string, versions []string, histories []growth) (*report, error) {
	fs, err := machine.FileSystem(dir)
	if err != nil {
		return nil, err
	}
	rep := &report{
		Date: time.Now().UTC().Format(time.DateOnly), Commit: commit(), Goals: r.goals(),
		Figures: r.figures, Starts: r.starts, Growth: histories, Took: time.Since(r.began).Round(time.Second).String(),
		Machine: append([]string{
			fmt.Sprintf("%s, %d cores, %.0f GB of memory, shared by load generator, server and database", machine.Model(), runtime.NumCPU(), float64(machine.TotalMemory())/1e9),
			fmt.Sprintf("Linux %s; databases on %s, where an appended page takes %s to become durable", machine.Kernel(), fs, disk),
		}, versions...),
		Settings: []string{
			fmt.Sprintf("%d keep-alive connections, %d tenants that are equally busy, %d rounds of %v a figure (after %v to warm up)", r.conns, tenants, r.rounds, r.measure, r.warm),
			"each round begins with a fresh copy of the book; reads come first, deletes last",
			"medians over the rounds; `of ceiling` compares within a round",
		},
	}
	for _, s := range r.subjects {
		rep.Servers = append(rep.Servers, server{s.name, s.about})
	}
	return rep, nil
}

// commit is what the working tree stands on.
func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	text := strings.TrimSpace(string(out))
	if out, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no", "..").Output(); err == nil && len(out) > 0 {
		text += " with changes"
	}
	return text
}

// versionsOf says what Go and which of the modules a binary is built from.
func versionsOf(name, binary string, modules ...string) (string, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", err
	}
	text := name + ": " + info.GoVersion
	for _, dep := range info.Deps {
		if slices.Contains(modules, dep.Path) {
			text += ", " + dep.Path + " " + dep.Version
		}
	}
	return text, nil
}

// markdown is the report for people.
func (r *runner) markdown(rep *report) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("# Results\n\nMade by `make bench` on %s, at commit %s, in %s. README.md tells what is measured and how.\n\n", rep.Date, rep.Commit, rep.Took)
	if r.quick {
		p("A quick run: it shows that everything works, and nothing of how fast it is.\n\n")
	}
	for _, line := range append(rep.Machine, rep.Settings...) {
		p("- %s\n", line)
	}
	p("\n| server | what it is |\n|---|---|\n| %s | net/http that reads the same requests and sends replies of the same size, and does nothing |\n", nameCeiling)
	for _, s := range rep.Servers {
		p("| %s | %s |\n", s.Name, s.About)
	}
	p("\n## Goals\n\n| what | goal | measured | |\n|---|---|---|---|\n")
	for _, g := range rep.Goals {
		p("| %s | %s | %s | %s |\n", g.What, g.Want, g.Text, g.Verdict)
	}
	for _, rows := range r.sizes {
		p("\n## %s\n\n", map[bool]string{true: "An empty book", false: sizeText(rows) + " contacts"}[rows == 0])
		r.table(&b, rows)
	}
	p("\n%s\n", strings.Join(opNotes, "\n"))
	if own := r.median(nameCeiling, opAdd, r.sizes[0], func(f *figure) float64 { return f.LoadCPU }); !math.IsNaN(own) {
		p("- The load generator takes %.0f us of CPU for a request of the ceiling, beside the ceiling's own.\n", own)
	}
	if len(rep.Growth) > 0 {
		p("\n## Growth\n\n![adds a second, p99 and size of the database over the number of contacts](%s)\n", r.file("growth", "svg"))
	}
	p("\n%s\n", r.trouble())
	return b.String()
}

var opNotes = []string{
	"- get: one contact by its id. list: the newest 50, tags in full. tag, rare: the newest 50 with a tag that every second, or every twentieth, contact of the tenant has. search: a number within a name.",
	"- add60: adds at 60% of the rate of add, in an open loop; latencies count from when a request was due.",
	"- CPU is microseconds a request, of the server and, after the plus sign, of PostgreSQL's own processes. RSS is the server's peak and end.",
}

// table is all figures of one size of book.
func (r *runner) table(b *strings.Builder, rows int) {
	b.WriteString("| | server | ops/s | of ceiling | p50 ms | p99 ms | CPU us | RSS MB | errors |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	names := []string{nameCeiling}
	for _, s := range r.subjects {
		names = append(names, s.name)
	}
	for _, op := range r.opsAt(rows) {
		first := op
		for _, name := range names {
			get := func(of func(*figure) float64) float64 { return r.median(name, op, rows, of) }
			rate := get(func(f *figure) float64 { return f.Rate })
			if math.IsNaN(rate) {
				continue
			}
			share, cpu, wrong := "", fmt.Sprintf("%.0f", get(func(f *figure) float64 { return f.CPU })), 0
			if s := get((*figure).share); s > 0 {
				share = fmt.Sprintf("%.3f", s)
			}
			if db := get(func(f *figure) float64 { return f.DBCPU }); db > 0 {
				cpu += fmt.Sprintf(" + %.0f", db)
			}
			for i := range r.figures {
				if f := &r.figures[i]; f.Subject == name && f.Op == op && f.Rows == rows {
					wrong += f.Errors + f.Unsent
				}
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %.2f | %.2f | %s | %.0f / %.0f | %d |\n", first, name, thousands(rate), share,
				get(func(f *figure) float64 { return f.P50 }), get(func(f *figure) float64 { return f.P99 }), cpu,
				get(func(f *figure) float64 { return f.PeakRSS }), get(func(f *figure) float64 { return f.EndRSS }), wrong)
			first = ""
		}
	}
}

// thousands writes 12345 as 12,345.
func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// trouble says how much of the machine was taken away, by other machines and by
// whatever else ran here.
func (r *runner) trouble() string {
	if len(r.figures) == 0 {
		return ""
	}
	repeated, kept, worst := 0, 0, 0.0
	var others []float64
	for i := range r.figures {
		f := &r.figures[i]
		if f.Tries > 1 {
			repeated++
		}
		if f.Steal > maxSteal {
			kept++
		}
		worst = max(worst, f.Steal)
		others = append(others, f.Others)
	}
	return fmt.Sprintf("Of %d figures %d were measured again because other machines took more than %.0f%% of the CPU time; %d stayed above that after %d tries (the worst: %.1f%%).\n"+
		"Whatever else ran here, the kernel's own work for the disk included, took %.1f%% of the CPU time in the median figure and %.1f%% in the worst.",
		len(r.figures), repeated, 100*maxSteal, kept, maxTries, 100*worst, 100*median(others), 100*slices.Max(others))
}

// file is the name of one of the results.
func (r *runner) file(name, ending string) string {
	if r.name != "" {
		name += "-" + r.name
	}
	return name + "." + ending
}

// write leaves the results in their folder.
func (r *runner) write(rep *report) error {
	text, err := json.MarshalIndent(rep, "", " ")
	if err != nil {
		return err
	}
	files := map[string]string{r.file("RESULTS", "md"): r.markdown(rep), r.file("results", "json"): string(text) + "\n"}
	if len(rep.Growth) > 0 {
		files[r.file("growth", "svg")] = chart(rep.Growth, r.conns)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(r.out, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
