// Package server runs the book's operations over HTTP: it matches, authenticates,
// reads, runs and answers, once for all of them.
package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"contactbook/internal/book"
	"contactbook/internal/sandbox"
	"contactbook/internal/store"
	"contactbook/internal/verify"
	"contactbook/internal/wire"
)

// Options is what a Server is made of.
type Options struct {
	DB             *store.DB // nil: it comes with Open; until then the server lives and is not ready
	Log            *slog.Logger
	Metrics        *Metrics
	Now            func() time.Time // nil: the system's clock
	Node           int              // 0 to 999, the digits after ipay_uuid's h
	TrustedProxies []netip.Prefix   // whose X-Forwarded-For is believed
	MaxRequests    int              // that are worked on at a time; 0: DefaultRequests
	AuthFailures   int              // a minute and address, beyond which it is refused; 0: any number
	SandboxBooks   int              // throw-away books that a SANDBOX client may have; 0: none
	Live           *book.Desk       // where LIVE verifications are asked; nil: nowhere
}

const (
	maxBody   = 256 << 10 // bytes
	maxHeader = 16 << 10  // bytes, names and values
)

// Server answers the Contact Book API.
type Server struct {
	Options
	ids       *wire.IDs
	routes    map[string]map[string]row // path, method
	rows      []row                     // in the documented order
	sandbox   *sandbox.Service
	ready     atomic.Bool
	opened    atomic.Bool // DB is there
	admission *admission
	failures  failures
	limits    limits
	simulated *book.Desk // where SANDBOX verifications are asked
}

// row is an op of the API, or one of the sandbox.
type row struct {
	book.Op
	own *sandbox.Op // nil for the API's
}

// New returns a server that is ready, or will be once it is given its database.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxRequests == 0 {
		o.MaxRequests = DefaultRequests
	}
	s := &Server{Options: o, admission: newAdmission(o.MaxRequests, o.Metrics, o.Log), ids: wire.NewIDs(o.Now), routes: map[string]map[string]row{}}
	s.sandbox = sandbox.New(sandbox.Options{Log: o.Log, Now: o.Now, Books: o.SandboxBooks})
	s.simulated = book.NewDesk(verify.Simulator{})
	s.failures.limit = o.AuthFailures
	for _, op := range book.Ops {
		s.rows = append(s.rows, row{op, nil})
	}
	for i := range sandbox.Ops {
		own := &sandbox.Ops[i]
		s.rows = append(s.rows, row{book.Op{Route: own.Route, Done: own.Done}, own})
	}
	for _, op := range s.rows {
		if s.routes[op.Path()] == nil {
			s.routes[op.Path()] = map[string]row{}
		}
		s.routes[op.Path()][op.Method()] = op
	}
	s.ready.Store(true)
	s.opened.Store(o.DB != nil)
	return s
}

// Open gives the server its database, once, where New did not.
func (s *Server) Open(db *store.DB) {
	s.DB = db
	s.opened.Store(true)
}

// request is one call on its way through the server.
type request struct {
	*Server
	w       http.ResponseWriter
	r       *http.Request
	start   time.Time
	env     wire.Envelope
	route   string           // of an op, or unknown: paths are the caller's words
	client  *store.Client    // once its secret is accepted
	working bool             // it counts for admission
	box     *sandbox.Request // of a SANDBOX client; nil for a LIVE one
	place   *usage           // its client's, while it counts there as in flight
	list    bool             // its reply is made while it is sent
	sent    bool             // the reply's first byte is out
	cutOff  bool             // its last one never will be

	turnedAway bool // it was not admitted; the log has how many were
}

