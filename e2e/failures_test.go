package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// TestDatabaseFailures (R11) has PostgreSQL fail under a server as the seed says: connections that are cut before a
// commit, after it and in its answer, commits that arrive after their connection is lost, serialization failures,
// deadlocks and lock timeouts, some of them real. Every request succeeds or fails once, cleanly: what was added is there
// once, what was refused is not there, and what nobody can tell is there once or not at all.
func TestDatabaseFailures(t *testing.T) {
	t.Parallel()
	database := newDatabase(t, "postgres")
	random, seed := proof.Rand(t)
	p, through := proxied(t, database, random)
	s := startOn(t, "postgres", through+"&deadlock_timeout=50ms", filepath.Join(t.TempDir(), "pepper.key"))
	f := &failing{T: t, s: s, creds: s.client(9, "LIVE"), ids: map[string]bool{}, told: map[string]string{}, slowest: map[string]time.Duration{}}
	f.tag = s.tag(f.creds, "Employee")
	db := openDirect(t, "postgres", database)
	injected := f.inject(db, random)

	ctx, cancel := context.WithCancel(t.Context())
	var clients, foes sync.WaitGroup
	foes.Go(func() { f.entangle(ctx, db, rand.New(rand.NewPCG(seed, 1))) })
	if proof.Sized() != proof.Quick {
		foes.Go(func() { f.hold(ctx, db, rand.New(rand.NewPCG(seed, 2))) })
	}
	p.on.Store(true)
	for i := range 8 {
		clients.Go(func() { f.work(rand.New(rand.NewPCG(seed, uint64(10+i))), proof.Pick(25, 1500, 10000)) })
	}
	clients.Wait()
	cancel()
	foes.Wait()
	p.on.Store(false)
	injected()
	awaitReady(t, s)
	f.verify()

	p.mu.Lock()
	defer p.mu.Unlock()
	most := 0
	for mark, n := range p.tries {
		if most = max(most, n); n > 5 {
			t.Errorf("%s was tried %d times", mark, n)
		}
	}
	if n := p.cuts["before"] + p.cuts["after"] + p.cuts["late"] + p.cuts["answer"]; n == 0 {
		t.Error("no connection was cut at a commit")
	}
	t.Logf("connections cut: %v; answers: %v; the slowest: %v", p.cuts, f.answers, f.slowest)
	record := func(what, target, got string, met bool) {
		proof.Record(t, proof.Figure{ID: "R11", What: what, Target: target, Got: got, Met: met, Seed: seed})
	}
	record(fmt.Sprintf("PostgreSQL, %d requests, %d of them after failures of the database: lost, doubled or told wrongly", f.asked.Load(), f.troubled(p)),
		"0", fmt.Sprint(f.wrong.Load()), f.wrong.Load() == 0)
	record("tries of one write, at most", "5", fmt.Sprint(most), most <= 5)
	slowest := slices.Max(slices.Collect(maps.Values(f.slowest)))
	record("the slowest answer; 2 s, and the last try", "4 s", slowest.Round(time.Millisecond).String(), slowest <= 4*time.Second)
	if proof.Sized() != proof.Quick && slowest > 4*time.Second {
		t.Errorf("an answer took %v", slowest)
	}
}

// failing asks a server whose database fails, and remembers what it was told.
type failing struct {
	*testing.T
	s      *server
	creds  creds
	tag    string
	serial atomic.Int64
	asked  atomic.Int64
	wrong  atomic.Int64

	mu      sync.Mutex
	ids     map[string]bool   // every one that was given
	told    map[string]string // of each add, by its mark: the id, refused or unknown
	payees  []*owned
	answers [3]int // done, refused, unknown
	slowest map[string]time.Duration
	raised  func() int64 // about how many refusals the database was made to give
}

// owned is a contact of one client, which alone changes it.
type owned struct {
	id, mark string
	names    []string // one of which it has
	perhaps  bool     // it may be deleted
	gone     bool
	payments []string
	persons  []string // marks
}

