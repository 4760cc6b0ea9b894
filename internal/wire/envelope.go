package wire

import (
	"bytes"
	"net/http"
	"time"
)

// Live and Sandbox are the two values of an envelope's environment.
const (
	Live    = "LIVE"
	Sandbox = "SANDBOX"
)

// Envelope is what every reply is wrapped in: nine keys, in this order, always
// all nine. A nil Data is null.
type Envelope struct {
	Code        Code    `json:"statuscode"`
	ActCode     *string `json:"actcode"`
	Status      string  `json:"status"`
	Data        any     `json:"data"`
	Timestamp   string  `json:"timestamp"`
	Reference   string  `json:"ipay_uuid"`
	OrderID     *string `json:"orderid"`
	Environment string  `json:"environment"`
	Internal    *string `json:"internalCode"`
}

// Frame is a reply whose data is an array that is written item by item: Open
// stands before the first item, Close after the last.
type Frame struct{ envelope Envelope }

// NewFrame returns the frame of e, whose Data and Timestamp are not used.
func NewFrame(e Envelope) Frame {
	e.Data = []struct{}{}
	return Frame{e}
}

var emptyArray = []byte(`"data":[]`)

// Open is the envelope as far as the array's opening bracket.
func (f Frame) Open() []byte {
	text, bracket := f.split()
	return text[:bracket]
}

// Close is the rest, with the time at the end of the request.
func (f Frame) Close(now time.Time) []byte {
	f.envelope.Timestamp = Timestamp(now)
	text, bracket := f.split()
	return text[bracket:]
}

// split encodes the frame and finds its closing bracket.
func (f Frame) split() (text []byte, bracket int) {
	var buf bytes.Buffer
	if err := Encode(&buf, &f.envelope); err != nil {
		panic(err) // strings and nulls always encode
	}
	text = buf.Bytes()
	return text, bytes.Index(text, emptyArray) + len(emptyArray) - 1
}

// ProblemType is the media type of Problem.
const ProblemType = "application/problem+json"

// Problem is a failure as RFC 9457 has it, for clients that ask for it.
type Problem struct {
	Type        string  `json:"type"`
	Title       string  `json:"title"`
	Status      int     `json:"status"`
	Detail      string  `json:"detail"`
	Code        Code    `json:"statuscode"`
	Message     string  `json:"message"`
	Reference   string  `json:"ipay_uuid"`
	Environment string  `json:"environment"`
	Timestamp   string  `json:"timestamp"`
	OrderID     string  `json:"orderid,omitempty"`
	Data        any     `json:"data,omitempty"`
	Errors      []Fault `json:"errors,omitempty"`
}

// NewProblem shows the failure e in the setting of its envelope.
func NewProblem(e *Error, env Envelope) Problem {
	return Problem{
		Type: "about:blank", Title: http.StatusText(e.Status), Status: e.Status, Detail: e.Message,
		Code: e.Code, Message: e.Message,
		Reference: env.Reference, Environment: env.Environment, Timestamp: env.Timestamp,
		OrderID: e.OrderID, Data: e.Data, Errors: e.Faults,
	}
}
