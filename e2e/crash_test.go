package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"contactbook/internal/pgtest"
	"contactbook/internal/proof"
)

func kills() int {
	n := proof.Pick(10, 200, 1000)
	if len(buildFlags) > 0 {
		return (n + 1) / 2
	}
	return n
}

// readyWithin bounds how long a server needs after a kill.
const readyWithin = time.Second

// killsOfABook is how often the server of one book is killed: all of a book is compared after each kill, so a book that
// grew on and on would leave no time for kills.
const killsOfABook = 20

// TestKill9 (R1, R2) kills the server again and again while 16 clients write, and finds every write that was
// acknowledged, as it was acknowledged, and nothing that was not sent whole.
func TestKill9(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			var all tally
			random, seed := proof.Rand(t)
			for n := 0; n < kills() && !t.Failed(); n += killsOfABook {
				all.add(killBook(t, engine, random, min(killsOfABook, kills()-n)))
			}
			id, what := map[string]string{"sqlite": "R1", "postgres": "R2"}[engine], fmt.Sprintf("%s, %d kills", engine, all.kills)
			proof.Record(t, proof.Figure{ID: id, What: fmt.Sprintf("%s: lost of %d acknowledged writes", what, all.acked),
				Target: "0", Got: fmt.Sprint(all.lost), Met: all.lost == 0, Seed: seed})
			proof.Record(t, proof.Figure{ID: id, What: what + ": records that are not as they were sent",
				Target: "0", Got: fmt.Sprint(all.strange), Met: all.strange == 0, Seed: seed})
			proof.Record(t, proof.Figure{ID: id, What: what + ": the slowest start after one, until it is ready",
				Target: readyWithin.String(), Got: all.slowest.Round(time.Millisecond).String(), Met: all.slowest <= readyWithin, Seed: seed})
			if exact() && all.slowest > readyWithin {
				t.Errorf("ready after %v", all.slowest)
			}
		})
	}
}

// tally is what kills did.
type tally struct {
	kills, acked, lost, strange int
	slowest                     time.Duration
}

func (y *tally) add(o tally) {
	y.kills, y.acked, y.lost, y.strange, y.slowest = y.kills+o.kills, y.acked+o.acked, y.lost+o.lost, y.strange+o.strange, max(y.slowest, o.slowest)
}

// killBook kills the server of a new book so often.
func killBook(t *testing.T, engine string, random *rand.Rand, times int) (y tally) {
	s := start(t, engine)
	defer s.kill()
	l := newLoadOf(t, s, random)
	for y.kills < times && !t.Failed() {
		stop := l.start(l.rand.Int64N(600) + 20)
		select {
		case <-l.enough:
		case <-time.After(time.Minute):
			t.Fatalf("only %d acknowledgements", l.acks.Load())
		}
		s.kill()
		stop()
		y.kills++
		checkFile(t, s)
		began := time.Now()
		s.start()
		awaitReady(t, s)
		took := time.Since(began)
		y.slowest = max(y.slowest, took)
		t.Logf("kill %d: ready after %v; %d contacts and %d persons acknowledged so far", y.kills, took.Round(time.Millisecond), len(l.contacts.acked), len(l.persons.acked))
		l.verify()
	}
	y.acked, y.lost, y.strange = len(l.contacts.acked)+len(l.persons.acked), l.lost, l.strange
	l.finish()
	return y
}

// TestKillAtStart (R1) kills the first start on an empty file at some moment, while it makes the pepper and the schema: the
// next start takes up what is there.
func TestKillAtStart(t *testing.T) {
	t.Parallel()
	r, seed := proof.Rand(t)
	var slowest time.Duration
	for range kills() {
		dir := t.TempDir()
		database, pepper := "sqlite:"+filepath.Join(dir, "book.db"), filepath.Join(dir, "pepper.key")
		first := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--database", database, "--pepper-file", pepper)
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.IntN(60_000)) * time.Microsecond)
		first.Process.Kill()
		first.Wait()
		began := time.Now()
		s := startOn(t, "sqlite", database, pepper)
		awaitReady(t, s)
		slowest = max(slowest, time.Since(began))
		c := s.client(1, "LIVE")
		s.contact(c, "first", s.tag(c, "Employee"))
		s.kill()
		checkFile(t, s)
		if t.Failed() {
			break
		}
	}
	proof.Record(t, proof.Figure{ID: "R1", What: fmt.Sprintf("the first start of an empty file killed %d times: the slowest start after one, until it is ready", kills()),
		Target: readyWithin.String(), Got: slowest.Round(time.Millisecond).String(), Met: slowest <= readyWithin, Seed: seed})
	if exact() && slowest > readyWithin {
		t.Errorf("ready after %v", slowest)
	}
}

