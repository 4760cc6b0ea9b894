package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// plan is what to measure.
type plan struct {
	subjects []string
	ops      []string
	sizes    []int // contacts in the book
	rounds   int
	conns    int
	measure  time.Duration // of one operation of one subject in one round
	warm     time.Duration // before it
	quick    bool
	out      string // folder of the results
	name     string // of the results
	dir      string // where databases go; empty for the system's temporary folder
	profiles string // folder of CPU profiles; empty for none

	growthRows int           // contacts to add, one after another; 0: no growth run
	growthTime time.Duration // how long that may take
}

var allSubjects = []string{nameSQLite, namePostgres, nameNaive, namePeer}

// opsAt is what to ask of a book of that size: an empty one has nothing to read,
// and 10 k are there to compare with.
func (p *plan) opsAt(rows int) []string {
	var some []string
	switch {
	case rows == 0:
		some = []string{opAdd, opAdd60}
	case rows <= 10_000:
		some = []string{opGet, opList, opAdd}
	default:
		some = allOps
	}
	return intersect(some, p.ops)
}

// intersect is what of all is in some, in the order of all.
func intersect(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !slices.Contains(some, s) })
}

func readPlan(args []string) (*plan, error) {
	p := &plan{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	subjects := f.String("subjects", strings.Join(allSubjects, ","), "servers to measure; the ceiling always is")
	ops := f.String("ops", strings.Join(allOps, ","), "operations to measure")
	sizes := f.String("sizes", "0,10k,100k,1m", "contacts in the book: multiples of 1k")
	growth := f.String("growth", "1m", "contacts to add for the growth chart; 0: no chart")
	f.IntVar(&p.rounds, "rounds", 5, "rounds, of which the medians are reported")
	f.IntVar(&p.conns, "conns", 64, "keep-alive connections")
	seconds := f.Float64("seconds", 2, "how long to measure one operation of one server in one round")
	f.DurationVar(&p.growthTime, "growth-time", 2*time.Minute, "how long the adds for the growth chart may take, each engine")
	f.BoolVar(&p.quick, "quick", false, "see that everything runs, in under two minutes; the report goes to standard output")
	f.StringVar(&p.out, "out", ".", "folder for the results")
	f.StringVar(&p.name, "name", "", "what to append to the results' names, as in RESULTS-10m.md")
	f.StringVar(&p.dir, "dir", "", "folder for the databases, on a disk (default: the system's folder for temporary files)")
	f.StringVar(&p.profiles, "profiles", "", "folder for CPU profiles of contactbook in each run")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if p.quick {
		set := map[string]bool{}
		f.Visit(func(f *flag.Flag) { set[f.Name] = true })
		for name, value := range map[string]string{"sizes": "0,10k,50k", "growth": "20k", "rounds": "1", "seconds": "0.5", "growth-time": "4s"} {
			if !set[name] {
				if err := f.Set(name, value); err != nil {
					return nil, err
				}
			}
		}
	}
	p.measure = time.Duration(*seconds * float64(time.Second))
	p.warm = min(400*time.Millisecond, p.measure/4)
	p.subjects, p.ops = split(*subjects), split(*ops)
	for _, s := range p.subjects {
		if !slices.Contains(allSubjects, s) {
			return nil, fmt.Errorf("-subjects: %q is none of %s", s, strings.Join(allSubjects, ","))
		}
	}
	for _, op := range p.ops {
		if !slices.Contains(allOps, op) {
			return nil, fmt.Errorf("-ops: %q is none of %s", op, strings.Join(allOps, ","))
		}
	}
	for _, text := range split(*sizes) {
		rows, err := parseSize(text)
		if err != nil || rows%1000 != 0 {
			return nil, fmt.Errorf("-sizes: %q is no multiple of 1k such as 100k or 1m", text)
		}
		p.sizes = append(p.sizes, rows)
	}
	var err error
	if p.growthRows, err = parseSize(*growth); err != nil {
		return nil, fmt.Errorf("-growth: %w", err)
	}
	if p.rounds < 1 || p.conns < 1 || p.measure <= 0 || len(p.sizes) == 0 {
		return nil, errors.New("-rounds, -conns, -seconds and -sizes must be more than nothing")
	}
	slices.Sort(p.sizes)
	return p, nil
}

func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

// parseSize reads 0, 10k or 1m.
func parseSize(s string) (int, error) {
	times := 1
	switch lower := strings.ToLower(s); {
	case strings.HasSuffix(lower, "k"):
		times, s = 1000, s[:len(s)-1]
	case strings.HasSuffix(lower, "m"):
		times, s = 1_000_000, s[:len(s)-1]
	}
	n, err := strconv.Atoi(s)
	if err == nil && n < 0 {
		err = errors.New("a size is no negative number")
	}
	return n * times, err
}

// sizeText is parseSize's inverse.
func sizeText(n int) string {
	switch {
	case n >= 1_000_000 && n%1_000_000 == 0:
		return strconv.Itoa(n/1_000_000) + "m"
	case n >= 1000 && n%1000 == 0:
		return strconv.Itoa(n/1000) + "k"
	}
	return strconv.Itoa(n)
}
