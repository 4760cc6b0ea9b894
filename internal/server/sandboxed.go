package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// enterSandbox is for requests of SANDBOX clients alone, once their secret is
// accepted.
func (q *request) enterSandbox(op row) {
	if op.own != nil {
		q.box = q.sandbox.Begin(q.client, op.Route, nil, "")
		return
	}
	q.box = q.sandbox.Begin(q.client, op.Route, q.r, q.env.Reference)
}

// holdUp waits as long as a fault says, and takes no place of others meanwhile.
func (q *request) holdUp() error {
	if q.box.Latency() == 0 {
		return nil
	}
	q.rest()
	deadline := time.Now().Add(q.box.Latency() + readTimeout)
	http.NewResponseController(q.w).SetReadDeadline(deadline) // the body is still to come
	q.box.Wait(q.r.Context())
	return q.admit()
}

// told is the time that the client is told: its book's own, where it has one.
func (q *request) told() time.Time {
	if q.box != nil {
		return q.box.Now()
	}
	return q.Now()
}

// cut sends what a fault leaves of a reply's first bytes, and ends the connection.
func (b *body) cut(p []byte) {
	p, cut := b.box.Cuts(p)
	if !cut {
		return
	}
	if len(p) > 0 {
		b.sent = true
		b.w.WriteHeader(b.status)
		b.w.Write(p)
		http.NewResponseController(b.w).Flush() // not every writer can
	}
	panic(http.ErrAbortHandler)
}

var errDropped = errors.New("the connection was dropped")

// again sends another request of the same client through the server, whose place it
// takes meanwhile.
func (q *request) again(method, target string, text []byte) (status int, reply []byte, err error) {
	q.rest()
	q.givePlaceBack()
	defer q.workOn()
	at, err := url.ParseRequestURI(target)
	if err != nil {
		return 0, nil, err
	}
	r := q.r.Clone(context.WithoutCancel(q.r.Context()))
	r.Method, r.URL, r.RequestURI = method, at, target
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(text)), int64(len(text)), nil
	r.Header.Del("Accept-Encoding")
	w := &recorder{header: http.Header{}}
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			status, reply, err = w.status, w.text.Bytes(), errDropped
		} else if p != nil {
			panic(p)
		}
	}()
	q.ServeHTTP(w, r)
	return w.status, w.text.Bytes(), nil
}

// recorder keeps an answer instead of sending it.
type recorder struct {
	header http.Header
	status int
	text   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.text.Write(p)
}

// leaveSandbox tells the sandbox what became of the request.
func (q *request) leaveSandbox(took time.Duration) {
	code := q.env.Code
	if q.cutOff {
		code = ""
	}
	q.box.End(code, q.env.Status, took)
}
