// Package sandbox is what a developer wants of a local double, beside the API that
// it doubles: the ops of /_sandbox, for SANDBOX clients alone. None of them reads
// or changes anything of a LIVE book.
package sandbox

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"contactbook/internal/book"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// Ops are all ops of the sandbox: route, the status of its success, and what runs.
var Ops = []Op{
	{"POST /_sandbox/books", "Sandbox Book Made Successfully", in((*Service).makeBook)},
	{"GET /_sandbox/books", listed, in((*Service).listBooks)},
	{"DELETE /_sandbox/books", "Sandbox Book Deleted successfully", in((*Service).endBook)},

	{"POST /_sandbox/reset", "Sandbox Reset Successfully", in((*Service).reset)},
	{"POST /_sandbox/seed", "Sandbox Seeded Successfully", in((*Service).seed)},

	{"POST /_sandbox/snapshot", "Sandbox Snapshot Added Successfully", in((*Service).snapshot)},
	{"GET /_sandbox/snapshot", listed, in((*Service).listSnapshots)},
	{"DELETE /_sandbox/snapshot", "Sandbox Snapshot Deleted successfully", in((*Service).dropSnapshot)},
	{"POST /_sandbox/rewind", "Sandbox Rewound Successfully", in((*Service).rewind)},

	{"GET /_sandbox/clock", listed, in((*Service).readClock)},
	{"POST /_sandbox/clock", "Sandbox Clock Set Successfully", in((*Service).setClock)},
	{"DELETE /_sandbox/clock", "Sandbox Clock Deleted successfully", in((*Service).dropClock)},

	{"POST /_sandbox/faults", "Sandbox Fault Added Successfully", in((*Service).addFault)},
	{"GET /_sandbox/faults", listed, in((*Service).listFaults)},
	{"DELETE /_sandbox/faults", "Sandbox Fault Deleted successfully", in((*Service).dropFaults)},

	{"GET /_sandbox/journal", listed, in((*Service).readJournal)},
	{"DELETE /_sandbox/journal", "Sandbox Journal Deleted successfully", in((*Service).dropJournal)},
	{"GET /_sandbox/journal/curl", listed, in((*Service).curl)},
	{"POST /_sandbox/journal/replay", listed, in((*Service).replay)},
}

const listed = "Transaction Successful"

// Timeout bounds an op, which may empty or fill a book.
const Timeout = time.Minute

// Op is one row of the sandbox.
type Op struct {
	Route string // method and path
	Done  string // the envelope's status on success
	action
}

type action struct {
	read func(*form)
	run  func(*Service, *Call) (any, error)
}

// in makes an action of a function by its input, which is read and checked first.
func in[T any, P interface {
	*T
	read(*form)
}](fn func(*Service, *Call, *T) (any, error)) action {
	return action{
		read: func(f *form) { P(new(T)).read(f) },
		run: func(s *Service, c *Call) (any, error) {
			f, input := form{body: c.Body, query: c.Query}, new(T)
			P(input).read(&f)
			if len(f.faults) > 0 {
				return nil, wire.ErrFields(f.faults)
			}
			return fn(s, c, input)
		},
	}
}

// none is the input of an op without fields.
type none struct{}

func (*none) read(*form) {}

// Fields lists the op's input, in the documented order.
func (op *Op) Fields() []book.Field {
	f := form{seen: &[]book.Field{}}
	op.read(&f)
	return *f.seen
}

// Call is one request of a SANDBOX client to an op.
type Call struct {
	*book.Call
	Client *store.Client
	DB     *store.DB

	// Send sends another request of the same client through this server. An error
	// says that it got no whole answer.
	Send func(method, target string, body []byte) (status int, reply []byte, err error)
}

// Options is what a Service is made of.
type Options struct {
	Log   *slog.Logger
	Now   func() time.Time
	Books int // throw-away books that a client may have at a time; 0: none
}

// Service is the sandbox of one server. Faults, clocks and journals live in its
// memory: another server knows nothing of them, and neither does the next start.
type Service struct {
	Options
	desks  desks
	clocks clocks
}

// New returns a sandbox without any state yet.
func New(o Options) *Service {
	return &Service{Options: o, desks: desks{of: map[string]*desk{}}, clocks: clocks{of: map[store.Tenant]*clock{}}}
}

// ErrLive refuses a LIVE client.
var ErrLive = &wire.Error{Code: wire.UAD, Message: "The sandbox is for SANDBOX clients only.", Status: http.StatusForbidden}

// Run does the op for a SANDBOX client and returns its envelope's data.
func (s *Service) Run(op *Op, c *Call) (any, error) {
	if !c.Client.Sandbox {
		return nil, ErrLive
	}
	data, err := op.run(s, c)
	if errors.Is(err, store.ErrNotFound) {
		err = wire.ErrNoRecord
	}
	if errors.Is(err, store.ErrUnavailable) {
		err = errors.Join(wire.ErrDown, err)
	}
	return data, err
}
