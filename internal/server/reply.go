package server

import (
	"bytes"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"strings"

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
	q.env.Timestamp = wire.Timestamp(q.Now())
	if err := wire.Encode(buf, v); err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	q.sent = true
	q.w.WriteHeader(status)
	q.w.Write(buf.Bytes()) // a client that is gone cannot be told
	return nil
}

// flushSize is how much of a streamed list is gathered before it is written.
const flushSize = 32 << 10

// stream sends a list item by item with flat memory. An error before the first
// byte is answered; after it the connection is cut, because a list that merely
// ended would pass for a whole one.
func (q *request) stream(items iter.Seq2[any, error]) error {
	buf := borrow()
	defer giveBack(buf)
	frame := wire.NewFrame(q.env)
	buf.Write(frame.Open())
	first := true
	for item, err := range items {
		if err == nil && !first {
			buf.WriteByte(',')
		}
		first = false
		if err == nil {
			err = wire.Encode(buf, item)
		}
		if err == nil && buf.Len() >= flushSize {
			err = q.flush(buf)
		}
		if err != nil {
			return q.cut(err)
		}
	}
	buf.Write(frame.Close(q.Now()))
	if err := q.flush(buf); err != nil {
		return q.cut(err)
	}
	return nil
}

func (q *request) flush(buf *bytes.Buffer) error {
	q.w.Header().Set("Content-Type", "application/json")
	q.sent = true
	_, err := q.w.Write(buf.Bytes())
	buf.Reset()
	return err
}

// cut ends a list that failed: by an error when nothing was sent, else by the
// connection.
func (q *request) cut(err error) error {
	if !q.sent {
		return err
	}
	if q.r.Context().Err() == nil {
		q.logFailure(err)
	}
	panic(http.ErrAbortHandler)
}

// fail answers a refusal, or System Error for anything unexpected.
func (q *request) fail(err error) {
	var e *wire.Error
	if !errors.As(err, &e) {
		e = wire.ErrInternal
	}
	if error(e) != err && q.r.Context().Err() == nil {
		q.logFailure(err) // there is more to it than the client is told
	}
	h := q.w.Header()
	h.Del("Link")
	h.Del("X-Next-Cursor")
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	q.env.Code, q.env.Status, q.env.Data = e.Code, e.Message, nil
	if wantsProblem(q.r.Header) {
		q.env.Timestamp = wire.Timestamp(q.Now())
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

// wantsProblem tells whether Accept names problem details, with a quality not
// below that of plain JSON.
func wantsProblem(h http.Header) bool {
	accept := strings.Join(h.Values("Accept"), ",")
	if !strings.Contains(accept, "problem") { // nearly every request
		return false
	}
	var problem, plain float64
	specific := -1 // how closely the best entry for JSON names it
	for entry := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(entry, ";")
		quality := quality(params)
		switch strings.ToLower(strings.TrimSpace(name)) {
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
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}
