package book

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode"

	"contactbook/internal/identity"
	"contactbook/internal/store"
	"contactbook/internal/verify"
	"contactbook/internal/wire"
)

// Desk is where an environment's verifications are asked. It sees to it that one
// server asks about one verification once at a time.
type Desk struct {
	verify.Verifier
	mu     sync.Mutex
	asking map[asked]chan struct{}
}

// asked names a verification of the desk's environment as a client does.
type asked struct {
	user int64
	ref  string
}

// NewDesk asks v.
func NewDesk(v verify.Verifier) *Desk { return &Desk{Verifier: v, asking: map[asked]chan struct{}{}} }

// begin takes the right to ask; where another has it, mine is false, and stored is
// closed when that one's question is in the store, or will not be.
func (d *Desk) begin(key asked) (stored chan struct{}, mine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.asking[key]; now != nil {
		return now, false
	}
	d.asking[key] = make(chan struct{})
	return d.asking[key], true
}

func (d *Desk) end(key asked) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.asking, key)
}

// verification is one question about a payment method or a business identity,
// under one externalRef, and what came of it.
type verification struct {
	child
	Ref      string
	Subject  string  // payment, or an identity's name
	Payment  wire.ID // zeros for an identity
	Number   string  // of the identity
	OrderID  string
	Outcome  string // the final statuscode; "" while it is pending
	Answer   string // the final reply's data in JSON; "" for none
	Verifier string
	Asks     int64 // that may have reached the verifier
}

func (*verification) Table() string { return "verification" }

func (v *verification) Cols() []store.Col {
	return []store.Col{
		{Name: "ref", Ptr: &v.Ref}, {Name: "subject", Ptr: &v.Subject}, {Name: "payment_id", Ptr: &v.Payment}, {Name: "number", Ptr: &v.Number},
		{Name: "order_id", Ptr: &v.OrderID}, {Name: "outcome", Ptr: &v.Outcome}, {Name: "answer", Ptr: &v.Answer},
		{Name: "verifier", Ptr: &v.Verifier}, {Name: "asks", Ptr: &v.Asks},
	}
}

// same tells whether both ask about one thing.
func (v *verification) same(w *verification) bool {
	return v.Contact == w.Contact && v.Subject == w.Subject && v.Payment == w.Payment && v.Number == w.Number
}

// reference is what a verifier knows it by: unlike externalRef, of no other book's.
func (v *verification) reference() string { return v.ID.String() }

var verificationByRef = store.NewQuery[verification]("verification by ref", "where "+store.OfBook+" and ref = $2")

// findVerification is nil without one of that reference.
func findVerification(ctx context.Context, from store.Reader, ref string) (*verification, error) {
	found, err := verificationByRef.All(ctx, from, ref)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// subject is what is verified: a payment method, or one identity of a business.
type subject interface {
	// load reads it; ErrNotFound when it is gone, or has changed since it was asked about.
	load(ctx context.Context, from store.Reader) error
	// question is what to ask, but for the reference.
	question() verify.Question
	// verified changes it in tx as the answer says, and is the final reply's data.
	verified(ctx context.Context, tx *store.Tx, v *verification, a verify.Answer, at wire.Millis) (any, error)
}

// verifying is one call that verifies.
type verifying struct {
	*Call
	v    *verification // a new one; what the store has takes its place
	s    subject
	load func(context.Context, *store.Tx) error // finds s in a transaction, or makes it
	own  wire.ID                                // of the new one
}

var (
	errDuplicate = wire.NewOutcome(wire.DTX, "", nil) // the reference is another question's
	errSettled   = errors.New("the verification has its answer")
	errGone      = errors.New("there is no such verification")
)

// newVerification is one that this call would add.
func (c *Call) newVerification(contact wire.ID, ref, subject string, payment wire.ID) *verification {
	return &verification{child: child{c.new(), contact}, Ref: ref, Subject: subject, Payment: payment, OrderID: wire.OrderID(time.UnixMilli(int64(c.Now)))}
}

// run stores the question, asks, and stores the answer: in this order, so that
// nothing is asked under a reference that could be forgotten. The data of a
// success is returned; what is pending sets Pending, and every failure is an error.
func (w *verifying) run() (json.RawMessage, error) {
	w.own = w.v.ID
	if w.Desk == nil {
		return nil, w.write(func(ctx context.Context, tx *store.Tx) error {
			if err := w.load(ctx, tx); err != nil {
				return err
			}
			return wire.ErrNoService
		})
	}
	key := asked{w.UserID, w.v.Ref}
	for {
		stored, mine := w.Desk.begin(key)
		if mine {
			defer w.Desk.end(key)
			return w.ask(stored)
		}
		select {
		case <-stored:
		case <-w.Context.Done():
			return nil, w.Context.Err()
		}
		if there, err := w.join(); there || err != nil {
			return nil, err
		}
	}
}

// ask stores the question, or finds the one that is there, and asks.
func (w *verifying) ask(stored chan struct{}) (json.RawMessage, error) {
	err := func() error {
		defer close(stored)
		return w.open()
	}()
	switch {
	case errors.Is(err, errSettled):
		return nil, w.repeated()
	case err != nil:
		return nil, err
	}
	q := w.s.question()
	q.Reference, q.Again = w.v.reference(), int(w.v.Asks-1)
	var a verify.Answer
	w.Away(func() { a, err = w.Desk.Ask(context.WithoutCancel(w.Context), q) })
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.Context), store.WriteTimeout)
	defer cancel()
	if err != nil {
		return nil, w.unanswered(ctx, err)
	}
	data, err := settle(ctx, w.Book, w.v, w.s, a, w.Desk.Name(), w.Clock)
	return w.reply(data, err)
}

