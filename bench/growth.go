package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"contactbook/bench/load"
)

// point is a moment of a book that grows from empty by adds alone.
type point struct {
	Rows   int     `json:"rows"`
	Rate   float64 `json:"rate"`
	P99    float64 `json:"p99_ms"`
	FileMB float64 `json:"file_mb"`
}

// growth is the history of one subject.
type growth struct {
	Subject string  `json:"subject"`
	Points  []point `json:"points"`
}

// points is how many a history has at most.
const points = 60

// grow adds contacts through HTTP, as fast as the server takes them, until there
// are enough or the time is up.
func (r *runner) grow(ctx context.Context, s *subject) (growth, error) {
	g := growth{Subject: s.name}
	in, err := s.start(ctx, 0)
	if err != nil {
		return g, err
	}
	sources := s.sources(0, opAdd, r.conns)
	warm, err := load.Run(ctx, load.Options{Addr: in.addr, For: r.warm}, sources)
	if err != nil {
		return g, errors.Join(err, in.stop())
	}
	rows := warm.Done
	end := time.Now().Add(r.growthTime)
	for rows < r.growthRows && time.Now().Before(end) {
		res, err := load.Run(ctx, load.Options{Addr: in.addr, For: max(time.Second, r.growthTime/points), Max: r.growthRows - rows}, sources)
		if err != nil || res.Done == 0 {
			return g, errors.Join(err, in.stop())
		}
		rows += res.Done
		size, err := in.size()
		if err != nil {
			return g, errors.Join(err, in.stop())
		}
		g.Points = append(g.Points, point{rows, res.Rate(), millis(res.Latencies.Quantile(0.99)), float64(size) / 1e6})
		fmt.Fprintf(r.log, "growth %s: %d contacts, %.0f/s, p99 %.1f ms, %.0f MB\n",
			s.name, rows, res.Rate(), millis(res.Latencies.Quantile(0.99)), float64(size)/1e6)
	}
	return g, in.stop()
}