// awaitReady waits until the server says that it is.
func awaitReady(t *testing.T, s *server) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		if res, err := http.Get(s.url + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the server is not ready")
		}
	}
}

// checkFile has SQLite look over the file that a killed server left, in a copy: the next server must find it raw.
func checkFile(t *testing.T, s *server) {
	t.Helper()
	if s.engine != "sqlite" {
		return
	}
	path := strings.TrimPrefix(s.database, "sqlite:")
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil && (suffix == "" || !os.IsNotExist(err)) {
			t.Fatal(err)
		}
		if err == nil {
			if err := os.WriteFile(to+suffix, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	db := openDirect(t, "sqlite", "sqlite:"+to)
	var verdict string
	if err := db.QueryRow("pragma integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity_check: %s %v", verdict, err)
	}
	rows, err := db.Query("pragma foreign_key_check")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		t.Error("foreign_key_check found a row without its parent")
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	db.Close()
}

// workers is how many clients write at once.
const workers = 16

// load writes contacts and persons, and remembers what was sent and what was acknowledged, outside the server.
type load struct {
	*testing.T
	s       *server
	creds   creds
	tags    []tagShown
	http    *http.Client
	rand    *rand.Rand
	serial  atomic.Int64
	outages atomic.Int64 // refusals because of the database
	patient bool         // go on after failures: the server stays, and only its database goes
	seed    uint64
	from    uint64 // the seed of all its seeds

	acks   atomic.Int64
	target int64
	enough chan struct{} // closed at the target's acknowledgement

	mu       sync.Mutex
	contacts ledger[contactShown]
	persons  ledger[personShown]
	hosts    map[string]bool      // contacts that persons were sent to
	when     map[string]time.Time // of each acknowledgement, by id; nil where nobody asks

	lost, strange int // acknowledged and not there, and there but not as it was sent: by the last look
}

// ledger is what was sent, by name, and what was acknowledged, by id.
type ledger[R any] struct {
	sent, acked map[string]R
}

type tagShown struct {
	ID    string `json:"_id"`
	Name  string `json:"name"`
	Color string `json:"hexColorCode"`
}

type contactShown struct {
	ID      string     `json:"_id"`
	UserID  int64      `json:"userId"`
	Name    string     `json:"name"`
	Email   string     `json:"email"`
	Mobile  string     `json:"mobile"`
	Code    string     `json:"callingCode"`
	Company string     `json:"companyName"`
	TagIDs  []string   `json:"tagId"`
	Tags    []tagShown `json:"tags,omitempty"`
}

type personShown struct {
	ID          string `json:"_id"`
	Contact     string `json:"gcId"`
	Name        string `json:"contactPersonName"`
	Email       string `json:"email"`
	Mobile      string `json:"mobile"`
	Description string `json:"description"`
	Code        string `json:"callingCode"`
	Updated     string `json:"updated_at"`
	Created     string `json:"created_at"`
}

func newLoad(t *testing.T, s *server) *load {
	random, seed := proof.Rand(t)
	l := newLoadOf(t, s, random)
	l.from = seed
	return l
}

func newLoadOf(t *testing.T, s *server, random *rand.Rand) *load {
	l := &load{T: t, s: s, creds: s.client(77, "LIVE"), rand: random, hosts: map[string]bool{}}
	l.seed = l.rand.Uint64()
	l.contacts = ledger[contactShown]{map[string]contactShown{}, map[string]contactShown{}}
	l.persons = ledger[personShown]{map[string]personShown{}, map[string]personShown{}}
	l.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}, Timeout: 30 * time.Second}
	t.Cleanup(l.http.CloseIdleConnections)
	for i := range 8 {
		s.tag(l.creds, fmt.Sprintf("tag %d", i))
	}
	if err := json.Unmarshal(s.ok(l.creds, "GET", "/contacts/tag", nil).Data, &l.tags); err != nil || len(l.tags) != 8 {
		t.Fatalf("tags: %v %v", l.tags, err)
	}
	return l
}

