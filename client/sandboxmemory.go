package client

import (
	"context"
	"net/http"
	"time"
)

// SandboxClock is a SANDBOX book's time.
type SandboxClock struct {
	Now    time.Time `json:"now"`
	Frozen bool      `json:"frozen"` // it stands still
	Real   bool      `json:"real"`   // nobody has set it
}

// ClockInput changes a book's time: first At sets it, then Advance moves it on.
type ClockInput struct {
	At      time.Time     // zero: as it is
	Advance time.Duration // 0: not at all
	Frozen  *bool         // nil: it goes on standing or running
}

const (
	clockPath   = sandboxPath + "/clock"
	faultsPath  = sandboxPath + "/faults"
	journalPath = sandboxPath + "/journal"
)

// Clock returns the book's time.
func (s *SandboxService) Clock(ctx context.Context) (*SandboxClock, error) {
	return fetch[SandboxClock](ctx, s.c, &call{method: http.MethodGet, path: clockPath, again: true})
}

// SetClock changes the book's time on the server that answers, for all clients of
// the book.
func (s *SandboxService) SetClock(ctx context.Context, in ClockInput) (*SandboxClock, error) {
	var wire struct {
		At      string `json:"at,omitempty"`
		Advance string `json:"advance,omitempty"`
		Frozen  *bool  `json:"frozen,omitempty"`
	}
	if wire.Frozen = in.Frozen; !in.At.IsZero() {
		wire.At = in.At.Format(time.RFC3339Nano)
	}
	if in.Advance != 0 {
		wire.Advance = in.Advance.String()
	}
	return fetch[SandboxClock](ctx, s.c, &call{method: http.MethodPost, path: clockPath, input: wire, again: in.Advance == 0})
}

// RealClock gives the book the real time again.
func (s *SandboxService) RealClock(ctx context.Context) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: clockPath, again: true})
}

// SandboxFault is what goes wrong with requests of this client, on the server that
// was told. Of Code and HTTPStatus, Drop and Cut one is set, or LatencyMs alone.
type SandboxFault struct {
	ID          int     `json:"id,omitempty"`          // the server's
	Op          string  `json:"op,omitempty"`          // such as "POST /contacts/profile"; "": any
	Code        Code    `json:"code,omitempty"`        // instead of doing the request
	Message     string  `json:"message,omitempty"`     // with Code; "": the published table's
	HTTPStatus  int     `json:"httpStatus,omitempty"`  // 400 to 599, with or without Code
	LatencyMs   int     `json:"latencyMs,omitempty"`   // milliseconds, 1 to 120,000
	Drop        string  `json:"drop,omitempty"`        // "before" or "after" the request is done
	Cut         bool    `json:"cut,omitempty"`         // half of the answer
	Probability float64 `json:"probability,omitempty"` // 0 stands for 1
	Count       int     `json:"count,omitempty"`       // times that it happens; 0: any number
	Seed        *int    `json:"seed,omitempty"`        // of the draw, for the same one each time
	Hits        int     `json:"hits,omitempty"`        // the server's: times that it has happened
}

// AddFault has requests of this client go wrong. A Client tries some calls again:
// Retries(1) shows each failure.
func (s *SandboxService) AddFault(ctx context.Context, f SandboxFault) (*SandboxFault, error) {
	return fetch[SandboxFault](ctx, s.c, &call{method: http.MethodPost, path: faultsPath, input: f})
}

// Faults returns this client's faults, used up or not.
func (s *SandboxService) Faults(ctx context.Context) ([]SandboxFault, error) {
	return list[SandboxFault](ctx, s.c, &call{method: http.MethodGet, path: faultsPath, again: true})
}

// ClearFaults ends all faults, or with an id that one. ErrNotFound when there is no
// such.
func (s *SandboxService) ClearFaults(ctx context.Context, id int) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: faultsPath, again: true, input: struct {
		ID int `json:"id,omitempty"`
	}{id}})
}

// JournalEntry is one of this client's last requests.
type JournalEntry struct {
	Reference  string     `json:"ipay_uuid"`
	At         time.Time  `json:"at"`
	Ms         float64    `json:"ms"`
	Op         string     `json:"op"`
	Target     string     `json:"target"`
	HTTPStatus int        `json:"httpStatus"`
	Code       Code       `json:"statuscode"` // "": the answer was cut off
	Status     string     `json:"status"`
	Fault      int        `json:"fault"` // that befell it; 0 for none
	Request    string     `json:"request"`
	Reply      string     `json:"reply"`
	Cut        bool       `json:"cut"` // there was more of Request or Reply
	NearMisses []NearMiss `json:"nearMisses"`
}

// NearMiss says how far a field was from being right.
type NearMiss struct {
	Field   string `json:"field"`
	Rule    string `json:"rule"`
	Message string `json:"message"`
	Why     string `json:"why"`
}

// JournalFilter chooses entries; its zero value is the last 20.
type JournalFilter struct {
	Reference string `json:"ipay_uuid,omitempty"`
	Op        string `json:"op,omitempty"`
	Failed    bool   `json:"failed,omitempty"`
	Limit     int    `json:"limit,omitempty"`
	Personal  bool   `json:"personal,omitempty"` // values as they were sent, not their shapes
}

// Journal returns the last requests of this client, the newest first.
func (s *SandboxService) Journal(ctx context.Context, f JournalFilter) ([]JournalEntry, error) {
	return list[JournalEntry](ctx, s.c, &call{method: http.MethodGet, path: journalPath, input: f, again: true})
}

// ClearJournal empties the journal.
func (s *SandboxService) ClearJournal(ctx context.Context) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: journalPath, again: true})
}

type entryRef struct {
	Reference string `json:"ipay_uuid"`
	Personal  bool   `json:"personal,omitempty"`
}

// Curl is a request of the journal as a curl command, whose secret is a variable.
func (s *SandboxService) Curl(ctx context.Context, reference string, personal bool) (string, error) {
	v, err := fetch[struct {
		Curl string `json:"curl"`
	}](ctx, s.c, &call{method: http.MethodGet, path: journalPath + "/curl", input: entryRef{reference, personal}, again: true})
	if err != nil {
		return "", err
	}
	return v.Curl, nil
}

// Replay is what a request of the journal is answered now.
type Replay struct {
	Answered   bool   `json:"answered"` // false: the connection would have been dropped
	HTTPStatus int    `json:"httpStatus"`
	Reply      string `json:"reply"`
}

// Replay sends a request of the journal again, as it was sent.
func (s *SandboxService) Replay(ctx context.Context, reference string) (*Replay, error) {
	return fetch[Replay](ctx, s.c, &call{method: http.MethodPost, path: journalPath + "/replay", input: entryRef{Reference: reference}})
}
