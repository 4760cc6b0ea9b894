package server

import (
	"compress/gzip"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"contactbook/internal/wire"
)

// reply sends the success that stands in the envelope.
func (q *request) reply(data any) error {
	if items, ok := data.(iter.Seq2[any, error]); ok {
		return q.stream(items)
	}
	q.env.Data = data
	return q.send(http.StatusOK, "application/json", &q.env)
}

// send encodes v whole before the status is written, so that a failure to encode
// can still be answered.
func (q *request) send(status int, mediaType string, v any) error {
	buf := borrow()
	defer giveBack(buf)
	q.env.Timestamp = wire.Timestamp(q.told())
	if err := wire.Encode(buf, v); err != nil {
		return err
	}
	h := q.w.Header()
	out := q.open(status, mediaType, buf.Len() >= gzipSize)
	if h.Get("Content-Encoding") == "" {
		h.Set("Content-Length", strconv.Itoa(buf.Len()))
	}
	q.givePlaceBack()
	out.Write(buf.Bytes()) // a client that is gone cannot be told
	out.Close()
	return nil
}

// open begins a reply, compressed when it is large and the client takes that.
func (q *request) open(status int, mediaType string, large bool) io.WriteCloser {
	h := q.w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Vary", "Accept, Accept-Encoding")
	out := &body{request: q, status: status}
	if large && acceptsGzip(q.r.Header) {
		h.Set("Content-Encoding", "gzip")
		out.zip = gzips.Get().(*gzip.Writer)
		out.zip.Reset(writerFunc(out.write))
	}
	return out
}

// body writes a reply's body, each write with a deadline of its own.
type body struct {
	*request
	status int
	zip    *gzip.Writer // nil for a plain one
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (b *body) Write(p []byte) (int, error) {
	if b.box != nil {
		b.box.Reply(b.status, p)
	}
	if b.zip != nil {
		return b.zip.Write(p)
	}
	return b.write(p)
}

func (b *body) write(p []byte) (int, error) {
	if b.rest() && b.list {
		defer b.workOn()
	}
	// The first write of a quick reply has the one that net/http set when the
	// request came.
	if b.sent || b.Now().Sub(b.start) > time.Second {
		http.NewResponseController(b.w).SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
	}
	if b.box != nil && !b.sent {
		b.cut(p)
	}
	if !b.sent {
		b.sent = true
		b.w.WriteHeader(b.status)
	}
	return b.w.Write(p)
}

// Close writes what compression still holds.
func (b *body) Close() error {
	if b.zip == nil {
		return nil
	}
	err := b.zip.Close()
	gzips.Put(b.zip)
	return err
}

// flushSize is how much of a streamed list is gathered before it is written.
const flushSize = 32 << 10

// stream sends a list item by item with flat memory. An error before the first
// byte is answered; after it the connection is cut, because a list that merely
// ended would pass for a whole one.
func (q *request) stream(items iter.Seq2[any, error]) error {
	buf := borrow()
	defer giveBack(buf)
	q.list = true
	frame := wire.NewFrame(q.env)
	buf.Write(frame.Open())
	var out io.WriteCloser
	flush := func(large bool) error {
		if out == nil {
			out = q.open(http.StatusOK, "application/json", large)
		}
		_, err := out.Write(buf.Bytes())
		buf.Reset()
		return err
	}
	first := true
	for item, err := range items {
		if err == nil {
			if !first {
				buf.WriteByte(',')
			}
			first = false
			err = wire.Encode(buf, item)
		}
		if err != nil {
			if q.sent {
				q.logFailure(err)
				panic(http.ErrAbortHandler)
			}
			return err
		}
		if buf.Len() >= flushSize && flush(true) != nil {
			panic(http.ErrAbortHandler) // the client is gone, or reads too slowly
		}
	}
	buf.Write(frame.Close(q.told()))
	q.givePlaceBack()
	if flush(buf.Len() >= gzipSize) != nil || out.Close() != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// fail answers a refusal, or System Error for anything unexpected.
func (q *request) fail(err error) {
	var e *wire.Error
	if !errors.As(err, &e) {
		e = wire.ErrInternal
	}
	if q.box != nil {
		q.box.Failed(e)
	}
	if error(e) != err {
		q.logFailure(err) // there is more to it than the client is told
	}
	h := q.w.Header()
	for _, name := range []string{"Link", "X-Next-Cursor", "Content-Encoding"} { // of the success that it did not become
		h.Del(name)
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	q.env.Code, q.env.Status, q.env.Data, q.env.OrderID = e.Code, e.Message, e.Data, orNull(e.OrderID)
	if wantsProblem(q.r.Header) {
		q.env.Timestamp = wire.Timestamp(q.told())
		if e.Status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", "X-Ipay-Client-Secret")
		}
		q.send(e.Status, wire.ProblemType, wire.NewProblem(e, q.env))
		return
	}
	status := http.StatusOK
	if e.Loud {
		status = e.Status
	}
	q.send(status, "application/json", &q.env)
}

// orNull is nil for an empty text.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// wantsProblem tells whether Accept names problem details, with a quality not
// below that of plain JSON.
func wantsProblem(h http.Header) bool {
	accept := strings.ToLower(strings.Join(h.Values("Accept"), ","))
	if !strings.Contains(accept, "problem") { // nearly every request
		return false
	}
	var problem, plain float64
	specific := -1 // how closely the best entry for JSON names it
	for entry := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(entry, ";")
		quality := quality(params)
		switch strings.TrimSpace(name) {
		case wire.ProblemType:
			problem = max(problem, quality)
		case "application/json":
			plain, specific = quality, 2
		case "application/*":
			if specific < 1 {
				plain, specific = quality, 1
			}
		case "*/*":
			if specific < 0 {
				plain, specific = quality, 0
			}
		}
	}
	return problem > 0 && problem >= plain
}

// quality is the q among a media range's parameters: 1 when there is none, 0
// when it cannot be read.
func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(q >= 0 && q <= 1) { // NaN is a number to ParseFloat
				return 0
			}
			return q
		}
	}
	return 1
}