// start sets the clients to work until the returned function is called, or, unless they are patient, until their
// connections fail. The target's acknowledgement kills the server there and then, because that is when a write
// which was acknowledged too early is most likely to be lost; 0 is no target.
func (l *load) start(target int64) (stop func()) {
	l.acks.Store(0)
	l.target, l.enough = target, make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range workers {
		source := rand.New(rand.NewPCG(l.seed, l.rand.Uint64()))
		wg.Go(func() { l.work(ctx, source) })
	}
	return func() { cancel(); wg.Wait() }
}

func (l *load) work(ctx context.Context, r *rand.Rand) {
	host := "" // the contact that this round's persons of this client belong to
	for ctx.Err() == nil {
		var err error
		if host != "" && r.IntN(3) == 0 {
			err = l.addPerson(r, host)
		} else if id, failed := l.addContact(r); failed != nil {
			err = failed
		} else if host == "" {
			host = id
		}
		if err != nil && !l.patient {
			return
		}
		if err != nil {
			time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		}
	}
}

func (l *load) addContact(r *rand.Rand) (id string, err error) {
	n := l.serial.Add(1)
	i := r.IntN(len(l.tags))
	tags := []tagShown{l.tags[i], l.tags[(i+1+r.IntN(len(l.tags)-1))%len(l.tags)]}
	c := contactShown{
		UserID: l.creds.UserID, Name: fmt.Sprintf("contact %d", n), Email: fmt.Sprintf("c%d@example.com", n), Mobile: fmt.Sprint(7000000000 + n),
		Code: "91", Company: strings.Repeat("Company ", 1+r.IntN(20)) + fmt.Sprint(n), TagIDs: []string{tags[0].ID, tags[1].ID},
	}
	l.mu.Lock()
	l.contacts.sent[c.Name] = c
	l.mu.Unlock()
	var got contactShown
	err = l.do("POST", "/contacts/profile", m{
		"name": c.Name, "email": c.Email, "mobile": c.Mobile, "companyName": c.Company,
		"tagDetails": []m{{"tagId": c.TagIDs[0]}, {"tagId": c.TagIDs[1]}},
	}, &got)
	if err != nil {
		return "", err
	}
	c.ID = got.ID
	if diff := cmp.Diff(c, got); diff != "" || c.ID == "" {
		l.Errorf("the acknowledgement is not what was sent:\n%s", diff)
	}
	got.Tags = tags
	l.mu.Lock()
	if _, ok := l.contacts.acked[got.ID]; ok {
		l.Errorf("the id %s was given twice", got.ID)
	}
	l.contacts.acked[got.ID] = got
	l.note(got.ID)
	l.mu.Unlock()
	if n%8 == 0 {
		l.readable(got)
	}
	return got.ID, nil
}

// readable checks that a contact can be read as soon as it is acknowledged.
func (l *load) readable(c contactShown) {
	var list []contactShown
	if err := l.do("GET", "/contacts/profile", m{"contactId": c.ID}, &list); err != nil {
		return // the server or its database went meanwhile, or do has reported it
	}
	if diff := cmp.Diff([]contactShown{c}, list); diff != "" {
		l.Errorf("right after its acknowledgement %s is read as\n%s", c.ID, diff)
	}
}

