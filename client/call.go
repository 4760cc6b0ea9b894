package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"strconv"
	"time"
)

// call is one operation with its input.
type call struct {
	method, path string
	input        any  // becomes the body; nil for none
	again        bool // to do it twice changes nothing; see Retries in the package's comment
}

func (k *call) op() string { return k.method + " " + k.path }

const (
	maxValue = 2 << 20  // bytes of one value in a reply, such as an item of a list
	maxList  = 64 << 20 // bytes of a list that is returned as a slice
	maxDrain = 4 << 10  // bytes that are read for the sake of the connection's next use

	firstPause = 100 * time.Millisecond
	maxPause   = 2 * time.Second
	maxWait    = 30 * time.Second // that a Retry-After is waited for
)

// verdict is what a failed try means for another.
type verdict int

const (
	final   verdict = iota // it would fail again, or may not be repeated
	refused                // it was surely not processed
	open                   // it may have been processed
)

// do makes a call, more than once where that is safe. data reads the reply's data
// when that is not null; it is called anew in each try.
func (c *core) do(ctx context.Context, k *call, data func(*reply) error) error {
	ip, err := c.endpoint(ctx, k.op())
	if err != nil {
		return err
	}
	var body []byte
	if k.input != nil {
		if body, err = json.Marshal(k.input); err != nil {
			return fmt.Errorf("contactbook: %s: %w", k.op(), err) // strings and numbers always encode
		}
	}
	for n := 1; ; n++ {
		v, err := c.try(ctx, k, ip, body, data)
		if err == nil || v == final || v == open && !k.again || n == c.tries {
			return err
		}
		pause := pauseAfter(n)
		var e *Error
		if errors.As(err, &e) {
			pause = max(pause, e.RetryAfter)
		}
		if deadline, ok := ctx.Deadline(); pause > maxWait || ok && time.Until(deadline) < pause {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("contactbook: %w, after a try that failed: %w", ctx.Err(), err)
		}
	}
}

// pauseAfter is how long to wait after n tries: twice as long each time, between
// half of it and the whole.
func pauseAfter(n int) time.Duration {
	d := min(firstPause<<min(n-1, 10), maxPause)
	return d/2 + rand.N(d/2)
}

func (c *core) try(ctx context.Context, k *call, ip string, body []byte, data func(*reply) error) (verdict, error) {
	var content io.Reader // stays nil without a body
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, c.base+k.path, content)
	if err != nil {
		return final, fmt.Errorf("contactbook: %w", err)
	}
	req.Header.Set("X-Ipay-Auth-Code", "1")
	c.sign(req.Header)
	req.Header.Set("X-Ipay-Endpoint-Ip", ip)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return sendVerdict(ctx, err), fmt.Errorf("contactbook: %w", err)
	}
	defer res.Body.Close()
	return receive(ctx, k, res, data)
}

// sendVerdict judges an error that came instead of a reply. net/http itself sends
// again what it surely did not send, HTTP/2's refused streams included.
func sendVerdict(ctx context.Context, err error) verdict {
	var op *net.OpError
	switch {
	case ctx.Err() != nil:
		return final
	case errors.As(err, &op) && op.Op == "dial":
		return refused
	}
	return open
}

