package server

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"contactbook/internal/store"
)

// Metrics counts what the server does, for Prometheus. No label or value says
// anything of a tenant, a client or a contact.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	waiting  prometheus.Gauge
	refused  *prometheus.CounterVec
	overload prometheus.Counter // of refused
	batch    prometheus.Histogram
	commit   prometheus.Histogram
}

// NewMetrics returns metrics that stand at zero.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "contactbook_requests_total", Help: "Requests by operation and statuscode.",
		}, []string{"op", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "contactbook_request_seconds", Help: "Time from a request's headers to the end of its reply.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}, []string{"op"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "contactbook_requests_in_flight", Help: "Requests that are being answered."}),
		waiting:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "contactbook_requests_waiting", Help: "Requests that wait to be let in."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "contactbook_requests_refused_total",
			Help: "Requests refused for their number: overload (503); credentials, too many wrong ones from the caller's address, client rate and client in flight, beyond the client's own limits (429).",
		}, []string{"why"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "contactbook_commit_writes", Help: "Writes that shared a commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "contactbook_commit_seconds", Help: "Time of a commit, which is mostly that of its fsync.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 14),
		}),
	}
	for _, why := range []string{"overload", "credentials", "client rate", "client in flight"} {
		m.refused.WithLabelValues(why) // from the start, so that a rate sees the first
	}
	m.overload = m.refused.WithLabelValues("overload")
	m.registry.MustRegister(m.requests, m.seconds, m.inFlight, m.waiting, m.refused, m.batch, m.commit,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Commit counts one commit; it is for store.Options.
func (m *Metrics) Commit(writes int, took time.Duration) {
	m.batch.Observe(float64(writes))
	m.commit.Observe(took.Seconds())
}

// Watch adds the database's connections.
func (m *Metrics) Watch(db *store.DB) {
	gauge := func(name, help string, of func(store.Connections) int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return float64(of(db.Connections())) }))
	}
	gauge("contactbook_database_connections_in_use", "Connections to the database that work; of SQLite those that read.",
		func(c store.Connections) int { return c.InUse })
	gauge("contactbook_database_connections_idle", "Connections to the database that wait for work.",
		func(c store.Connections) int { return c.Idle })
	m.registry.MustRegister(prometheus.NewCounterFunc(
		prometheus.CounterOpts{Name: "contactbook_database_waits_total", Help: "Times that a query waited for a connection."},
		func() float64 { return float64(db.Connections().Waits) }))
}

// done counts one request; op is a route of the API, or unknown.
func (m *Metrics) done(op string, code string, took time.Duration) {
	m.requests.WithLabelValues(op, code).Inc()
	m.seconds.WithLabelValues(op).Observe(took.Seconds())
}

// ServeAdmin answers /metrics and /debug/pprof on ln until ctx ends.
func (m *Metrics) ServeAdmin(ctx context.Context, ln net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout}
	return serveUntil(ctx, srv, func() error { return srv.Serve(ln) }, func() {})
}
