package e2e

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"contactbook/internal/powertest"
	"contactbook/internal/proof"
)

// mountDisk mounts a disk whose power can be cut. Where that cannot be done, make test goes on without it and says
// so, and larger runs fail.
func mountDisk(t *testing.T) *powertest.Disk {
	t.Helper()
	d, err := powertest.Mount(t.TempDir())
	if err != nil {
		cannot(t, fmt.Errorf("no disk to cut the power of (it needs root and /dev/fuse): %w", err))
	}
	t.Cleanup(func() {
		if err := d.Unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return d
}

// cannot ends a test that this machine cannot run.
func cannot(t *testing.T, why error) {
	t.Helper()
	if proof.Sized() == proof.Quick {
		t.Skip(why)
	}
	t.Fatal(why)
}

// startOnDisk runs a server whose data is on the disk, in folders that it must make. It ends before the disk does.
func startOnDisk(t *testing.T, d *powertest.Disk) *server {
	t.Helper()
	return startOn(t, "sqlite", "sqlite:"+filepath.Join(d.Path, bookOnDisk), filepath.Join(d.Path, pepperOnDisk))
}

const (
	bookOnDisk   = "some/new/book.db"
	pepperOnDisk = "keys/of/pepper.key"
)

// TestPowerLoss (R3) cuts the power while the real server starts for the first time, takes writes of many clients,
// stops, starts again, and is backed up. Of all that was not synced at a moment each cut loses another part, tears
// writes between sectors, or leaves the size of a file without its content. After each, all that had been
// acknowledged is there as it was written, what had not been is there or not, and SQLite finds nothing wrong.
func TestPowerLoss(t *testing.T) {
	proof.Large(t)
	t.Parallel()
	r, seed := proof.Rand(t)
	d := mountDisk(t)
	s := startOnDisk(t, d)
	w := &powerWork{T: t, disk: d, s: s, past: newPast(d.Moment)}
	w.welcomed = d.Moment() // the first client's credentials have been printed
	w.first = regexp.MustCompile(`X-Ipay-Client-Id: +(\S+)`).FindStringSubmatch(s.out.String())[1]
	w.creds = s.client(77, "LIVE")
	w.created = d.Moment()
	all := authors(s, w.creds, w.past, r, 4)
	w.alone(all[0], proof.Pick(5, 40, 100))
	w.together(all, proof.Pick(3, 20, 40), true)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.start()
	w.together(all, proof.Pick(3, 20, 40), false)
	small := d.Moment()
	if proof.Sized() > proof.Quick { // enough for checkpoints
		w.together(all, proof.Pick(0, 250, 1000), false)
	}
	s.kill()
	end := d.Moment()

	// Every moment of the small work, or some of it, and some of the large one.
	var moments []int
	for range proof.Pick(6, 0, 0) {
		moments = append(moments, r.IntN(end+1), w.acks[r.IntN(len(w.acks))])
	}
	if proof.Sized() > proof.Quick {
		for at := range small + 1 {
			moments = append(moments, at)
		}
		for range proof.Pick(0, 800, 8000) {
			moments = append(moments, small+r.IntN(end-small+1))
		}
	}
	served := map[int]bool{}
	for range proof.Pick(1, 40, 200) {
		served[r.IntN(len(moments))] = true
	}
	slices.Sort(moments)
	replay, known, unsynced := d.Replay(), 0, 0
	for i, at := range moments {
		replay.Advance(at)
		dir := filepath.Join(t.TempDir(), "image")
		n, err := replay.Cut(dir, r)
		if err != nil {
			t.Fatal(err)
		}
		unsynced += n
		known += w.check(dir, at, served[i])
		if i%4 == 0 || proof.Sized() > proof.Quick && d.Ops(max(at-1, 0), at)[0].Kind == powertest.Sync {
			bare := filepath.Join(t.TempDir(), "image") // nothing but what was synced
			if _, err := replay.Cut(bare, nil); err != nil {
				t.Fatal(err)
			}
			w.check(bare, at, false)
			os.RemoveAll(bare)
		}
		os.RemoveAll(dir)
		if t.Failed() {
			t.Fatalf("after a cut at moment %d of %d", at, end)
		}
	}
	if known == 0 || unsynced == 0 {
		t.Errorf("the cuts met %d acknowledged records and %d writes that were not synced", known, unsynced)
	}
	w.report(seed)
}

// powerWork is what was done on a disk and when.
type powerWork struct {
	*testing.T
	*past
	disk     *powertest.Disk
	s        *server
	creds    creds
	created  int    // when its making was acknowledged
	first    string // client id
	welcomed int
	pepper   []byte
	backup   string // on the disk
	began    int    // the backup
	done     int
	commits  int
	images   int
	lost     int
	corrupt  int
}

// alone writes one thing after another and watches the disk: between a request and its acknowledgement the WAL is
// written and then synced.
func (w *powerWork) alone(a *author, steps int) {
	for range steps {
		before := w.disk.Moment()
		if err := a.step(); err != nil {
			w.Fatal(err)
		}
		written, synced := false, false
		for _, op := range w.disk.Ops(before, w.disk.Moment()) {
			if op.Name != "book.db-wal" {
				continue
			}
			switch op.Kind {
			case powertest.Write:
				written, synced = true, false
			case powertest.Sync:
				synced = written
			}
		}
		if !synced {
			w.Errorf("a write was acknowledged before the WAL was synced (written: %t)", written)
		}
		w.commits++
	}
}

// together lets all authors write at once, and meanwhile perhaps a backup copy the book.
func (w *powerWork) together(all []*author, steps int, backup bool) {
	var wg sync.WaitGroup
	for _, a := range all {
		wg.Go(func() {
			for range steps {
				if err := a.step(); err != nil {
					w.Error(err)
					return
				}
			}
		})
	}
	if backup {
		w.backup, w.began = "copies/copy.db", w.disk.Moment()
		if err := os.Mkdir(filepath.Join(w.disk.Path, "copies"), 0o700); err != nil {
			w.Error(err)
		}
		if stdout, stderr, code := w.s.run("backup", "--to", filepath.Join(w.disk.Path, w.backup)); code != 0 {
			w.Errorf("backup: exit %d\n%s%s", code, stdout, stderr)
		}
		w.done = w.disk.Moment()
	}
	wg.Wait()
	if w.Failed() {
		w.FailNow()
	}
}

// check looks over what a cut at a moment left in a folder, and tells how many records had been acknowledged. With
// serve, the real server starts on it and shows what is there.
func (w *powerWork) check(dir string, at int, serve bool) (known int) {
	w.images++
	path, pepper := filepath.Join(dir, bookOnDisk), filepath.Join(dir, pepperOnDisk)
	corrupt := func(format string, args ...any) {
		w.Helper()
		w.corrupt++
		w.Errorf("moment %d: "+format, append([]any{at}, args...)...)
	}
	lost := func(what []string) {
		w.Helper()
		if len(what) > 0 {
			w.lost += len(what)
			w.Errorf("moment %d: %d records are wrong:\n%s", at, len(what), strings.Join(what[:min(len(what), 5)], "\n"))
		}
	}
	if serve {
		known = w.serve(dir, at, lost)
	} else if _, err := os.Stat(path); err == nil || at >= w.welcomed {
		book, err := lookOver(path)
		if err != nil {
			corrupt("%v", err)
			return 0
		}
		var wrong []string
		wrong, known = w.compare(book.records, at, at)
		lost(wrong)
		if key, err := os.ReadFile(pepper); (book.pepper || at >= w.welcomed) && (err != nil || string(key) != string(w.key())) {
			corrupt("the book has a pepper's fingerprint, and the pepper is lost: %v", err)
		}
		for id, since := range map[string]int{w.first: w.welcomed, w.creds.ID: w.created} {
			if at >= since && !slices.Contains(book.clients, id) {
				corrupt("a client's credentials are lost")
			}
		}
	}
	if w.backup == "" {
		return known
	}
	copied := filepath.Join(dir, w.backup)
	text, err := os.ReadFile(copied)
	if errors.Is(err, fs.ErrNotExist) && at < w.done {
		return known
	}
	if err != nil {
		corrupt("the backup is lost: %v", err)
		return known
	}
	sum, err := os.ReadFile(copied + ".sha256")
	if err != nil || !strings.HasPrefix(string(sum), fmt.Sprintf("%x  ", sha256.Sum256(text))) {
		corrupt("the backup is there and its checksum is not: %v", err)
	}
	if key, err := os.ReadFile(copied + ".pepper"); err != nil || string(key) != string(w.key()) {
		corrupt("the backup is there and its pepper is not: %v", err)
	}
	book, err := lookOver(copied)
	if err != nil {
		corrupt("the backup: %v", err)
		return known
	}
	wrong, _ := w.compare(book.records, w.began, w.done)
	lost(wrong)
	return known
}

// key is the pepper as it is now. Another process reads it: while this one has a file of its own disk open, starting a
// process can stop it for good.
func (w *powerWork) key() []byte {
	if len(w.pepper) > 0 {
		return w.pepper
	}
	key, err := exec.Command("cat", filepath.Join(w.disk.Path, pepperOnDisk)).Output()
	if err != nil || len(key) < 32 {
		w.Fatal(len(key), err)
	}
	w.pepper = key
	return key
}

// serve starts the real server on what a cut left, and compares what it shows.
func (w *powerWork) serve(dir string, at int, lost func([]string)) (known int) {
	s := startOn(w.T, "sqlite", "sqlite:"+filepath.Join(dir, bookOnDisk), filepath.Join(dir, pepperOnDisk))
	defer s.kill()
	awaitReady(w.T, s)
	c := w.creds
	if at < w.created { // whether it is there is not known
		c = s.client(77, "LIVE")
	}
	wrong, known := w.compare(recordsShown(s, c), at, at)
	lost(wrong)
	s.contact(c, "afterwards", s.tag(c, "afterwards"))
	if proof.Sized() == proof.Quick {
		return known
	}
	if stdout, stderr, code := s.run("doctor"); code != 0 {
		w.corrupt++
		w.Errorf("moment %d: doctor: exit %d\n%s%s", at, code, stdout, stderr)
	}
	return known
}

func (w *powerWork) report(seed uint64) {
	ops := w.disk.Ops(0, w.disk.Moment())
	writes, syncs := 0, 0
	for _, op := range ops {
		switch op.Kind {
		case powertest.Open:
		case powertest.Sync:
			syncs++
		default:
			writes++
		}
	}
	proof.Record(w.T, proof.Figure{
		ID: "R3", Met: w.lost == 0 && w.corrupt == 0, Seed: seed, Target: "0 lost, 0 corrupt", Got: fmt.Sprintf("%d lost, %d corrupt", w.lost, w.corrupt),
		What: fmt.Sprintf("SQLite: the power was cut %d times among %d writes and %d syncs of the disk; of %d acknowledged writes", w.images, writes, syncs, len(w.acks)),
	})
	proof.Record(w.T, proof.Figure{
		ID: "R3", Met: true, Seed: seed, Target: "every one", Got: fmt.Sprint(w.commits),
		What: fmt.Sprintf("SQLite: of %d writes by a lone client, those whose WAL was synced before they were acknowledged", w.commits),
	})
}

// lookedOver is what is in a book that SQLite finds nothing wrong with.
type lookedOver struct {
	records map[string]string
	clients []string
	pepper  bool
}

// lookOver opens a book past contactbook, as the first to open it after a cut. One without its tables is an empty one.
func lookOver(path string) (book lookedOver, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(0)") // the looking need not last
	if err != nil {
		return book, err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("pragma integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		return book, fmt.Errorf("integrity_check: %s %v", verdict, err)
	}
	var orphans, tables int
	if err := db.QueryRow("select count(*) from pragma_foreign_key_check").Scan(&orphans); err != nil || orphans > 0 {
		return book, fmt.Errorf("foreign_key_check: %d %v", orphans, err)
	}
	if err := db.QueryRow("select count(*) from sqlite_master where name in ('contact', 'person', 'tag', 'client', 'setting')").Scan(&tables); err != nil || tables == 0 {
		return book, err
	}
	if err := db.QueryRow("select count(*) from setting where name = 'pepper'").Scan(&book.pepper); err != nil {
		return book, err
	}
	if book.records, err = recordsIn(db); err != nil {
		return book, err
	}
	rows, err := db.Query("select client_id from client")
	if err != nil {
		return book, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return book, err
		}
		book.clients = append(book.clients, id)
	}
	return book, rows.Err()
}

// TestBackupFaults has a sync fail while a backup is made: after the book has its name, and in larger runs each one
// before. A backup that fails leaves nothing of its name; what is there is whole.
func TestBackupFaults(t *testing.T) {
	proof.Large(t)
	t.Parallel()
	d := mountDisk(t)
	s := &server{t: t, engine: "sqlite", database: "sqlite:" + filepath.Join(t.TempDir(), "book.db"), pepper: filepath.Join(t.TempDir(), "pepper.key")}
	s.client(5, "LIVE")
	to := filepath.Join(d.Path, "copy.db")
	backup := func(what string, must bool, fails func(powertest.Op) bool) (failed bool) {
		t.Helper()
		d.Fail(func(op powertest.Op) syscall.Errno {
			if fails(op) {
				failed = true
				return syscall.EIO
			}
			return 0
		})
		stdout, stderr, code := s.run("backup", "--to", to)
		d.Fail(nil)
		names, err := exec.Command("ls", d.Path).Output() // as of key
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, name := range strings.Fields(string(names)) {
			left = append(left, filepath.Join(d.Path, name))
		}
		// SQLite does without some syncs of its own, which the copy does not rest on.
		if code == 0 && failed && must || code != 0 && (!failed || len(left) > 0) {
			t.Errorf("%s (it did: %t): backup ends with %d and leaves %q\n%s%s", what, failed, code, left, stdout, stderr)
		}
		if code == 0 {
			if stdout, stderr, code := s.run("restore", to, "--force"); code != 0 {
				t.Errorf("%s: restore: exit %d\n%s%s", what, code, stdout, stderr)
			}
			for _, f := range left {
				os.Remove(f)
			}
		}
		return failed
	}
	placed := false
	if !backup("the sync after the book has its name fails", true, func(op powertest.Op) bool {
		placed = placed || op.Kind == powertest.Entry && op.Name == "copy.db"
		return placed && op.Kind == powertest.Sync
	}) {
		t.Error("no sync failed")
	}
	for n := 0; proof.Sized() > proof.Quick; n++ {
		seen := 0
		if !backup(fmt.Sprintf("sync %d fails", n), false, func(op powertest.Op) bool {
			if op.Kind == powertest.Sync {
				seen++
			}
			return op.Kind == powertest.Sync && seen == n+1
		}) {
			break // there are no more
		}
	}
}