func (l *load) addPerson(r *rand.Rand, host string) error {
	n := l.serial.Add(1)
	p := personShown{
		Contact: host, Name: fmt.Sprintf("person %d", n), Email: fmt.Sprintf("p%d@example.com", n), Mobile: fmt.Sprint(7000000000 + n),
		Description: strings.Repeat("line\n", r.IntN(20)) + fmt.Sprint(n), Code: "+91",
	}
	l.mu.Lock()
	l.persons.sent[p.Name] = p
	l.hosts[host] = true
	l.mu.Unlock()
	var got personShown
	err := l.do("POST", "/contacts/person", m{
		"gcId": host, "contactPersonName": p.Name, "email": p.Email, "mobile": p.Mobile, "description": p.Description,
	}, &got)
	if err != nil {
		return err
	}
	p.ID, p.Updated, p.Created = got.ID, got.Created, got.Created
	if diff := cmp.Diff(p, got); diff != "" || p.ID == "" || p.Created == "" {
		l.Errorf("the acknowledgement is not what was sent:\n%s", diff)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.persons.acked[got.ID] = got
	l.note(got.ID)
	return nil
}

// note is for the holder of mu.
func (l *load) note(id string) {
	if l.when != nil {
		l.when[id] = time.Now()
	}
}

// do sends one request. A write's nil error is its acknowledgement; the reply's data is then in got.
func (l *load) do(method, path string, body m, got any) error {
	res, err := l.http.Do(l.s.request(l.creds, method, path, body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	var r reply
	if err := json.Unmarshal(raw, &r); err != nil {
		l.Errorf("%s %s: half a reply arrived whole: %s", method, path, raw)
		return err
	}
	if r.Code == "TXN" {
		if method == "POST" && l.acks.Add(1) == l.target {
			l.s.cmd.Process.Kill()
			close(l.enough)
		}
		return json.Unmarshal(r.Data, got)
	}
	// Down, or the outcome of a commit is unknown: the only failures that a good request may meet, and
	// only while the database is away.
	down := r.Code == "SPD" && res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != ""
	unknown := r.Code == "ISE" && res.StatusCode == http.StatusInternalServerError
	if !l.patient || !down && !(unknown && method == "POST") {
		l.Errorf("%s %s: %d %s", method, path, res.StatusCode, raw)
	}
	l.outages.Add(1)
	return fmt.Errorf("%s %s", r.Code, r.Status)
}

// verify compares what the server lists with what was sent and acknowledged.
func (l *load) verify() {
	l.Helper()
	l.lost, l.strange = 0, 0
	var listed []contactShown
	if err := l.do("GET", "/contacts/profile", m{}, &listed); err != nil {
		l.Fatal(err)
	}
	if !slices.IsSortedFunc(listed, func(a, b contactShown) int { return strings.Compare(b.ID, a.ID) }) {
		l.Error("the contacts are not listed newest first")
	}
	compareLedger(l, "contact", listed, l.contacts, func(c *contactShown) (string, string) { return c.ID, c.Name },
		func(c *contactShown) { c.ID, c.Tags = "", nil })

	var persons []personShown
	for host := range l.hosts {
		var some []personShown
		if err := l.do("GET", "/contacts/person", m{"gcId": host}, &some); err != nil {
			l.Fatal(err)
		}
		persons = append(persons, some...)
	}
	compareLedger(l, "person", persons, l.persons, func(p *personShown) (string, string) { return p.ID, p.Name },
		func(p *personShown) { p.ID, p.Created, p.Updated = "", "", "" })
}

// compareLedger finds what of the acknowledged is lost or changed, and what of the listed was never sent so. bare takes
// from a record what the server gave it.
func compareLedger[R any](l *load, kind string, listed []R, of ledger[R], names func(*R) (id, name string), bare func(*R)) {
	l.Helper()
	shown := 0
	wrong := func(format string, args ...any) {
		l.Helper()
		l.strange++
		if shown++; shown <= 5 {
			l.Errorf(format, args...)
		}
	}
	byID, byName := map[string]R{}, map[string]bool{}
	for _, r := range listed {
		id, name := names(&r)
		byID[id] = r
		if byName[name] {
			wrong("%s %q is there twice", kind, name)
		}
		byName[name] = true
		if bare(&r); !reflect.DeepEqual(of.sent[name], r) {
			wrong("%s %s is not what was sent:\n%s", kind, id, cmp.Diff(of.sent[name], r))
		}
	}
	lost := 0
	for id, r := range of.acked {
		is, ok := byID[id]
		if !ok {
			lost++
			_, name := names(&r)
			wrong("%s %s (%s) was acknowledged and is lost", kind, id, name)
		} else if !reflect.DeepEqual(r, is) {
			wrong("%s %s is not what was acknowledged:\n%s", kind, id, cmp.Diff(r, is))
		}
	}
	if l.lost, l.strange = l.lost+lost, l.strange-lost; lost > 0 {
		l.Errorf("%d of %d acknowledged %ss are lost", lost, len(of.acked), kind)
	}
}

// finish ends the server and compares its database with what it listed, past it: no row hides from the lists, none
// is without its parent.
func (l *load) finish() {
	l.Helper()
	var listed []contactShown
	if err := l.do("GET", "/contacts/profile", m{}, &listed); err != nil {
		l.Fatal(err)
	}
	if err := l.s.stop(); err != nil {
		l.Errorf("the server did not stop well: %v", err)
	}
	db := openDirect(l.T, l.s.engine, l.s.database)
	count := func(query string) (n int) {
		l.Helper()
		if err := db.QueryRow(query).Scan(&n); err != nil {
			l.Fatal(query, err)
		}
		return n
	}
	if n := count("select count(*) from contact"); n != len(listed) {
		l.Errorf("%d contacts are listed, of %d", len(listed), n)
	}
	if n := count("select count(distinct tenant_id) from contact"); n != 1 {
		l.Errorf("the contacts are in %d books", n)
	}
	for table, cols := range columnsOf(l.T, l.s.engine, db) {
		if slices.Contains(cols, "tenant_id") && slices.Contains(cols, "contact_id") {
			query := "select count(*) from " + table + " c where not exists (select 1 from contact p where p.tenant_id = c.tenant_id and p.id = c.contact_id)"
			if n := count(query); n != 0 {
				l.Errorf("%d of %s are without their contact", n, table)
			}
		}
	}
	if len(l.contacts.acked) == 0 || len(l.persons.acked) == 0 {
		l.Errorf("nothing was written: %d contacts, %d persons", len(l.contacts.acked), len(l.persons.acked))
	}
	l.Logf("%d contacts sent, %d acknowledged, %d there; %d persons sent, %d acknowledged",
		len(l.contacts.sent), len(l.contacts.acked), len(listed), len(l.persons.sent), len(l.persons.acked))
}

// ownPostgres is a PostgreSQL server that a test may stop without disturbing others.
func ownPostgres(t *testing.T) *pgtest.Server {
	t.Helper()
	if os.Getenv(pgtest.Env) != "" {
		t.Skip(pgtest.Env + " is set: that server is not ours to stop, so its loss is not tested")
	}
	pg, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Stop)
	return pg
}

// startOn runs serve on a database that is there already.
func startOn(t *testing.T, engine, database, pepper string, flags ...string) *server {
	t.Helper()
	s := &server{t: t, engine: engine, database: database, pepper: pepper, flags: flags}
	s.start()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server said:\n%s", &s.out)
		}
	})
	return s
}