func (w *verifying) open() error {
	for {
		err := w.write(w.openIn)
		if !errors.Is(err, store.ErrDuplicate) { // another server's came first: now it is there
			return err
		}
	}
}

func (w *verifying) openIn(ctx context.Context, tx *store.Tx) error {
	if err := w.load(ctx, tx); err != nil {
		return err
	}
	there, err := findVerification(ctx, tx, w.v.Ref)
	switch {
	case err != nil:
		return err
	case there == nil:
		w.v.Asks, w.v.Verifier = 1, w.Desk.Name()
		return tx.Add(ctx, w.v)
	case !there.same(w.v):
		return errDuplicate
	case there.ID == w.own: // an earlier try of this transaction landed
		return nil
	}
	*w.v = *there
	if there.Outcome != "" {
		return errSettled
	}
	w.v.Asks++
	w.v.Updated = w.Now
	return tx.Set(ctx, w.v)
}

// join answers a call whose verification another one asks for just now; false
// when there is none after all.
func (w *verifying) join() (found bool, err error) {
	var there *verification
	err = w.write(func(ctx context.Context, tx *store.Tx) (err error) {
		if err = w.load(ctx, tx); err == nil {
			there, err = findVerification(ctx, tx, w.v.Ref)
		}
		if err == nil && there == nil {
			err = errGone // and what load may have made goes too
		}
		return err
	})
	switch {
	case errors.Is(err, errGone):
		return false, nil
	case err != nil:
		return false, err
	case !there.same(w.v):
		return false, errDuplicate
	}
	*w.v = *there
	if w.v.Outcome != "" {
		return false, w.repeated()
	}
	w.OrderID, w.Pending = w.v.OrderID, true
	return true, nil
}

// repeated is the answer to a question that has had its own.
func (w *verifying) repeated() error {
	var data any
	if w.v.Answer != "" {
		data = json.RawMessage(w.v.Answer)
	}
	return wire.NewOutcome(wire.DTX, w.v.OrderID, data)
}

// unanswered is the reply when the verifier gave no answer: pending, unless it
// certainly was never asked about this.
func (w *verifying) unanswered(ctx context.Context, why error) error {
	if !errors.Is(why, verify.ErrNotAsked) || w.v.Asks > 1 {
		w.OrderID, w.Pending = w.v.OrderID, true
		w.Warn("the verifier gave no answer", why)
		return nil
	}
	err := w.Book.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		there := verification{child: child{store.Meta{ID: w.v.ID}, w.v.Contact}}
		if err := store.Get(ctx, tx, &there); err != nil || there.Outcome != "" || there.Asks != 1 {
			return err
		}
		there.Asks, there.Updated = 0, w.Now
		return tx.Set(ctx, &there)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return err
	}
	return errors.Join(wire.NewOutcome(wire.SPD, "", nil), why) // the client is told the first, the log both
}

// reply tells the client what settle found.
func (w *verifying) reply(data json.RawMessage, err error) (json.RawMessage, error) {
	switch {
	case errors.Is(err, errSettled): // by another server, or a person, meanwhile
		return nil, w.repeated()
	case err != nil:
		return nil, err
	}
	w.OrderID = w.v.OrderID
	switch w.v.Outcome {
	case "":
		w.Pending = true
		return nil, nil
	case string(wire.TXN):
		return data, nil
	}
	return nil, wire.NewOutcome(wire.Code(w.v.Outcome), w.v.OrderID, nil)
}

// codes are the statuscodes of final outcomes.
var codes = map[verify.Outcome]wire.Code{
	verify.Verified: wire.TXN, verify.Invalid: wire.IAN, verify.BankDown: wire.SPD, verify.BankFailed: wire.FAB, verify.DuplicateOf: wire.DTX,
}

// settle stores a verifier's answer, once: an answer that is there stays, and v
// becomes it with errSettled. A pending one changes nothing. by is who gave it.
func settle(ctx context.Context, b *store.Book, v *verification, s subject, a verify.Answer, by string, clock func() wire.Millis) (json.RawMessage, error) {
	if a.Outcome == verify.Pending {
		return nil, nil
	}
	a.Name, a.Payer.Name = cleanName(a.Name), cleanName(a.Payer.Name)
	var answer []byte
	err := b.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		answer = nil
		there := verification{child: child{store.Meta{ID: v.ID}, v.Contact}}
		if err := tx.HoldContact(ctx, v.Contact); err != nil {
			return err
		}
		if err := store.Get(ctx, tx, &there); err != nil {
			return err
		}
		*v = there
		if v.Outcome != "" {
			return errSettled
		}
		now := clock()
		v.Verifier = by
		if a.Outcome == verify.Verified {
			if err := s.load(ctx, tx); err != nil {
				return err
			}
			data, err := s.verified(ctx, tx, v, a, now)
			if err == nil {
				answer, err = marshal(data)
			}
			if err != nil {
				return err
			}
		}
		v.Outcome, v.Answer, v.Updated = string(codes[a.Outcome]), string(answer), now
		return tx.Set(ctx, v)
	})
	return answer, err
}

// marshal is a reply's data as it is sent and stored.
func marshal(data any) ([]byte, error) {
	var buf bytes.Buffer
	err := wire.Encode(&buf, data)
	return buf.Bytes(), err
}

// cleanName is a name from outside as a column may hold it.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	runes := []rune(strings.TrimSpace(s))
	return string(runes[:min(len(runes), maxText)])
}

// score compares a name that was given, or for want of it the contact's, with the bank's.
func score(given, contact, bank string) int64 {
	if given == "" {
		given = contact
	}
	return int64(identity.NameMatch(given, bank))
}