const (
	done    = "done"
	refused = "refused" // nothing was changed
	unknown = "unknown"
)

// wrongly reports what was told or kept wrongly, the first ten times.
func (f *failing) wrongly(format string, args ...any) {
	f.Helper()
	if f.wrong.Add(1) <= 10 {
		f.Errorf(format, args...)
	}
}

// ask sends a request and tells what its answer means.
func (f *failing) ask(what, method, path string, body m) (reply, string) {
	began := time.Now()
	r, err := send(f.s.request(f.creds, method, path, body))
	took := time.Since(began)
	f.asked.Add(1)
	if err != nil {
		f.wrongly("%s: no answer: %v", what, err)
		return r, unknown
	}
	outcome, i := done, 0
	switch {
	case r.Code == "SPD" && r.HTTP == 503 && r.Header.Get("Retry-After") != "":
		outcome, i = refused, 1
	case r.Code == "ISE" && r.HTTP == 500 && method != "GET":
		outcome, i = unknown, 2
	case r.Code == "ERR" && r.Status == "No Record Found":
	case r.Code != "TXN":
		f.wrongly("%s: %d %s", what, r.HTTP, r.Raw)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[i]++
	f.slowest[what] = max(f.slowest[what], took)
	return r, outcome
}

// added notes the outcome of an add under its mark, and returns the id that it was given.
func (f *failing) added(what, mark, path string, body m) string {
	r, outcome := f.ask(what, "POST", path, body)
	if outcome == done {
		outcome = r.id()
		if r.Code != "TXN" {
			f.wrongly("%s: %s", what, r.Raw)
			outcome = unknown
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told[mark] = outcome
	if outcome == refused || outcome == unknown {
		return ""
	}
	if f.ids[outcome] {
		f.wrongly("the id %s was given twice", outcome)
	}
	f.ids[outcome] = true
	return outcome
}

func (f *failing) mark() string { return fmt.Sprintf("mark%dx", f.serial.Add(1)) }

func (f *failing) body(name string) m {
	return m{"name": name, "email": "sample@example.com", "mobile": "7428585742", "tagDetails": []m{{"tagId": f.tag}}}
}

// work is one client.
func (f *failing) work(r *rand.Rand, requests int) {
	var mine []*owned
	for range requests {
		mark := f.mark()
		if len(mine) == 0 || r.IntN(4) == 0 {
			body := f.body(mark)
			body["companyName"] = mark
			if id := f.added("add", mark, "/contacts/profile", body); id != "" {
				c := &owned{id: id, mark: mark, names: []string{mark}}
				mine = append(mine, c)
				f.mu.Lock()
				f.payees = append(f.payees, c)
				f.mu.Unlock()
			}
			continue
		}
		c := mine[max(0, len(mine)-1-r.IntN(5))]
		if c.gone {
			continue
		}
		switch n := r.IntN(12); {
		case n < 3:
			body := f.body(mark)
			body["contactId"] = c.id
			f.change(c, "update", "PATCH", "/contacts/profile", body, func(outcome string) {
				if outcome == done {
					c.names = nil
				}
				c.names = append(c.names, mark)
			})
		case n < 5:
			f.added("add tag", mark, "/contacts/tag", m{"name": mark, "hexColorCode": "#FF1934"})
		case n < 7 && !c.perhaps:
			f.mu.Lock()
			c.persons = append(c.persons, mark)
			f.mu.Unlock()
			f.added("add person", mark, "/contacts/person", m{"gcId": c.id, "contactPersonName": mark, "email": "sample@example.com", "mobile": "7428585742", "description": "none"})
		case n < 8 && len(c.payments) < 3:
			body := m{"gcId": c.id, "accountType": "VPA", "upiId": fmt.Sprintf("payee%d@upi", len(c.payments))}
			r, _ := f.change(c, "add payment", "POST", "/contacts/payment", body, func(string) {})
			if r.Code == "TXN" {
				f.mu.Lock()
				c.payments = append(c.payments, r.id())
				f.mu.Unlock()
			}
		case n < 9 && len(c.payments) > 0:
			f.change(c, "set primary", "POST", "/contacts/payment/primary", m{"gcId": c.id, "paymentId": c.payments[r.IntN(len(c.payments))]}, func(string) {})
		case n < 10 && r.IntN(3) == 0:
			f.change(c, "delete", "DELETE", "/contacts/profile", m{"contactId": c.id}, func(outcome string) {
				c.perhaps, c.gone = true, outcome == done
			})
		default:
			f.read(c)
		}
	}
}

// change asks for a change of one's own contact and, if it may have been made, notes it.
func (f *failing) change(c *owned, what, method, path string, body m, note func(outcome string)) (reply, string) {
	r, outcome := f.ask(what, method, path, body)
	if r.Code == "ERR" {
		if !c.perhaps {
			f.wrongly("%s of %s: %s", what, c.id, r.Raw)
		}
		c.gone = true
		return r, outcome
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if outcome != refused {
		note(outcome)
	}
	return r, outcome
}

func (f *failing) read(c *owned) {
	r, outcome := f.ask("read", "GET", "/contacts/profile", m{"contactId": c.id})
	var list []contactShown
	switch {
	case outcome == refused:
	case r.Code == "ERR":
		if !c.perhaps {
			f.wrongly("%s is lost", c.id)
		}
		c.gone = true
	case json.Unmarshal(r.Data, &list) != nil || len(list) != 1 || !slices.Contains(c.names, list[0].Name):
		f.wrongly("%s must have one of the names %v: %s", c.id, c.names, r.Raw)
	}
}

// verify compares what the book holds with what was told.
func (f *failing) verify() {
	there := map[string][]string{} // ids by mark
	var contacts []contactShown
	if err := json.Unmarshal(f.s.ok(f.creds, "GET", "/contacts/profile", nil).Data, &contacts); err != nil {
		f.Fatal(err)
	}
	byID := map[string]contactShown{}
	for _, c := range contacts {
		there[c.Company] = append(there[c.Company], c.ID)
		byID[c.ID] = c
	}
	var tags []tagShown
	if err := json.Unmarshal(f.s.ok(f.creds, "GET", "/contacts/tag", nil).Data, &tags); err != nil {
		f.Fatal(err)
	}
	for _, t := range tags {
		there[t.Name] = append(there[t.Name], t.ID)
	}
	deleted := map[string]bool{} // marks of what may be, or is, gone with its contact
	for _, c := range f.payees {
		is, ok := byID[c.id]
		switch {
		case c.gone && ok:
			f.wrongly("%s was deleted, and is there", c.id)
		case !ok && !c.perhaps:
			f.wrongly("%s is lost", c.id)
		case ok && !slices.Contains(c.names, is.Name):
			f.wrongly("%s has the name %s, not one of %v", c.id, is.Name, c.names)
		}
		if !ok {
			deleted[c.mark] = true
			for _, mark := range c.persons {
				deleted[mark] = true
			}
			continue
		}
		var persons []personShown
		if err := json.Unmarshal(f.s.ok(f.creds, "GET", "/contacts/person", m{"gcId": c.id}).Data, &persons); err != nil {
			f.Fatal(err)
		}
		for _, p := range persons {
			there[p.Name] = append(there[p.Name], p.ID)
		}
		primary := 0
		var payments []seen
		if err := json.Unmarshal(f.s.ok(f.creds, "GET", "/contacts/payment", m{"gcId": c.id}).Data, &payments); err != nil {
			f.Fatal(err)
		}
		numbers := map[string]bool{}
		for _, p := range payments {
			if numbers[p.Number] {
				f.wrongly("%s has %s twice", c.id, p.Number)
			}
			if numbers[p.Number] = true; p.Primary {
				primary++
			}
		}
		if primary > 1 {
			f.wrongly("%s has %d primary payment methods", c.id, primary)
		}
	}
	for mark, told := range f.told {
		ids := there[mark]
		switch {
		case told == refused && len(ids) > 0:
			f.wrongly("%s was refused, and is there", mark)
		case told == unknown && len(ids) > 1, len(ids) > 1:
			f.wrongly("%s is there %d times", mark, len(ids))
		case told != refused && told != unknown && !deleted[mark] && !slices.Equal(ids, []string{told}):
			f.wrongly("%s was added as %s: %v", mark, told, ids)
		}
	}
}

// troubled is about how many requests met a failure.
func (f *failing) troubled(p *pgProxy) (n int) {
	for _, times := range p.cuts {
		n += times
	}
	return n + int(f.raised())
}

// inject makes the database refuse changes, at each change and at each commit, in an order that the seed gives, until
// the returned function is called.
func (f *failing) inject(db *sql.DB, r *rand.Rand) (end func()) {
	f.Helper()
	codes := func(one int, of ...string) string {
		all := make([]string, 97)
		for i := range all {
			all[i] = "''"
			if r.IntN(one) == 0 {
				all[i] = "'" + of[r.IntN(len(of))] + "'"
			}
		}
		return strings.Join(all, ",")
	}
	run := func(text string) {
		f.Helper()
		if _, err := db.Exec(text); err != nil {
			f.Fatalf("%s: %v", text, err)
		}
	}
	for name, list := range map[string]string{"fault_change": codes(12, "40001", "40P01", "55P03"), "fault_commit": codes(20, "40001", "40P01")} {
		run("create sequence " + name + "s")
		run(`create function ` + name + `() returns trigger language plpgsql as $$
			declare code text := (array[` + list + `])[1 + nextval('` + name + `s') % 97];
			begin
				if code <> '' then
					raise exception 'injected' using errcode = code;
				end if;
				if tg_op = 'DELETE' then return old; end if;
				return new;
			end $$`)
	}
	tables := []string{"contact", "tag", "person", "payment"}
	for _, table := range tables {
		run("create trigger fault_change before insert or update or delete on " + table + " for each row execute function fault_change()")
		run("create constraint trigger fault_commit after insert or update or delete on " + table +
			" deferrable initially deferred for each row execute function fault_commit()")
	}
	f.raised = func() (n int64) {
		if err := db.QueryRow("select (select last_value from fault_changes) / 12 + (select last_value from fault_commits) / 20").Scan(&n); err != nil {
			f.Fatal(err)
		}
		return n
	}
	return func() {
		for _, table := range tables {
			run("drop trigger fault_change on " + table)
			run("drop trigger fault_commit on " + table)
		}
	}
}

// pick draws a contact that has payment methods.
func (f *failing) pick(r *rand.Rand) (id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range 20 {
		if len(f.payees) == 0 {
			return ""
		}
		if c := f.payees[max(0, len(f.payees)-1-r.IntN(16))]; len(c.payments) > 0 {
			return c.id
		}
	}
	return ""
}

// entangle locks what requests lock, in the other order, and leaves it to them to find the deadlock.
func (f *failing) entangle(ctx context.Context, db *sql.DB, r *rand.Rand) {
	for ctx.Err() == nil {
		id := f.pick(r)
		if id == "" {
			time.Sleep(time.Millisecond)
			continue
		}
		f.within(ctx, db, "set local deadlock_timeout = '20s'",
			"select 1 from payment where encode(contact_id, 'hex') = '"+id+"' for update",
			"select pg_sleep(0.01)",
			"select 1 from contact where encode(id, 'hex') = '"+id+"' for update")
	}
}

// hold keeps a contact locked for longer than a write waits.
func (f *failing) hold(ctx context.Context, db *sql.DB, r *rand.Rand) {
	for ctx.Err() == nil {
		if id := f.pick(r); id != "" {
			f.within(ctx, db, "select 1 from contact where encode(id, 'hex') = '"+id+"' for update", "select pg_sleep(2.5)")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// within runs statements in one transaction, which may be a deadlock's victim.
func (f *failing) within(ctx context.Context, db *sql.DB, statements ...string) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return
	}
	defer tx.Rollback()
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return
		}
	}
}