// receive reads a reply and judges it.
func receive(ctx context.Context, k *call, res *http.Response, data func(*reply) error) (verdict, error) {
	r := newReply(res)
	err := r.read(data)
	if err == errStop {
		return final, err
	}
	e := &Error{
		Code: r.code, Message: r.status, Reference: r.reference, Environment: r.environment,
		Op: k.op(), HTTPStatus: res.StatusCode, RetryAfter: retryAfter(res.Header), first: r.first,
	}
	lost := r.lost(err)
	switch {
	case err == nil && r.code != "":
		io.CopyN(io.Discard, res.Body, maxDrain) // lets the connection be used again
		if r.code.Success() && res.StatusCode == http.StatusOK {
			return final, nil
		}
	case lost != nil && res.StatusCode == http.StatusOK:
		if ctx.Err() != nil { // what the connection says of it is no help
			return final, fmt.Errorf("contactbook: %s: the reply was cut off: %w", k.op(), ctx.Err())
		}
		return open, fmt.Errorf("contactbook: %s: the reply was cut off: %w", k.op(), lost)
	case err == errTooLarge:
		e.Message, e.reply = "the reply is larger than the client reads", true
	case err == errForm && r.code.Success():
		e.Message, e.reply = "the reply's data is not of the documented form", true
	default:
		kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
		if kind == "" {
			kind = "something of no type"
		}
		*e = Error{
			Message: "the answer is not an envelope of the API but " + kind,
			Op:      e.Op, HTTPStatus: e.HTTPStatus, RetryAfter: e.RetryAfter, reply: true,
		}
	}
	switch {
	case e.HTTPStatus == http.StatusTooManyRequests, e.HTTPStatus == http.StatusServiceUnavailable && e.Code == CodeSPD:
		return refused, e
	case gatewayFailed(e.HTTPStatus), e.Code == CodeSPD:
		return open, e
	}
	return final, e
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// Errors in reading that are for this file alone. None has anything of the reply
// in it, as those of encoding/json have.
var (
	errForm     = errors.New("not of the documented form")
	errTooLarge = errors.New("too large")
	errStop     = errors.New("the reader has enough")
)

// reply takes an envelope apart while it arrives.
type reply struct {
	header http.Header

	code        Code
	status      string
	reference   string
	environment string

	data  bool            // it has data, if only null
	first json.RawMessage // of a CodeDTX: the first answer's

	src source
	*json.Decoder
}

func newReply(res *http.Response) *reply {
	r := &reply{header: res.Header, src: source{from: res.Body, left: maxValue}}
	r.Decoder = json.NewDecoder(&r.src)
	return r
}

// source reads a body, a bounded number of bytes for each value, and keeps the
// error that ended it.
type source struct {
	from io.Reader
	left int
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, errTooLarge
	}
	n, err := s.from.Read(p[:min(len(p), s.left)])
	s.left -= n
	if err != nil {
		s.err = err
	}
	return n, err
}

// lost is the error that a reply ended with before it was whole; nil when err,
// with which its reading ended, has another cause.
func (r *reply) lost(err error) error {
	switch {
	case err == nil:
	case r.src.err != nil && r.src.err != io.EOF:
		return r.src.err
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return io.ErrUnexpectedEOF
	}
	return nil
}

// read reads the whole envelope.
func (r *reply) read(data func(*reply) error) error {
	if err := r.delim('{'); err != nil {
		return err
	}
	for r.More() {
		key, err := r.Token()
		if err != nil {
			return plain(err)
		}
		switch key {
		case "statuscode":
			err = r.value(&r.code)
		case "status":
			err = r.value(&r.status)
		case "ipay_uuid":
			err = r.value(&r.reference)
		case "environment":
			err = r.value(&r.environment)
		case "data":
			r.data = true
			if r.code == CodeDTX {
				err = r.value(&r.first)
				break
			}
			// The code comes first. Of a failure, data is of no use.
			if data != nil && (r.code == "" || r.code.Success()) {
				err = data(r)
				break
			}
			fallthrough
		default:
			err = r.value(new(json.RawMessage))
		}
		if err != nil {
			return err
		}
	}
	if data != nil && !r.data && r.code.Success() {
		return errForm
	}
	return r.delim('}')
}

// value decodes the next value into v; null leaves v alone.
func (r *reply) value(v any) error {
	err := r.Decode(v)
	r.src.left = maxValue
	return plain(err)
}

func (r *reply) delim(want json.Delim) error {
	t, err := r.Token()
	if err == nil && t != want {
		err = errForm
	}
	return plain(err)
}

// plain leaves of an error in reading only what says nothing of what was read.
func plain(err error) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF || err == errTooLarge {
		return err
	}
	return errForm
}

// each calls item before every item of an array, which item must read; null is an
// empty array.
func (r *reply) each(item func() error) error {
	switch t, err := r.Token(); {
	case err != nil:
		return plain(err)
	case t == nil:
		return nil
	case t != json.Delim('['):
		return errForm
	}
	for r.More() {
		if err := item(); err != nil {
			return err
		}
	}
	return r.delim(']')
}

// run makes a call whose data says nothing.
func (c *core) run(ctx context.Context, k *call) error { return c.do(ctx, k, nil) }

// fetch makes a call whose data is an object.
func fetch[T any](ctx context.Context, c *core, k *call) (*T, error) {
	var v *T
	err := c.do(ctx, k, func(r *reply) error {
		v = nil
		if err := r.value(&v); err != nil {
			return err
		}
		if v == nil {
			return errForm
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// list makes a call whose data is an array of bounded length.
func list[T any](ctx context.Context, c *core, k *call) ([]T, error) {
	var all []T
	err := c.do(ctx, k, func(r *reply) error {
		all = nil
		return r.each(func() error {
			var v T
			err := r.value(&v)
			if err == nil && r.InputOffset() > maxList {
				err = errTooLarge
			}
			all = append(all, v)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
