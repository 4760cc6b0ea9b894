package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"contactbook/internal/book"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// world is a server on a SQLite file, with one client.
type world struct {
	*Server
	t      *testing.T
	client store.Client
	secret string
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T) *world {
	metrics := NewMetrics()
	db, err := store.Open(t.Context(), store.Options{
		URL: "sqlite:" + filepath.Join(t.TempDir(), "book.db"), OnCommit: metrics.Commit,
		Pepper: store.PepperSource{Value: store.Secret(strings.Repeat("p", 32))},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	metrics.Watch(db)
	w := &world{t: t, log: &lockedBuffer{}}
	w.Server = New(Options{DB: db, Log: slog.New(slog.NewTextHandler(w.log, nil)), Metrics: metrics, Node: 42})
	if w.client, w.secret, err = db.AddClient(t.Context(), store.Client{UserID: 7, Name: "a"}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) request(method, path, body string, more ...string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Ipay-Auth-Code", "1")
	r.Header.Set("X-Ipay-Client-Id", w.client.ID)
	r.Header.Set("X-Ipay-Client-Secret", w.secret)
	r.Header.Set("X-Ipay-Endpoint-Ip", "::1")
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	return r
}

func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

func TestCallerIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no proxy":                   {"203.0.113.7:1", nil, "203.0.113.7"},
		"an untrusted peer's word":   {"203.0.113.7:1", []string{"10.1.1.1"}, "203.0.113.7"},
		"one hop":                    {"10.0.0.1:1", []string{"203.0.113.7"}, "203.0.113.7"},
		"the right-most untrusted":   {"10.0.0.1:1", []string{"1.1.1.1, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		"several headers":            {"10.0.0.1:1", []string{"1.1.1.1", "203.0.113.7"}, "203.0.113.7"},
		"with a port":                {"10.0.0.1:1", []string{"203.0.113.7:99"}, "203.0.113.7"},
		"IPv6 in brackets":           {"[fd00::1]:1", []string{"[2001:db8::1]:99"}, "2001:db8::1"},
		"IPv4 in IPv6":               {"[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		"garbage ends the search":    {"10.0.0.1:1", []string{"203.0.113.7, garbage"}, "10.0.0.1"},
		"all hops trusted":           {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"a trusted peer's own":       {"10.0.0.1:1", nil, "10.0.0.1"},
		"garbage behind a good one":  {"10.0.0.1:1", []string{"garbage, 203.0.113.7"}, "203.0.113.7"},
		"an empty element":           {"10.0.0.1:1", []string{"203.0.113.7,"}, "10.0.0.1"},
		"a peer that has no address": {"@", []string{"203.0.113.7"}, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := callerIP(r, trusted).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWantsProblem(t *testing.T) {
	for accept, want := range map[string]bool{
		"":                         false,
		"*/*":                      false,
		"application/json":         false,
		"application/problem+json": true,
		"Application/Problem+JSON": true,
		"application/problem+json, application/json":               true,
		"application/problem+json;q=0.5, application/json":         false,
		"application/problem+json;q=0.5, application/json;q=0.5":   true,
		"application/problem+json;q=0.5, */*;q=0.8":                false,
		"application/problem+json, */*":                            true,
		"application/problem+json;q=0.5, application/*;q=0.4, */*": true,
		"application/problem+json;q=0":                             false,
		"application/problem+json;q=x":                             false,
		"application/problem+json;q=0.9, application/json; q=1.0":  false,
	} {
		if got := wantsProblem(http.Header{"Accept": {accept}}); got != want {
			t.Errorf("%q: %t", accept, got)
		}
	}
}

// A panic in one request is its System Error, with a stack in the log.
func TestPanic(t *testing.T) {
	w := newWorld(t)
	op := w.routes["/contacts/tag"]["GET"]
	w.routes["/contacts/tag"]["GET"] = row{Op: book.Op{Route: op.Route}} // nothing to run
	rec := w.do(w.request("GET", "/contacts/tag", ""))
	if rec.Code != 500 || !strings.Contains(rec.Body.String(), `"statuscode":"ISE","actcode":null,"status":"System Error","data":null`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if log := w.log.String(); !strings.Contains(log, "goroutine") || !strings.Contains(log, "ipay_uuid=h042") {
		t.Errorf("log: %s", log)
	}
	w.routes["/contacts/tag"]["GET"] = op
	if rec := w.do(w.request("GET", "/contacts/tag", "")); rec.Code != 200 {
		t.Errorf("the next request: %d %s", rec.Code, rec.Body)
	}
}

// A list that fails is an error before its first byte and a cut connection after.
func TestStreamFails(t *testing.T) {
	w := newWorld(t)
	for _, items := range []int{0, 10, 10_000} {
		rec := httptest.NewRecorder()
		q := &request{Server: w.Server, w: rec, r: w.request("GET", "/", ""), env: wire.Envelope{Code: wire.TXN}}
		failed := errors.New("the database went away")
		err := func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = p.(error)
				}
			}()
			return q.stream(func(yield func(any, error) bool) {
				for range items {
					if !yield("sixteen letters", nil) {
						return
					}
				}
				yield(nil, failed)
			})
		}()
		want := failed
		if items == 10_000 {
			want = http.ErrAbortHandler
		}
		if !errors.Is(err, want) {
			t.Errorf("%d items: %v", items, err)
		}
		if sent := rec.Body.Len() > 0; sent != (items == 10_000) {
			t.Errorf("%d items: %d bytes sent", items, rec.Body.Len())
		}
	}
}

func TestRequestLog(t *testing.T) {
	w := newWorld(t)
	w.do(w.request("POST", "/contacts/tag", `{"name":"canary","hexColorCode":"#123456"}`))
	w.do(w.request("GET", "/contacts/9876543210?mobile=canary", ""))
	log := w.log.String()
	for _, want := range []string{
		`op="POST /contacts/tag" code=TXN ipay_uuid=h042`, "client=" + `"` + w.client.ID, "tenant=14", "ms=", "op=unknown code=OUE",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in %s", want, log)
		}
	}
	for _, never := range []string{"canary", "9876543210", w.secret} {
		if strings.Contains(log, never) {
			t.Errorf("%s in %s", never, log)
		}
	}
}

// The dashboard must ask only for metrics that exist.
func TestDashboard(t *testing.T) {
	w := newWorld(t)
	w.do(w.request("POST", "/contacts/tag", `{"name":"a","hexColorCode":"#123456"}`))
	ctx, cancel := context.WithCancel(t.Context())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- w.Metrics.ServeAdmin(ctx, ln) }()
	metrics := get(t, http.DefaultClient, "http://"+ln.Addr().String()+"/metrics")
	if !strings.Contains(get(t, http.DefaultClient, "http://"+ln.Addr().String()+"/debug/pprof/"), "goroutine") {
		t.Error("no profiles")
	}
	for _, want := range []string{
		`contactbook_requests_total{code="TXN",op="POST /contacts/tag"} 1`, "contactbook_commit_writes_count 3",
		"contactbook_database_connections_idle", "process_open_fds",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	text, err := os.ReadFile("../../deploy/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			queries++
			names := metricNames(target.Expr)
			if len(names) == 0 {
				t.Errorf("%s: no metric in %s", p.Title, target.Expr)
			}
			for _, name := range names {
				if !strings.Contains(metrics, "\n"+name+"{") && !strings.Contains(metrics, "\n"+name+" ") {
					t.Errorf("%s asks for %s, which does not exist", p.Title, name)
				}
			}
		}
	}
	if queries < 8 {
		t.Errorf("only %d queries", queries)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// metricNames are the words of a query that name metrics.
func metricNames(expr string) (names []string) {
	for _, w := range strings.FieldsFunc(expr, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		for _, prefix := range []string{"contactbook_", "go_", "process_"} {
			if strings.HasPrefix(w, prefix) {
				names = append(names, w)
			}
		}
	}
	return names
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%s: %s %v", url, res.Status, err)
	}
	return string(text)
}

func TestReference(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		"/openapi.yaml": "openapi: 3.1", "/docs": "redoc.standalone.js", "/docs/redoc.standalone.js": "function",
	} {
		rec := w.do(httptest.NewRequest("GET", path, nil))
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), want) || rec.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", path, rec.Code, rec.Header())
		}
	}
	for _, path := range []string{"/docs/../openapi.yaml", "/docs/nothing", "/docs/"} {
		if rec := w.do(httptest.NewRequest("GET", path, nil)); rec.Code != 404 {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	if rec := w.do(httptest.NewRequest("POST", "/openapi.yaml", nil)); rec.Code != 404 {
		t.Errorf("POST: %d", rec.Code)
	}
}

func TestGzip(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w)
	defer srv.Close()
	for i := range 200 {
		w.do(w.request("POST", "/contacts/tag", fmt.Sprintf(`{"name":"tag number %d of many","hexColorCode":"#123456"}`, i)))
	}
	lengths := map[string]int{}
	var bodies []string
	for _, encoding := range []string{"identity", "gzip", "gzip;q=0", "br, GZIP"} {
		r := w.request("GET", srv.URL+"/contacts/tag", "", "Accept-Encoding", encoding)
		r.RequestURI = ""
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		lengths[encoding] = len(text)
		if zipped := res.Header.Get("Content-Encoding") == "gzip"; err != nil || zipped != (encoding == "gzip" || encoding == "br, GZIP") {
			t.Errorf("%s: %v, %v", encoding, res.Header, err)
		}
		if !strings.Contains(res.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: Vary is %q", encoding, res.Header.Get("Vary"))
		}
		bodies = append(bodies, string(text))
	}
	if lengths["gzip"]*2 > lengths["identity"] || lengths["gzip;q=0"] != lengths["identity"] || !strings.HasPrefix(bodies[0], `{"statuscode":"TXN"`) {
		t.Errorf("lengths %v", lengths)
	}
}

// Over TLS the server speaks HTTP/2, and takes a new certificate without a restart.
func TestTLS(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := FileTLS(cert, key); err == nil {
		t.Error("no files, and no error")
	}
	writeCertificate(t, cert, key, 1)
	config, err := FileTLS(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- w.Serve(ctx, ln, Listen{TLS: config, MaxConnections: 10, Log: slog.New(slog.DiscardHandler)})
	}()
	serial := func() int64 {
		t.Helper()
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
		defer tr.CloseIdleConnections()
		res, err := (&http.Client{Transport: tr}).Get("https://" + ln.Addr().String() + "/livez")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.ProtoMajor != 2 {
			t.Errorf("speaks %s", res.Proto)
		}
		return res.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("certificate %d", got)
	}
	os.WriteFile(cert, []byte("half"), 0o600)
	time.Sleep(1100 * time.Millisecond)
	if got := serial(); got != 1 {
		t.Errorf("with a half written file: certificate %d", got)
	}
	writeCertificate(t, cert, key, 2)
	time.Sleep(1100 * time.Millisecond)
	if got := serial(); got != 2 {
		t.Errorf("after a change: certificate %d", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func writeCertificate(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
