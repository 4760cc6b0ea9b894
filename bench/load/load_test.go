package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h, half Histogram
	rng := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for i := range 20_000 {
		d := time.Duration(rng.ExpFloat64() * float64(5*time.Millisecond))
		all = append(all, d)
		if i%2 == 0 {
			h.Record(d)
		} else {
			half.Record(d)
		}
	}
	h.Add(&half)
	slices.Sort(all)
	if h.Count() != len(all) || h.Max() != all[len(all)-1] {
		t.Errorf("count %d, max %v", h.Count(), h.Max())
	}
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(0, int(q*float64(len(all))+0.5)-1)]
		got := h.Quantile(q)
		if diff := (got - want).Abs(); diff > want/100+2*time.Microsecond {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
	h.Record(24 * time.Hour) // beyond the last bucket
	if h.Quantile(1) != 24*time.Hour {
		t.Errorf("max: %v", h.Quantile(1))
	}
}

func TestBuckets(t *testing.T) {
	for v := range uint64(1 << 20) {
		if b := bucket(v); v > value(b) || b > 0 && v <= value(b-1) {
			t.Fatalf("%d is in bucket %d, of %d to %d", v, b, value(b-1)+1, value(b))
		}
	}
}

// echo asks for replies of different shapes and expects them whole.
type echo struct{ n int }

func (e *echo) Next(buf []byte) ([]byte, bool) {
	e.n++
	return fmt.Appendf(buf, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", e.n), true
}

func (e *echo) Check(status int, body []byte) error {
	if status != 200 || string(body) != answer(e.n) {
		return fmt.Errorf("%d with %d bytes", status, len(body))
	}
	return nil
}

func answer(n int) string { return strings.Repeat(fmt.Sprint(n, " "), n*n%30_000) }

func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestClosed(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscanf(r.URL.Path, "/%d", &n)
		text := answer(n)
		if n%3 == 0 {
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		}
		for len(text) > 0 { // chunks of their own when there is no length
			some := min(len(text), 5000)
			w.Write([]byte(text[:some]))
			text = text[some:]
		}
	})
	r, err := Run(t.Context(), Options{Addr: addr, For: time.Minute, Max: 600}, []Source{new(echo), new(echo)})
	if err != nil || r.Errors != 0 || r.First != nil || r.Done != 600 || r.Latencies.Count() != 600 {
		t.Errorf("%+v %v", r, err)
	}
}

type fixed struct{ left int }

func (f *fixed) Next(buf []byte) ([]byte, bool) {
	f.left--
	return append(buf, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"...), f.left >= 0
}

func (f *fixed) Check(status int, _ []byte) error {
	if status != 200 {
		return errors.New(http.StatusText(status))
	}
	return nil
}

// A server that stops for a while must show in the latencies of all requests
// that were due meanwhile, not in one a connection.
func TestOpenCountsFromWhenDue(t *testing.T) {
	start := time.Now()
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if d := time.Since(start); d > 200*time.Millisecond && d < 400*time.Millisecond {
			time.Sleep(400*time.Millisecond - d)
		}
	})
	start = time.Now()
	r, err := Run(t.Context(), Options{Addr: addr, Rate: 500, For: time.Second}, []Source{&fixed{1e6}, &fixed{1e6}})
	if err != nil || r.Errors != 0 || r.Unsent != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	if r.Done != 500 {
		t.Errorf("%d requests, want 500", r.Done)
	}
	if p := r.Latencies.Quantile(0.9); p < 80*time.Millisecond {
		t.Errorf("p90 %v: the stop was hidden", p)
	}
	if p := r.Latencies.Quantile(0.5); p > 50*time.Millisecond {
		t.Errorf("p50 %v", p)
	}
}

func TestOpenGivesUp(t *testing.T) {
	addr := serve(t, func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Millisecond) })
	r, err := Run(t.Context(), Options{Addr: addr, Rate: 1000, For: 200 * time.Millisecond}, []Source{&fixed{1e6}})
	if err != nil || r.Unsent == 0 || r.Done+r.Unsent != 200 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestErrors(t *testing.T) {
	var seen atomic.Int64
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n := seen.Add(1)
		if n%2 == 0 {
			w.WriteHeader(500)
		}
		if n == 5 {
			panic(http.ErrAbortHandler)
		}
	})
	r, err := Run(t.Context(), Options{Addr: addr, For: time.Minute}, []Source{&fixed{10}})
	if err != nil || r.Done != 4 || r.Errors != 6 || r.First == nil {
		t.Errorf("%+v %v", r, err)
	}
}

func TestOnlyHere(t *testing.T) {
	for _, addr := range []string{"192.0.2.1:80", "localhost:80", "example.com:80"} {
		if _, err := Run(context.Background(), Options{Addr: addr}, nil); err == nil {
			t.Errorf("%s was loaded", addr)
		}
	}
}
