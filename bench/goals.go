package main

import (
	"fmt"
	"math"
)

// goal is one line of what was to be reached.
type goal struct {
	What     string  `json:"what"`
	Want     string  `json:"want"`
	Measured float64 `json:"measured"`
	Text     string  `json:"text"` // Measured with its unit
	Verdict  string  `json:"verdict"`
}

// verdict compares; nothing measured is neither met nor missed.
func verdict(measured float64, met bool) string {
	switch {
	case math.IsNaN(measured):
		return "not measured"
	case met:
		return "met"
	}
	return "**missed**"
}

// scores gathers goals.
type scores struct{ all []goal }

func (s *scores) least(what string, measured, want float64, format string) {
	s.add(what, "at least "+fmt.Sprintf(format, want), measured, format, measured >= want)
}

func (s *scores) most(what string, measured, want float64, format string) {
	s.add(what, "at most "+fmt.Sprintf(format, want), measured, format, measured <= want)
}

func (s *scores) add(what, want string, measured float64, format string, met bool) {
	g := goal{what, want, measured, fmt.Sprintf(format, measured), verdict(measured, met)}
	if math.IsNaN(measured) {
		g.Measured, g.Text = 0, "-" // JSON has no NaN
	}
	s.all = append(s.all, g)
}

// The formats of a goal's figure.
const (
	asShare  = "%.2f of the ceiling"
	asTimes  = "%.2f times"
	asMillis = "%.1f ms"
	asMB     = "%.0f MB"
)

// goals are what the project set itself for speed, beside what was measured.
func (r *runner) goals() []goal {
	var s scores
	big, small := r.sizes[len(r.sizes)-1], 10_000
	in := func(rows int) string {
		if rows == 0 {
			return "an empty book"
		}
		return sizeText(rows) + " contacts"
	}
	share := func(subject, op string, rows int) float64 {
		return r.median(subject, op, rows, func(f *figure) float64 { return f.share() })
	}
	rate := func(subject, op string, rows int) float64 {
		return r.median(subject, op, rows, func(f *figure) float64 { return f.Rate })
	}
	p99 := func(op string, rows int) float64 {
		return r.median(nameSQLite, op, rows, func(f *figure) float64 { return f.P99 })
	}
	cpu := func(subject, op string, rows int) float64 {
		return r.median(subject, op, rows, func(f *figure) float64 { return f.CPU + f.DBCPU })
	}
	for _, rows := range []int{0, big} {
		s.least("SQLite, durable adds, "+in(rows), share(nameSQLite, opAdd, rows), 0.30, asShare)
		s.least("… against PocketBase", rate(nameSQLite, opAdd, rows)/rate(namePeer, opAdd, rows), 10, asTimes)
		s.least("… against one transaction a request", rate(nameSQLite, opAdd, rows)/rate(nameNaive, opAdd, rows), 4, asTimes)
		s.most("… p99 at saturation", p99(opAdd, rows), 30, asMillis)
		s.most("… p99 at 60% of it", p99(opAdd60, rows), 10, asMillis)
	}
	s.most("SQLite, time of an add, "+in(big)+" against 10k", rate(nameSQLite, opAdd, small)/rate(nameSQLite, opAdd, big), 1.2, asTimes)
	s.most("SQLite, CPU of an add, "+in(big)+" against 10k", cpu(nameSQLite, opAdd, big)/cpu(nameSQLite, opAdd, small), 1.2, asTimes)
	s.least("PostgreSQL, durable adds, an empty book", share(namePostgres, opAdd, 0), 0.15, asShare)
	s.least("PostgreSQL, durable adds, "+in(big), share(namePostgres, opAdd, big), 0.15, asShare)
	s.least("… against an empty book (0.95: as fast, within what rounds differ by)", rate(namePostgres, opAdd, big)/rate(namePostgres, opAdd, 0), 0.95, asTimes)
	for _, e := range []struct{ name, subject string }{{"SQLite", nameSQLite}, {"PostgreSQL", namePostgres}} {
		s.least(e.name+", get one, "+in(big), share(e.subject, opGet, big), 0.45, asShare)
		s.least(e.name+", page of 50, "+in(big), share(e.subject, opList, big), 0.12, asShare)
		s.least("… against PocketBase", rate(e.subject, opList, big)/rate(namePeer, opList, big), 8, asTimes)
		s.most(e.name+", CPU of a get, "+in(big)+" against 10k", cpu(e.subject, opGet, big)/cpu(e.subject, opGet, small), 1.2, asTimes)
		s.most(e.name+", CPU of a page, "+in(big)+" against 10k", cpu(e.subject, opList, big)/cpu(e.subject, opList, small), 1.2, asTimes)
		s.most(e.name+", resident memory under load, "+in(big), r.peak(e.subject, big), 150, asMB)
		s.most(e.name+", from start to first answer, "+in(big), r.startTime(e.subject, big), 500, asMillis)
	}
	return s.all
}

// peak is the most memory that a server held in any run.
func (r *runner) peak(subject string, rows int) float64 {
	most := math.NaN()
	for i := range r.figures {
		if f := &r.figures[i]; f.Subject == subject && f.Rows == rows && !(f.PeakRSS <= most) {
			most = f.PeakRSS
		}
	}
	return most
}

func (r *runner) startTime(subject string, rows int) float64 {
	var all []float64
	for _, s := range r.starts {
		if s.Subject == subject && s.Rows == rows {
			all = append(all, s.Millis)
		}
	}
	return median(all)
}