// ServeHTTP answers one request; a panic is one request's System Error.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.health(w, r) || s.reference(w, r) {
		return
	}
	if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
		// A length may have stood beside the chunks, or chunks in an HTTP/1.0 request: net/http drops
		// it unseen. Whoever went by it sees another end of this request, and what follows would be a
		// request that nobody sent (RFC 9112, 6.1).
		w.Header().Set("Connection", "close")
	}
	q := &request{Server: s, w: w, r: r, start: s.Now(), route: "unknown"}
	q.env.Reference, q.env.Environment = wire.Reference(s.Node, q.start), wire.Live
	s.Metrics.inFlight.Inc()
	defer q.finish()
	defer func() {
		if p := recover(); p != nil {
			q.panicked(p)
		}
	}()
	op, err := q.match()
	if err == nil && !s.opened.Load() {
		err = errors.Join(wire.ErrDown, store.ErrUnavailable)
	}
	if err == nil {
		err = q.run(op)
	}
	if err != nil {
		q.fail(err)
	}
}

// health answers the probes, which need no credentials.
func (s *Server) health(w http.ResponseWriter, r *http.Request) bool {
	down := false
	switch r.URL.Path {
	case "/livez":
	case "/readyz":
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		down = !s.ready.Load() || !s.opened.Load() || s.DB.Ping(ctx) != nil
	default:
		return false
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if down {
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "not ready\n")
		return true
	}
	io.WriteString(w, "ok\n")
	return true
}

// match finds the op of the request's path and method.
func (q *request) match() (row, error) {
	methods, ok := q.routes[q.r.URL.Path]
	if !ok {
		return row{}, wire.ErrUnknownPath
	}
	op, ok := methods[q.r.Method]
	if !ok {
		for _, op := range q.rows {
			if op.Path() == q.r.URL.Path {
				q.w.Header().Add("Allow", op.Method())
			}
		}
		return row{}, wire.ErrMethod
	}
	q.route = op.Route
	return op, nil
}

// away lets others work while the request waits for somebody outside.
func (q *request) away(wait func()) {
	if q.rest() {
		defer q.workOn()
	}
	wait()
}

// run takes the request from its headers to its reply, in the contract's order
// of checks.
func (q *request) run(op row) error {
	err := q.admit()
	if err == nil {
		err = q.authenticate()
	}
	if err != nil {
		return err
	}
	if q.client.Sandbox {
		q.enterSandbox(op)
	}
	if err := q.limit(); err != nil {
		return err
	}
	if op.own != nil && !q.client.Sandbox {
		return sandbox.ErrLive
	}
	if q.box != nil {
		if err := q.holdUp(); err != nil {
			return err
		}
	}
	// Not the connection's context: one that is closed for reading, as a client
	// may once its request is sent, still gets its answer.
	ctx := context.WithoutCancel(q.r.Context())
	if op.Method() != http.MethodGet {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, op.timeout())
		defer cancel()
	}
	call := &book.Call{
		Context: ctx, Book: q.DB.Book(q.client.Tenant()), UserID: q.client.UserID, Lenient: q.client.Lenient,
		IDs: q.ids, Header: q.w.Header(), Desk: q.Live, Away: q.away, Warn: q.warn,
	}
	if q.client.Sandbox {
		call.Desk = q.simulated // never the one that moves money
	}
	if call.Body, err = q.body(op); err != nil {
		return err
	}
	if call.Query, err = q.query(op.Op); err != nil {
		return err
	}
	if q.box != nil {
		if err := q.box.Refuse(); err != nil {
			return err
		}
		call.IDs = q.box.IDs(q.ids)
	}
	call.Clock = func() wire.Millis { return wire.Millis(q.told().UnixMilli()) }
	call.Now = call.Clock()
	data, err := q.do(op, call)
	if err != nil {
		return err
	}
	q.env.Code, q.env.Status, q.env.OrderID = wire.TXN, op.Done, orNull(call.OrderID)
	if call.Pending {
		q.env.Code, q.env.Status = wire.TUP, wire.Meanings[wire.TUP]
	}
	return q.reply(data)
}

func (op row) timeout() time.Duration {
	if op.own != nil {
		return sandbox.Timeout
	}
	return store.WriteTimeout
}

