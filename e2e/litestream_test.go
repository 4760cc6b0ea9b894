package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"contactbook/internal/proof"
)

const (
	// streamedWithin bounds how old an acknowledgement may be that Litestream had not sent away when all was killed. It
	// looks once a second and sends once a second, on a machine that the load keeps busy.
	streamedWithin = 5 * time.Second
	// streamedWAL bounds the WAL, which only Litestream lets begin anew: some seconds of a load that fills the disk's time.
	streamedWAL = 256 << 20
)

// TestLitestream (O7) kills a server under load together with the Litestream beside it, restores from the replica, and
// finds there all that was acknowledged some seconds before, as it was acknowledged, in a book that doctor finds well.
// Then both go on where they were, and are killed again.
func TestLitestream(t *testing.T) {
	proof.Large(t)
	s := start(t, "sqlite")
	r := newReplica(t, s)
	l := newLoad(t, s)
	l.when = map[string]time.Time{}
	rounds := proof.Pick(1, 3, 20)
	var oldest time.Duration
	var wal walSeen
	for n := range rounds {
		r.start()
		stop := l.start(0)
		end := wal.watch(r.book + "-wal")
		time.Sleep(15 * time.Second)
		killed := time.Now()
		s.kill()
		r.kill()
		stop()
		end()
		back := r.restore()
		age := compareStreamed(l, back, killed)
		oldest = max(oldest, age)
		t.Logf("kill %d: %d acknowledged so far, the oldest that is lost %v before it", n+1, len(l.when), age.Round(time.Millisecond))
		s.start()
		awaitReady(t, s)
		l.verify()
	}
	l.finish()
	what := fmt.Sprintf("Litestream, %d kills under load: ", rounds)
	proof.Record(t, proof.Figure{ID: "O7", What: what + fmt.Sprintf("age of the oldest acknowledgement that its replica had not, of %d", len(l.when)),
		Target: streamedWithin.String(), Got: oldest.Round(time.Millisecond).String(), Met: oldest <= streamedWithin, Seed: l.from})
	proof.Record(t, proof.Figure{ID: "O7", What: what + fmt.Sprintf("the largest WAL, in MB, which began anew %d times", wal.begun),
		Target: fmt.Sprint(streamedWAL >> 20), Got: fmt.Sprint(wal.largest >> 20), Met: wal.largest <= streamedWAL, Seed: l.from})
	if wal.largest > streamedWAL {
		t.Errorf("the WAL grew to %d MB", wal.largest>>20)
	}
	if wal.begun < 2*rounds {
		t.Errorf("the WAL began anew %d times: that is no test of it", wal.begun)
	}
}

// TestLitestreamAway (O7) lets the WAL begin anew while Litestream is away, once, with less in it than Litestream has read
// of the old one: what was written between stands in neither, so its replica is only good if it notices.
func TestLitestreamAway(t *testing.T) {
	proof.Large(t)
	s := start(t, "sqlite")
	r := newReplica(t, s)
	c := s.client(5, "LIVE")
	tag := s.tag(c, "Employee")
	r.start()
	want := map[string]string{}
	add := func() {
		name := fmt.Sprintf("contact %d", len(want))
		body := contactBody(name, tag)
		body["companyName"] = strings.Repeat("Company ", 30)
		want[s.ok(c, "POST", "/contacts/profile", body).id()] = name
	}
	for range 200 { // some hundred pages, below the number from which on Litestream has the WAL begin anew
		add()
	}
	r.await(len(want))
	for deadline := time.Now().Add(time.Minute); !r.hasSnapshot(); time.Sleep(50 * time.Millisecond) { // else the next start takes one
		if time.Now().After(deadline) {
			t.Fatal("Litestream takes no snapshot")
		}
	}
	r.kill()
	for salt := walSalt(r.book + "-wal"); walSalt(r.book+"-wal") == salt; {
		if len(want) > 100_000 {
			t.Fatal("the WAL does not begin anew")
		}
		add()
	}
	r.start()
	r.await(len(want))
	add()
	r.await(len(want))
	r.kill()
	got, lost := names(t, r.restore(), c), 0
	for id, name := range want {
		if got[id] != name {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d contacts of %d are lost", lost, len(want))
	}
	proof.Record(t, proof.Figure{ID: "O7", What: fmt.Sprintf("Litestream, away while the WAL begins anew: contacts lost of %d", len(want)),
		Target: "0", Got: fmt.Sprint(lost), Met: lost == 0})
}

// compareStreamed compares a restored book with what was sent and acknowledged, and tells how long before the kill the
// oldest contact was acknowledged that is lost.
func compareStreamed(l *load, back *server, killed time.Time) (age time.Duration) {
	copied := &load{T: l.T, s: back, creds: l.creds, http: l.http, hosts: map[string]bool{}}
	copied.contacts = ledger[contactShown]{l.contacts.sent, map[string]contactShown{}}
	copied.persons = ledger[personShown]{l.persons.sent, map[string]personShown{}}
	due := killed.Add(-streamedWithin)
	for id, c := range l.contacts.acked {
		if l.when[id].Before(due) {
			copied.contacts.acked[id] = c
		}
	}
	for id, p := range l.persons.acked {
		if l.when[id].Before(due) {
			copied.persons.acked[id] = p
		}
	}
	var listed []contactShown
	if err := copied.do("GET", "/contacts/profile", m{}, &listed); err != nil {
		l.Fatal(err)
	}
	there := map[string]bool{}
	for _, c := range listed {
		if there[c.ID] = true; l.hosts[c.ID] {
			copied.hosts[c.ID] = true
		}
	}
	copied.verify()
	copied.finish()
	for id := range l.contacts.acked {
		if !there[id] {
			age = max(age, killed.Sub(l.when[id]))
		}
	}
	return age
}

// replica is a Litestream beside a server, that copies its book into a folder.
type replica struct {
	*testing.T
	s                     *server
	program, config, book string
	cmd                   *exec.Cmd
	said                  output
}

// newReplica builds Litestream, of the version that tools/litestream names, and configures it as docs/operate.md does.
func newReplica(t *testing.T, s *server) *replica {
	t.Helper()
	dir := t.TempDir()
	r := &replica{T: t, s: s, program: filepath.Join(dir, "litestream"), config: filepath.Join(dir, "litestream.yml"), book: strings.TrimPrefix(s.database, "sqlite:")}
	build := exec.Command("go", "build", "-C", "../tools/litestream", "-o", r.program, "github.com/benbjohnson/litestream/cmd/litestream")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build litestream: %v\n%s", err, out)
	}
	config := fmt.Sprintf("dbs:\n  - path: %s\n    replica:\n      type: file\n      path: %s\n", r.book, filepath.Join(dir, "replica"))
	write(t, r.config, []byte(config))
	t.Cleanup(func() {
		r.kill()
		if t.Failed() {
			t.Logf("litestream said at last:\n%s", r.said.tail())
		}
	})
	return r
}

