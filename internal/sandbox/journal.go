package sandbox

import (
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"contactbook/internal/wire"
)

const (
	maxEntries   = 1000     // of a client
	maxJournal   = 4 << 20  // bytes of a client's bodies
	keptRequest  = 64 << 10 // bytes of one request's body
	keptReply    = 8 << 10  // bytes of one reply's body
	entryWeight  = 512      // bytes of an entry beside its bodies
	usualEntries = 20       // that are listed unless told otherwise
)

// Entry is one request in the journal. It holds personal data of the SANDBOX as
// it was sent, and the secret of no client.
type Entry struct {
	Reference  string
	Route      string
	Method     string
	Target     string // path and query
	At         time.Time
	HTTPStatus int // 0: there was no answer
	Code       wire.Code
	Status     string
	Fault      int // 0: nothing went wrong on purpose
	took       time.Duration
	request    []byte
	reply      []byte
	cutRequest bool // there was more of it
	cutReply   bool
	failed     []wire.Fault
}

func newEntry(route string, r *http.Request, reference string, at time.Time) *Entry {
	return &Entry{Reference: reference, Route: route, Method: r.Method, Target: r.URL.RequestURI(), At: at}
}

func (e *Entry) keepRequest(body []byte) {
	e.request, e.cutRequest = keep(e.request, body, keptRequest)
}

func (e *Entry) keepReply(p []byte) {
	var cut bool
	e.reply, cut = keep(e.reply, p, keptReply)
	e.cutReply = e.cutReply || cut
}

func keep(to, more []byte, limit int) (kept []byte, cut bool) {
	n := min(len(more), limit-len(to))
	return append(to, more[:n]...), n < len(more)
}

func (e *Entry) weight() int { return entryWeight + len(e.Target) + len(e.request) + len(e.reply) }

// note puts an entry into the journal, and drops the oldest ones that are too many.
func (d *desk) note(s *Service, e *Entry) {
	d.mu.Lock()
	if d.gone {
		d.mu.Unlock()
		return
	}
	was := d.bytes
	d.journal = append(d.journal, e)
	d.bytes += e.weight()
	drop := 0
	for rest := len(d.journal); rest > maxEntries || d.bytes > maxJournal && rest > 1; rest-- {
		d.bytes -= d.journal[drop].weight()
		d.journal[drop] = nil
		drop++
	}
	d.journal = d.journal[drop:]
	s.desks.bytes.Add(int64(d.bytes - was))
	d.mu.Unlock()
	s.tidy(d)
}

// find is the entry of a request.
func (d *desk) find(reference string) (*Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range slices.Backward(d.journal) {
		if e.Reference == reference {
			return e, nil
		}
	}
	return nil, wire.ErrNoRecord
}

type journalIn struct {
	reference, op    string
	limit            int
	failed, personal bool
}

func (in *journalIn) read(f *form) {
	in.reference = f.text("ipay_uuid", optional)
	in.op = f.text("op", optional)
	in.failed = f.boolean("failed")
	in.limit = f.integer("limit", 1, maxEntries, usualEntries)
	in.personal = f.boolean("personal")
}

// entryView is an entry as it is told.
type entryView struct {
	Reference  string      `json:"ipay_uuid"`
	At         wire.Millis `json:"at"`
	Ms         float64     `json:"ms"`
	Op         string      `json:"op"`
	Target     string      `json:"target"`
	HTTPStatus int         `json:"httpStatus"`
	Code       string      `json:"statuscode"`
	Status     string      `json:"status"`
	Fault      int         `json:"fault"`
	Request    string      `json:"request"`
	Reply      string      `json:"reply"`
	Cut        bool        `json:"cut"` // there was more of the request or of the reply
	NearMisses []nearMiss  `json:"nearMisses"`
}

func (e *Entry) view(personal bool) entryView {
	v := entryView{
		e.Reference, wire.Millis(e.At.UnixMilli()), float64(e.took.Microseconds()) / 1000, e.Route, e.Target,
		e.HTTPStatus, string(e.Code), e.Status, e.Fault, string(e.request), string(e.reply), e.cutRequest || e.cutReply, e.nearMisses(),
	}
	if !personal {
		v.Target, v.Request, v.Reply = maskTarget(e.Target), mask(e.request, false), mask(e.reply, true)
	}
	return v
}