func (q *request) do(op row, call *book.Call) (any, error) {
	if op.own == nil {
		return op.Run(call)
	}
	return q.sandbox.Run(op.own, &sandbox.Call{Call: call, Client: q.client, DB: q.DB, Send: q.again})
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxKept is how large a buffer may be to be used again.
const maxKept = 64 << 10

func borrow() *bytes.Buffer {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

func giveBack(b *bytes.Buffer) {
	if b.Cap() <= maxKept {
		buffers.Put(b)
	}
}

// body reads and decodes the request's body; Missing when there may be none.
func (q *request) body(op row) (wire.Value, error) {
	buf := borrow()
	defer giveBack(buf)
	if q.r.ContentLength != 0 {
		err := q.receive(buf)
		if q.box != nil {
			q.box.Sent(buf.Bytes())
		}
		if err != nil {
			return wire.Value{}, err
		}
	}
	if (op.Bodyless() || op.own != nil) && len(bytes.TrimSpace(buf.Bytes())) == 0 {
		return wire.Value{}, nil
	}
	v, err := wire.Decode(buf.Bytes())
	if err == nil && v.Kind() != wire.Object {
		err = errors.New("it must be an object")
	}
	if err != nil {
		return wire.Value{}, wire.ErrBody(err)
	}
	return v, nil
}

// receive reads the body, however slowly it comes, and then asks to be admitted
// again.
func (q *request) receive(buf *bytes.Buffer) error {
	q.rest()
	if _, err := buf.ReadFrom(http.MaxBytesReader(q.w, q.r.Body, maxBody)); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return wire.ErrBodySize
		}
		return wire.ErrBody(errors.New("it ended early"))
	}
	return q.admit()
}

// query is the query string as an object, for methods that may have no body. A
// field that is given more than once is an array, and so of the wrong type.
func (q *request) query(op book.Op) (wire.Value, error) {
	if !op.Bodyless() || q.r.URL.RawQuery == "" {
		return wire.Value{}, nil
	}
	values, err := url.ParseQuery(q.r.URL.RawQuery)
	bad := err != nil || len(values) > wire.MaxKeys
	var members []wire.Member
	for key, given := range values {
		var items []wire.Value
		for _, s := range given {
			bad = bad || !utf8.ValidString(s)
			items = append(items, wire.NewString(s))
		}
		m := wire.Member{Key: key, Value: items[0]}
		if len(items) > 1 {
			m.Value = wire.NewArray(items...)
		}
		members = append(members, m)
	}
	if bad {
		return wire.Value{}, &wire.Error{Code: wire.RPI, Message: "The query string format is invalid.", Status: http.StatusBadRequest}
	}
	return wire.NewObject(members...), nil
}

// panicked answers a request whose code failed, and keeps the stack for the log.
func (q *request) panicked(p any) {
	if p != http.ErrAbortHandler {
		err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		if !q.sent {
			q.fail(err)
			return
		}
		q.logFailure(err)
	}
	q.cutOff = true
	panic(http.ErrAbortHandler)
}

// logFailure tells an operator what the client is only told as System Error.
func (q *request) logFailure(err error) {
	q.Log.Error("request failed", "ipay_uuid", q.env.Reference, "op", q.route, "error", err)
}

// warn tells an operator what the client need not know.
func (q *request) warn(what string, why error) {
	q.Log.Warn(what, "ipay_uuid", q.env.Reference, "op", q.route, "error", why)
}

// finish counts the request and writes its one line of the log.
func (q *request) finish() {
	q.rest()
	took := q.Now().Sub(q.start)
	code := string(q.env.Code)
	if q.cutOff {
		code = "cut off"
	}
	if q.box != nil {
		q.leaveSandbox(took)
	}
	q.givePlaceBack()
	q.Metrics.inFlight.Dec()
	q.Metrics.done(q.route, code, took)
	if q.turnedAway || !q.Log.Enabled(q.r.Context(), slog.LevelInfo) {
		return
	}
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs, slog.String("op", q.route), slog.String("code", code), slog.String("ipay_uuid", q.env.Reference),
		slog.Float64("ms", float64(took.Microseconds())/1000))
	if q.client != nil {
		attrs = append(attrs, slog.String("client", q.client.ID), slog.Int64("tenant", int64(q.client.Tenant())))
	}
	q.Log.LogAttrs(q.r.Context(), slog.LevelInfo, "request", attrs...)
}