func (r *replica) start() {
	r.Helper()
	r.cmd = exec.Command(r.program, "replicate", "-config", r.config)
	r.cmd.Stdout, r.cmd.Stderr = &r.said, &r.said
	if err := r.cmd.Start(); err != nil {
		r.Fatal(err)
	}
}

func (r *replica) kill() {
	if r.cmd != nil && r.cmd.ProcessState == nil {
		r.cmd.Process.Kill()
		r.cmd.Wait()
	}
}

// fetch restores the book into a new folder.
func (r *replica) fetch() (path string, err error) {
	path = filepath.Join(r.TempDir(), "book.db")
	if out, err := exec.Command(r.program, "restore", "-config", r.config, "-o", path, r.book).CombinedOutput(); err != nil {
		return "", fmt.Errorf("litestream restore: %w\n%s", err, out)
	}
	return path, os.Chmod(path, 0o600)
}

// restore serves what the replica has, once doctor has found nothing wrong with it.
func (r *replica) restore() *server {
	r.Helper()
	path, err := r.fetch()
	if err != nil {
		r.Fatal(err)
	}
	back := &server{t: r.T, engine: "sqlite", database: "sqlite:" + path, pepper: filepath.Join(filepath.Dir(path), "pepper.key")}
	write(r.T, back.pepper, read(r.T, r.s.pepper))
	if stdout, stderr, code := back.run("doctor"); code != 0 {
		r.Fatalf("doctor: exit %d\n%s%s", code, stdout, stderr)
	}
	back = startOn(r.T, "sqlite", back.database, back.pepper)
	awaitReady(r.T, back)
	return back
}

// hasSnapshot tells whether there is one, which are the files of level 9.
func (r *replica) hasSnapshot() bool {
	found, err := filepath.Glob(filepath.Join(filepath.Dir(r.config), "replica", "ltx", "9", "*.ltx"))
	return err == nil && len(found) > 0
}

// await waits until the replica has so many contacts.
func (r *replica) await(contacts int) {
	r.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		path, err := r.fetch()
		n := 0
		if err == nil {
			db := openDirect(r.T, "sqlite", "sqlite:"+path)
			err = db.QueryRow("select count(*) from contact").Scan(&n)
			db.Close()
		}
		if err == nil && n == contacts {
			return
		}
		if time.Now().After(deadline) {
			r.Fatalf("the replica has %d contacts of %d, %v", n, contacts, err)
		}
	}
}

// walSeen is what a WAL did.
type walSeen struct {
	largest int64
	begun   int // times that it began anew
}

// watch looks at the WAL until the returned function is called.
func (w *walSeen) watch(path string) (end func()) {
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for salt := walSalt(path); ; {
			if now := walSalt(path); now != salt {
				salt = now
				w.begun++
			}
			if info, err := os.Stat(path); err == nil {
				w.largest = max(w.largest, info.Size())
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() { close(stop); done.Wait() }
}

// walSalt is the part of a WAL's header that is another each time that it begins anew.
func walSalt(path string) (salt [8]byte) {
	if f, err := os.Open(path); err == nil {
		f.ReadAt(salt[:], 16)
		f.Close()
	}
	return salt
}