// TestDatabaseCrash (R2) crashes PostgreSQL under load, twice, and restarts it in an orderly way in between, which ends
// connections with a message of its own. It leaves the server alone, which must lose nothing and be back by itself.
func TestDatabaseCrash(t *testing.T) {
	t.Parallel()
	pg := ownPostgres(t)
	s := startOn(t, "postgres", pg.Database(t), filepath.Join(t.TempDir(), "pepper.key"))
	l := newLoad(t, s)
	l.patient = true
	stop := l.start(0)
	crashes := proof.Pick(3, 20, 100)
	var slowest time.Duration
	for n := range crashes {
		awaitAcks(t, l, l.acks.Load()+1)
		time.Sleep(time.Duration(100+l.rand.IntN(400)) * time.Millisecond)
		if err := pg.Down(t.Context(), n != 1); err != nil {
			t.Fatal(err)
		}
		away := time.Duration(l.rand.IntN(300)) * time.Millisecond
		time.Sleep(away)
		if n == 2 {
			stillLives(t, s)
		}
		if err := pg.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		back, before := time.Now(), l.acks.Load()
		awaitAcks(t, l, before+1)
		slowest = max(slowest, time.Since(back))
		t.Logf("crash %d: away %v and its recovery; the first acknowledgement %v after its return; %d refusals so far",
			n+1, away, time.Since(back).Round(time.Millisecond), l.outages.Load())
	}
	time.Sleep(100 * time.Millisecond)
	stop()
	awaitReady(t, s)
	l.verify()
	select {
	case err := <-s.exited:
		s.exited <- err
		t.Fatalf("the server ended: %v", err)
	default:
	}
	l.finish()
	proof.Record(t, proof.Figure{ID: "R2", What: fmt.Sprintf("%d crashes and restarts of the database: lost of %d acknowledged writes", crashes, len(l.contacts.acked)+len(l.persons.acked)),
		Target: "0", Got: fmt.Sprint(l.lost), Met: l.lost == 0, Seed: l.from})
	proof.Record(t, proof.Figure{ID: "R2", What: "from the database's return to the first acknowledgement, the slowest",
		Target: backWithin.String(), Got: slowest.Round(time.Millisecond).String(), Met: slowest <= backWithin, Seed: l.from})
	if exact() && slowest > backWithin {
		t.Errorf("%v until the first acknowledgement", slowest)
	}
}

// backWithin bounds how long the server may take to find a database that came back.
const backWithin = 2 * time.Second

// stillLives checks that a server without its database lives, and says that it is not ready.
func stillLives(t *testing.T, s *server) {
	t.Helper()
	for path, want := range map[string]int{"/livez": http.StatusOK, "/readyz": http.StatusServiceUnavailable} {
		res, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s without the database: %d, want %d", path, res.StatusCode, want)
		}
	}
}
