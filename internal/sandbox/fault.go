package sandbox

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"contactbook/internal/book"
	"contactbook/internal/wire"
)

const (
	maxFaults  = 100             // of a client
	maxLatency = 2 * time.Minute // of one request
	maxCount   = 1_000_000
)

// Where a connection is dropped.
const (
	before = "before" // the request is done
	after  = "after"  // it is done, and before it is answered
)

// fault is what a client wants to go wrong.
type fault struct {
	ID          int     `json:"id"`
	Op          string  `json:"op"` // a route; "": every op of the API
	Code        string  `json:"code"`
	Message     string  `json:"message"`
	HTTPStatus  int     `json:"httpStatus"`
	LatencyMs   int     `json:"latencyMs"`
	Drop        string  `json:"drop"`
	Cut         bool    `json:"cut"`
	Probability float64 `json:"probability"`
	Count       int     `json:"count"` // times that it happens; 0: any number
	Hits        int     `json:"hits"`  // times that it has

	dice *rand.Rand
}

// refusal is the error that the fault makes of a request; nil for none.
func (f *fault) refusal() *wire.Error {
	if f.Code == "" && f.HTTPStatus == 0 {
		return nil
	}
	e := &wire.Error{Code: wire.Code(f.Code), Message: f.Message, Status: f.HTTPStatus, Loud: f.HTTPStatus != 0}
	if e.Code == "" {
		e.Code = wire.ISE
	}
	if e.Message == "" {
		e.Message = wire.Meanings[e.Code]
	}
	if e.Status == 0 {
		e.Status = http.StatusBadRequest // of problem details
	}
	if e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable {
		e.RetryAfter = 1
	}
	return e
}

// draw is the fault that befalls a request of an op; nil for none.
func (d *desk) draw(op string) *fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if f.Op != "" && f.Op != op || f.Count > 0 && f.Hits >= f.Count || f.dice.Float64() >= f.Probability {
			continue
		}
		f.Hits++
		drawn := *f
		return &drawn
	}
	return nil
}

type faultIn struct {
	fault
	seed int
}

func (in *faultIn) read(f *form) {
	in.Op = f.text("op", optional)
	in.Code = f.text("code", optional)
	in.Message = f.text("message", optional)
	in.HTTPStatus = f.integer("httpStatus", 400, 599, 0)
	in.LatencyMs = f.integer("latencyMs", 1, int(maxLatency/time.Millisecond), 0)
	in.Drop = f.choice("drop", before, after)
	in.Cut = f.boolean("cut")
	in.Probability = f.share("probability")
	in.Count = f.integer("count", 1, maxCount, 0)
	in.seed = f.integer("seed", 0, 1<<31-1, -1)
	if f.seen != nil || len(f.faults) > 0 {
		return
	}
	if in.Op != "" && !slices.ContainsFunc(book.Ops, func(op book.Op) bool { return op.Route == in.Op }) {
		f.fault("op", "choice", "The selected %s is invalid.")
	}
	if _, known := wire.Meanings[wire.Code(in.Code)]; in.Code != "" && (!known || in.Code == string(wire.TXN)) {
		f.fault("code", "choice", "The selected %s is invalid.")
	}
	effects := 0
	for _, one := range []bool{in.Code != "" || in.HTTPStatus != 0, in.Drop != "", in.Cut} {
		if one {
			effects++
		}
	}
	if effects == 0 && in.LatencyMs == 0 {
		f.fault("code", "required", "The %s field is required.")
	}
	if effects > 1 {
		f.fault("code", "choice", "The %s, drop and cut exclude one another.")
	}
}

// addFault has requests of the client go wrong. The first fault of several that
// befalls a request is its only one.
func (s *Service) addFault(c *Call, in *faultIn) (any, error) {
	d := s.desk(c.Client)
	source := rand.NewPCG(rand.Uint64(), rand.Uint64())
	if in.seed >= 0 {
		source = rand.NewPCG(uint64(in.seed), 0)
	}
	in.dice = rand.New(source)
	d.mu.Lock()
	if len(d.faults) >= maxFaults {
		d.mu.Unlock()
		return nil, wire.ErrLimit
	}
	d.lastID++
	f := in.fault
	f.ID = d.lastID
	d.faults = append(d.faults, &f)
	told := f
	d.mu.Unlock()
	s.tidy(d)
	return told, nil
}

// listFaults are the client's, those that are used up too.
func (s *Service) listFaults(c *Call, _ *none) (any, error) {
	d := s.desk(c.Client)
	d.mu.Lock()
	defer d.mu.Unlock()
	list := []fault{}
	for _, f := range d.faults {
		list = append(list, *f)
	}
	return list, nil
}

type faultRef struct{ id int }

func (in *faultRef) read(f *form) { in.id = f.integer("id", 1, 1<<31-1, 0) }

// dropFaults ends one fault, or all of them.
func (s *Service) dropFaults(c *Call, in *faultRef) (any, error) {
	d := s.desk(c.Client)
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.faults)
	d.faults = slices.DeleteFunc(d.faults, func(f *fault) bool { return in.id == 0 || f.ID == in.id })
	if in.id != 0 && len(d.faults) == before {
		return nil, wire.ErrNoRecord
	}
	return nil, nil
}
