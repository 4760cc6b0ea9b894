package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"contactbook/bench/load"
	"contactbook/bench/machine"
)

// figure is one operation of one subject in one round.
type figure struct {
	Round   int    `json:"round"`
	Subject string `json:"subject"`
	Rows    int    `json:"rows"` // of the book when the server was started
	Op      string `json:"op"`

	Due     float64 `json:"due,omitempty"` // requests a second in an open loop
	Done    int     `json:"done"`
	Errors  int     `json:"errors"`
	Unsent  int     `json:"unsent"` // due, but never sent
	Rate    float64 `json:"rate"`   // right replies a second
	Ceiling float64 `json:"ceiling,omitempty"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	Max     float64 `json:"max_ms"`
	CPU     float64 `json:"cpu_us"`          // of the server, a request
	DBCPU   float64 `json:"database_cpu_us"` // of the database's own processes
	LoadCPU float64 `json:"load_cpu_us"`     // of the load generator
	PeakRSS float64 `json:"peak_rss_mb"`     // of the server
	EndRSS  float64 `json:"end_rss_mb"`
	Reply   float64 `json:"reply_bytes"` // of a body, on average
	Steal   float64 `json:"steal"`       // share of CPU time that other machines took
	Others  float64 `json:"others"`      // share that this machine spent on anything but generator, server and database
	Tries   int     `json:"tries"`
}

// share is the part of the ceiling that a figure reaches; 0 when unknown.
func (f *figure) share() float64 {
	if f.Ceiling == 0 {
		return 0
	}
	return f.Rate / f.Ceiling
}

const (
	maxSteal = 0.06 // of CPU time; a round that lost more is repeated
	maxTries = 3
)

// runner measures what the plan says.
type runner struct {
	*plan
	subjects []*subject
	ceilings *ceilings
	log      io.Writer // one line a figure

	figures []figure
	starts  []start
	planned int
	began   time.Time
}

// start is how long a server took from its start to its first good answer.
type start struct {
	Subject string  `json:"subject"`
	Rows    int     `json:"rows"`
	Millis  float64 `json:"ms"`
}

// opsOf are the operations of a subject that are measured at that size. The naive
// server is a baseline of the smallest and the largest book; what compares with
// 10 k is only asked of contactbook.
func (r *runner) opsOf(s *subject, rows int) []string {
	if s.name == nameNaive && rows != r.sizes[0] && rows != r.sizes[len(r.sizes)-1] {
		return nil
	}
	if s.name == namePeer && rows > 0 && rows <= 10_000 {
		return nil
	}
	return intersect(r.opsAt(rows), s.ops)
}

// all runs all rounds. Subjects take turns, so that a machine that changes its
// speed over the minutes changes it for all of them.
func (r *runner) all(ctx context.Context) error {
	r.began = time.Now()
	for _, rows := range r.sizes {
		r.planned += r.rounds * len(r.ceilingOps(rows))
		for _, s := range r.subjects {
			r.planned += r.rounds * len(r.opsOf(s, rows))
		}
	}
	for round := 1; round <= r.rounds; round++ {
		for _, rows := range r.sizes {
			tops := map[string]float64{}
			for _, op := range r.ceilingOps(rows) {
				if err := r.one(ctx, round, rows, r.ceilings.subject(rows, op), tops); err != nil {
					return err
				}
			}
			for _, s := range r.subjects {
				if err := r.one(ctx, round, rows, s, tops); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ceilingOps are the operations whose ceiling is measured: those that contactbook
// can do.
func (r *runner) ceilingOps(rows int) []string {
	ops := intersect(r.opsAt(rows), contactOps)
	return slices.DeleteFunc(ops, func(op string) bool { return op == opAdd60 })
}

// one measures one subject on one size of book, in one round.
func (r *runner) one(ctx context.Context, round, rows int, s *subject, tops map[string]float64) error {
	ops := r.opsOf(s, rows)
	if len(ops) == 0 {
		return nil
	}
	in, err := s.start(ctx, rows)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	if in.ready > 0 {
		r.starts = append(r.starts, start{s.name, rows, millis(in.ready)})
	}
	added := 0.0
	for _, op := range ops {
		rate := 0.0
		if op == opAdd60 {
			if rate = math.Round(0.6 * added); rate == 0 {
				continue // -ops has no add to take it from
			}
		}
		f, err := r.measureOp(ctx, in, s, rows, op, rate)
		if err != nil {
			return errors.Join(fmt.Errorf("%s %s: %w", s.name, op, err), in.stop())
		}
		f.Round = round
		if op == opAdd {
			added = f.Rate
		}
		if s.name == nameCeiling {
			tops[op] = f.Rate
		} else if op != opAdd60 {
			f.Ceiling = tops[op]
		}
		r.figures = append(r.figures, *f)
		r.progress(f)
	}
	return in.stop()
}

// measureOp measures one operation, again when the machine was taken away.
func (r *runner) measureOp(ctx context.Context, in *instance, s *subject, rows int, op string, rate float64) (*figure, error) {
	sources := s.sources(rows, op, r.conns)
	for try := 1; ; try++ {
		f, err := r.measureOnce(ctx, in, s, sources, sizeText(rows)+"-"+op, rate)
		if err != nil {
			return nil, err
		}
		f.Subject, f.Rows, f.Op, f.Tries = s.name, rows, op, try
		if f.Steal <= maxSteal || try == maxTries {
			return f, nil
		}
	}
}

func (r *runner) measureOnce(ctx context.Context, in *instance, s *subject, sources []load.Source, name string, rate float64) (*figure, error) {
	options := load.Options{Addr: in.addr, Rate: rate, For: r.warm}
	if _, err := load.Run(ctx, options, sources); err != nil {
		return nil, err
	}
	if err := machine.ResetPeak(in.pid); err != nil {
		return nil, err
	}
	profiled := make(chan error, 1)
	if r.profiles != "" && in.admin != "" {
		seconds := strconv.Itoa(max(1, int(r.measure.Seconds())))
		go func() { profiled <- in.saveProfile(ctx, filepath.Join(r.profiles, s.name+"-"+name+".pprof"), seconds) }()
	} else {
		profiled <- nil
	}
	server, database, own, err := in.cpu()
	if err != nil {
		return nil, err
	}
	times, err := machine.ReadTimes()
	if err != nil {
		return nil, err
	}
	options.For = r.measure
	if s.name == nameCeiling {
		options.For /= 2 // it does twenty times as many, and there are many ceilings
	}
	res, err := load.Run(ctx, options, sources)
	if err != nil {
		return nil, err
	}
	timesEnd, err := machine.ReadTimes()
	if err != nil {
		return nil, err
	}
	serverEnd, databaseEnd, ownEnd, err := in.cpu()
	if err != nil {
		return nil, err
	}
	now, peak, err := machine.Memory(in.pid)
	if err := errors.Join(err, <-profiled); err != nil {
		return nil, err
	}
	if res.Done == 0 {
		return nil, fmt.Errorf("no request went well; the first error: %w", res.First)
	}
	if res.First != nil {
		fmt.Fprintf(r.log, "%d errors, the first: %v\n", res.Errors, res.First)
	}
	known := (serverEnd - server) + (databaseEnd - database) + (ownEnd - own)
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(res.Done) }
	return &figure{
		Due: rate, Done: res.Done, Errors: res.Errors, Unsent: res.Unsent, Rate: res.Rate(),
		P50: millis(res.Latencies.Quantile(0.5)), P99: millis(res.Latencies.Quantile(0.99)), Max: millis(res.Latencies.Max()),
		CPU: each(serverEnd - server), DBCPU: each(databaseEnd - database), LoadCPU: each(ownEnd - own),
		PeakRSS: float64(peak) / 1e6, EndRSS: float64(now) / 1e6,
		Reply: float64(res.BodyBytes) / float64(res.Done), Steal: timesEnd.Steal(times), Others: timesEnd.Others(times, known),
	}, nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// progress writes the line of a figure, with how long the rest will take.
func (r *runner) progress(f *figure) {
	done := len(r.figures)
	left := time.Duration(float64(time.Since(r.began)) / float64(done) * float64(r.planned-done)).Round(time.Second)
	fmt.Fprintf(r.log, "%3d/%d, %v left: round %d %s %s %s: %.0f/s p50 %.1f p99 %.1f ms, %.0f+%.0f us, %.0f MB, steal %.1f%%\n",
		done, r.planned, left, f.Round, f.Subject, sizeText(f.Rows), f.Op, f.Rate, f.P50, f.P99, f.CPU, f.DBCPU, f.PeakRSS, 100*f.Steal)
}
