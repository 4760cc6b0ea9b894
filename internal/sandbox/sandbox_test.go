package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"contactbook/internal/book"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// hand is a time that tests move.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func (c *hand) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *hand) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bench is a service on a real database.
type bench struct {
	*testing.T
	*Service
	clock *hand
	db    *store.DB
	ids   *wire.IDs
}

func newBench(t *testing.T) *bench {
	t.Helper()
	k := &hand{at: time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{
		URL: "sqlite:" + filepath.Join(dir, "book.db"), Serve: true, Now: k.now,
		Pepper: store.PepperSource{File: filepath.Join(dir, "pepper.key")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &bench{t, New(Options{Log: slog.New(slog.DiscardHandler), Now: k.now, Books: 3}), k, db, wire.NewIDs(k.now)}
}

func (b *bench) client(userID int64, sandbox bool) *store.Client {
	b.Helper()
	c, _, err := b.db.AddClient(b.Context(), store.Client{UserID: userID, Sandbox: sandbox, Name: "test"})
	if err != nil {
		b.Fatal(err)
	}
	return &c
}

// object reads a request's body.
func object(text string) wire.Value {
	v, err := wire.Decode([]byte(text))
	if err != nil {
		panic(err)
	}
	return v
}

func (b *bench) call(c *store.Client, body wire.Value) *Call {
	return &Call{Client: c, DB: b.db, Call: &book.Call{
		Context: b.Context(), Book: b.db.Book(c.Tenant()), UserID: c.UserID, Now: wire.Millis(b.clock.now().UnixMilli()),
		IDs: b.ids, Body: body, Header: http.Header{},
	}}
}

// do runs an op of the sandbox.
func (b *bench) do(c *store.Client, route string, body wire.Value) (any, error) {
	b.Helper()
	i := slices.IndexFunc(Ops, func(op Op) bool { return op.Route == route })
	if i < 0 {
		b.Fatalf("no op %s", route)
	}
	return b.Service.Run(&Ops[i], b.call(c, body))
}

// run runs an op of the API, which must succeed.
func (b *bench) run(c *store.Client, route string, body wire.Value) any {
	b.Helper()
	i := slices.IndexFunc(book.Ops, func(op book.Op) bool { return op.Route == route })
	data, err := book.Ops[i].Run(b.call(c, body).Call)
	if err != nil {
		b.Fatalf("%s: %v", route, err)
	}
	return data
}

func (b *bench) tags(c *store.Client) int {
	b.Helper()
	return len(b.run(c, "GET /contacts/tag", wire.Value{}).([]any))
}

// A LIVE client is refused by every op, whatever it sends.
func TestLiveIsRefused(t *testing.T) {
	b := newBench(t)
	live := b.client(1, false)
	for _, op := range Ops {
		if _, err := b.do(live, op.Route, object(`{}`)); err != error(ErrLive) {
			t.Errorf("%s: %v", op.Route, err)
		}
	}
}

// A throw-away book and its client end together, and with nothing else.
func TestThrowawayEnds(t *testing.T) {
	b := newBench(t)
	parent, live := b.client(1, true), b.client(1, false)
	data, err := b.do(parent, "POST /_sandbox/books", object(`{"hours":2}`))
	if err != nil {
		t.Fatal(err)
	}
	made := data.(bookMade)
	child, err := b.db.Authenticate(t.Context(), made.ID, made.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if child.Tenant() == parent.Tenant() || !child.Sandbox || child.UserID < store.MaxUserID/2 {
		t.Fatalf("the book of %d is %d's", child.UserID, child.Tenant())
	}
	for _, c := range []*store.Client{parent, live, child} {
		b.run(c, "POST /contacts/tag", object(`{"name":"kept","hexColorCode":"#FF1934"}`))
	}
	sweep := func() {
		t.Helper()
		if err := b.SweepOnce(t.Context(), b.db); err != nil {
			t.Fatal(err)
		}
	}
	b.clock.advance(2*time.Hour - time.Second)
	sweep()
	if _, err := b.db.Authenticate(t.Context(), made.ID, made.Secret); err != nil {
		t.Fatalf("a second before its end: %v", err)
	}
	b.clock.advance(time.Second)
	if _, err := b.db.Authenticate(t.Context(), made.ID, made.Secret); !errors.Is(err, store.ErrCredentials) {
		t.Fatalf("at its end: %v", err)
	}
	sweep()
	if b.tags(child) != 1 {
		t.Error("its book is erased while a request may still be at work")
	}
	b.clock.advance(inFlight)
	sweep()
	if b.tags(child) != 0 || b.tags(parent) != 1 || b.tags(live) != 1 {
		t.Errorf("tags: of the throw-away book %d, its maker's %d, the LIVE one %d", b.tags(child), b.tags(parent), b.tags(live))
	}
	if _, err := b.db.Client(t.Context(), made.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its client is still there: %v", err)
	}
	if all, err := b.db.Clients(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%d clients: %v", len(all), err)
	}
}

// A book that an operator has given another client outlives the throw-away one.
func TestThrowawayThatIsShared(t *testing.T) {
	b := newBench(t)
	data, err := b.do(b.client(1, true), "POST /_sandbox/books", object(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	second := b.client(data.(bookMade).UserID, true)
	b.run(second, "POST /contacts/tag", object(`{"name":"kept","hexColorCode":"#FF1934"}`))
	b.clock.advance(maxHours*time.Hour + inFlight)
	if err := b.SweepOnce(t.Context(), b.db); err != nil {
		t.Fatal(err)
	}
	if b.tags(second) != 1 {
		t.Error("the book is erased under its other client")
	}
}

// Many at a time do not pass the limit, and what ends makes room.
func TestThrowawayLimit(t *testing.T) {
	b := newBench(t)
	parent := b.client(1, true)
	made := make(chan bookMade, 8)
	var all sync.WaitGroup
	for range cap(made) {
		all.Go(func() {
			data, err := b.do(parent, "POST /_sandbox/books", object(`{}`))
			if err == nil {
				made <- data.(bookMade)
			} else if err != error(wire.ErrLimit) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(made) != b.Books {
		t.Fatalf("%d books, and %d may be", len(made), b.Books)
	}
	first := <-made
	child, err := b.db.Client(context.Background(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.do(child, "POST /_sandbox/books", object(`{}`)); err != error(errNested) {
		t.Errorf("a throw-away client makes books: %v", err)
	}
	if _, err := b.do(child, "DELETE /_sandbox/books", object(`{"clientId":"`+(<-made).ID+`"}`)); err != error(errNoBook) {
		t.Errorf("a client ends another's book: %v", err)
	}
	if _, err := b.do(parent, "DELETE /_sandbox/books", object(`{"clientId":"`+first.ID+`"}`)); err != nil {
		t.Error(err)
	}
	if _, err := b.db.Authenticate(t.Context(), first.ID, first.Secret); !errors.Is(err, store.ErrCredentials) {
		t.Errorf("after its end: %v", err)
	}
	list, err := b.do(parent, "GET /_sandbox/books", object(`{}`))
	if err != nil || len(list.([]bookItem)) != b.Books-1 {
		t.Errorf("listed are %v, %v", list, err)
	}
	if _, err := b.do(parent, "POST /_sandbox/books", object(`{}`)); err != nil {
		t.Errorf("with room again: %v", err)
	}
	b.Books = 0
	if _, err := b.do(parent, "POST /_sandbox/books", object(`{}`)); err != error(wire.ErrNoService) {
		t.Errorf("switched off: %v", err)
	}
}
