package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"contactbook/internal/store"
)

const (
	headerTimeout  = 10 * time.Second
	readTimeout    = 30 * time.Second // of a whole request
	writeTimeout   = 30 * time.Second // of each write, so that long lists may take longer
	idleTimeout    = 2 * time.Minute
	drainTimeout   = 20 * time.Second // for requests that run when the server stops
	maxHeaderBytes = 64 << 10         // net/http's own limit, above maxHeader, which answers in the envelope
)

// Listen says how to take connections.
type Listen struct {
	TLS            *tls.Config // nil for plain HTTP
	MaxConnections int
	Log            *slog.Logger
}

// Serve answers connections of ln until ctx ends; then it turns readiness off,
// takes no more and returns when every request that it accepted is answered.
func (s *Server) Serve(ctx context.Context, ln net.Listener, l Listen) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		TLSConfig:         l.TLS,
		ErrorLog:          slog.NewLogLogger(l.Log.Handler(), slog.LevelDebug),
	}
	ln = limit(ln, l.MaxConnections)
	sweep, stop := context.WithCancel(context.WithoutCancel(ctx))
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		s.sandbox.Sweep(sweep, func() *store.DB {
			if !s.opened.Load() {
				return nil
			}
			return s.DB
		})
	}()
	defer func() { stop(); <-swept }()
	return serveUntil(ctx, srv, func() error {
		if l.TLS != nil {
			return srv.ServeTLS(ln, "", "")
		}
		return srv.Serve(ln)
	}, func() { s.ready.Store(false) })
}

// serveUntil runs serve until ctx ends, then drains srv.
func serveUntil(ctx context.Context, srv *http.Server, serve func() error, drain func()) error {
	failed := make(chan error, 1)
	go func() { failed <- serve() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		srv.Close()
		return fmt.Errorf("stopped before every request was done: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// FileTLS is TLS with a certificate that is read again when its files change.
func FileTLS(certFile, keyFile string) (*tls.Config, error) {
	k := &keyPair{certFile: certFile, keyFile: keyFile}
	if _, err := k.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: k.get, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// keyPair is a certificate in two files.
type keyPair struct {
	certFile, keyFile string

	mu      sync.Mutex
	pair    *tls.Certificate
	looked  time.Time
	changed [2]time.Time // of the files, when pair was read
}

// get looks at the files once a second at most, and keeps the old certificate
// while the new one is half written.
func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pair != nil && time.Since(k.looked) < time.Second {
		return k.pair, nil
	}
	k.looked = time.Now()
	var changed [2]time.Time
	for i, name := range []string{k.certFile, k.keyFile} {
		if info, err := os.Stat(name); err == nil {
			changed[i] = info.ModTime()
		}
	}
	if k.pair != nil && changed == k.changed {
		return k.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err == nil {
		k.pair, k.changed = &pair, changed
	}
	if k.pair == nil {
		return nil, err
	}
	return k.pair, nil
}

// ACME is TLS with certificates from Let's Encrypt for the given domains, kept in
// a folder. The challenge is answered on the listener itself (TLS-ALPN-01), which
// must be reachable on port 443.
func ACME(domains []string, folder string) *tls.Config {
	m := &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(domains...), Cache: autocert.DirCache(folder)}
	c := m.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	return c
}