// readJournal lists the client's last requests, the newest first.
func (s *Service) readJournal(c *Call, in *journalIn) (any, error) {
	d := s.desk(c.Client)
	d.mu.Lock()
	all := slices.Clone(d.journal)
	d.mu.Unlock()
	return iter.Seq2[any, error](func(yield func(any, error) bool) {
		left := in.limit
		for _, e := range slices.Backward(all) {
			if in.reference != "" && e.Reference != in.reference || in.op != "" && e.Route != in.op || in.failed && e.Code == wire.TXN {
				continue
			}
			if left == 0 || !yield(e.view(in.personal), nil) {
				return
			}
			left--
		}
	}), nil
}

func (s *Service) dropJournal(c *Call, _ *none) (any, error) {
	d := s.desk(c.Client)
	d.mu.Lock()
	defer d.mu.Unlock()
	s.desks.bytes.Add(-int64(d.bytes))
	d.journal, d.bytes = nil, 0
	return nil, nil
}

type entryRef struct {
	reference string
	personal  bool
}

func (in *entryRef) read(f *form) {
	in.reference = f.text("ipay_uuid", must)
	in.personal = f.boolean("personal")
}

// curl is a request as a command, without the secret: the shell's variables say it.
func (s *Service) curl(c *Call, in *entryRef) (any, error) {
	e, err := s.desk(c.Client).find(in.reference)
	if err != nil {
		return nil, err
	}
	v := e.view(in.personal)
	var b strings.Builder
	fmt.Fprintf(&b, "curl -sS -X %s \"${CONTACTBOOK_URL:-http://127.0.0.1:8080}\"%s", e.Method, quote(v.Target))
	for _, h := range []string{"X-Ipay-Auth-Code: 1", "X-Ipay-Client-Id: " + c.Client.ID} {
		b.WriteString(" \\\n  -H " + quote(h))
	}
	b.WriteString(" \\\n  -H \"X-Ipay-Client-Secret: $CONTACTBOOK_CLIENT_SECRET\"")
	for _, h := range []string{"X-Ipay-Endpoint-Ip: 203.0.113.7", "Content-Type: application/json"} {
		b.WriteString(" \\\n  -H " + quote(h))
	}
	if v.Request != "" {
		b.WriteString(" \\\n  --data-raw " + quote(v.Request))
	}
	return struct {
		Curl string `json:"curl"`
	}{b.String()}, nil
}

// quote makes one word of a shell's.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

type replayIn struct{ reference string }

func (in *replayIn) read(f *form) { in.reference = f.text("ipay_uuid", must) }

var errNotWhole = &wire.Error{Code: wire.RPI, Message: "The request is too large to be kept whole.", Status: http.StatusUnprocessableEntity,
	Faults: []wire.Fault{{Pointer: "/ipay_uuid", Rule: "max", Message: "The request is too large to be kept whole."}}}

// replay sends a request again, as it was sent.
func (s *Service) replay(c *Call, in *replayIn) (any, error) {
	e, err := s.desk(c.Client).find(in.reference)
	if err != nil {
		return nil, err
	}
	if e.cutRequest {
		return nil, errNotWhole
	}
	status, reply, err := c.Send(e.Method, e.Target, e.request)
	answered := err == nil
	return struct {
		Answered   bool   `json:"answered"` // false: the connection would have been dropped
		HTTPStatus int    `json:"httpStatus"`
		Reply      string `json:"reply"`
	}{answered, status, strings.ToValidUTF8(string(reply), "\ufffd")}, nil
}

// maskTarget masks the values of a query.
func maskTarget(target string) string {
	path, query, found := strings.Cut(target, "?")
	if !found {
		return target
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return path + "?" + shape(query)
	}
	for key, list := range values {
		for i := range list {
			if !harmless(list[i]) {
				list[i] = shape(list[i])
			}
		}
		if !isName(key) {
			delete(values, key)
			values[shape(key)] = list
		}
	}
	return path + "?" + values.Encode()
}
