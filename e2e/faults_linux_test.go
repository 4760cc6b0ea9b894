package e2e

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"contactbook/internal/powertest"
	"contactbook/internal/proof"
)

// patient is authors at work through an outage, and what they were told.
type patient struct {
	*testing.T
	*past
	s      *server
	stop   func()
	acked  atomic.Int64
	mu     sync.Mutex
	slow   time.Duration // the slowest refusal
	denied int
}

// goOn sets authors to work until stop is called. A refusal must be SPD with Retry-After or, where it may be that the
// write was done, System Error.
func goOn(t *testing.T, s *server, all []*author, may ...string) *patient {
	p := &patient{T: t, past: all[0].past, s: s}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	for _, a := range all {
		wg.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				began := time.Now()
				if err := a.step(); err == nil {
					p.acked.Add(1)
					continue
				}
				p.mu.Lock()
				p.slow, p.denied = max(p.slow, time.Since(began)), p.denied+1
				p.mu.Unlock()
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	var once sync.Once
	p.stop = func() {
		once.Do(func() {
			close(ended)
			wg.Wait()
			for code := range p.failed {
				if !slices.Contains(may, code) {
					t.Errorf("%d writes were answered %s, not only %s", p.failed[code], code, may)
				}
			}
		})
	}
	t.Cleanup(p.stop)
	return p
}

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute still not: %s", what)
		}
	}
}

// isReady asks the server whether it is.
func isReady(t *testing.T, s *server) bool {
	t.Helper()
	res, err := http.Get(s.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// TestSyncFails (R5) has syncs and writes fail, once or for a while, under load. Nothing is acknowledged after
// that until the file was opened again; the server is not ready meanwhile, reads go on, and it recovers by itself.
// What was acknowledged before and after survives a power cut, although the kernel takes what it could not write for
// clean.
func TestSyncFails(t *testing.T) {
	proof.Large(t)
	t.Parallel()
	r, seed := proof.Rand(t)
	d := mountDisk(t)
	s := startOnDisk(t, d)
	c := s.client(77, "LIVE")
	p := newPast(d.Moment)
	all := authors(s, c, p, r, 4)
	var slowest, longest time.Duration
	faults := []struct {
		kind  powertest.Kind
		lasts bool
	}{{powertest.Sync, false}, {powertest.Write, false}, {powertest.Sync, true}, {powertest.Write, true}}
	rounds := proof.Pick(1, 5, 20)
	if proof.Sized() == proof.Quick {
		faults = faults[2:3]
	}
	var around []int // moments to cut the power at
	for range rounds {
		for _, f := range faults {
			off, back, moment := failOnce(t, d, s, c, all, r, f.kind, f.lasts)
			slowest, longest = max(slowest, off), max(longest, back)
			around = append(around, moment)
		}
	}
	if wrong, known := p.compare(recordsShown(s, c), d.Moment(), d.Moment()); len(wrong) > 0 || known == 0 {
		t.Fatalf("%d acknowledged; wrong:\n%s", known, strings.Join(wrong, "\n"))
	}
	s.kill()
	images, lost := 0, 0
	var moments []int
	for _, at := range around {
		for range proof.Pick(4, 20, 50) {
			moments = append(moments, min(at+r.IntN(60), d.Moment()))
		}
	}
	slices.Sort(moments)
	for i, replay := 0, d.Replay(); i < len(moments); i++ {
		replay.Advance(moments[i])
		dir := filepath.Join(t.TempDir(), "image")
		source := r
		if i%2 == 0 {
			source = nil
		}
		if _, err := replay.Cut(dir, source); err != nil {
			t.Fatal(err)
		}
		book, err := lookOver(filepath.Join(dir, bookOnDisk))
		if err != nil {
			t.Fatalf("moment %d: %v", moments[i], err)
		}
		wrong, _ := p.compare(book.records, moments[i], moments[i])
		if images, lost = images+1, lost+len(wrong); len(wrong) > 0 {
			t.Fatalf("moment %d:\n%s", moments[i], strings.Join(wrong[:min(len(wrong), 5)], "\n"))
		}
		os.RemoveAll(dir)
	}
	faultsSeen := rounds * len(faults)
	proof.Record(t, proof.Figure{
		ID: "R5", Seed: seed, Met: lost == 0, Target: "0 acknowledged before the file was opened again, 0 lost", Got: fmt.Sprintf("0, %d", lost),
		What: fmt.Sprintf("SQLite: %d failed syncs and writes of the disk under load, and %d power cuts near them; of %d acknowledged writes", faultsSeen, images, len(p.acks)),
	})
	figure := func(what string, got, bound time.Duration) {
		if proof.Sized() > proof.Quick && got > bound {
			t.Errorf("%s: %v, more than %v", what, got, bound)
		}
		proof.Record(t, proof.Figure{ID: "R5", What: "SQLite: " + what, Target: bound.String(), Got: got.Round(time.Millisecond).String(), Met: got <= bound, Seed: seed})
	}
	figure("from the failure of a write or a sync until /readyz says so", slowest, time.Second)
	figure("from the disk's recovery to the first acknowledgement", longest, 5*time.Second)
}

// Of a WAL, in bytes.
const (
	walHeader = 32
	walFrame  = 24 + 4096
)

// failOnce has one operation on the WAL fail, or all of them until the server has tried in vain to recover. It tells
// how long readiness took to go, how long the next acknowledgement took to come, and the moment.
func failOnce(t *testing.T, d *powertest.Disk, s *server, c creds, all []*author, r *rand.Rand, kind powertest.Kind, lasts bool) (off, back time.Duration, moment int) {
	t.Helper()
	p := goOn(t, s, all, "SPD", "ISE")
	defer p.stop()
	await(t, "writes are acknowledged", func() bool { return p.acked.Load() >= 5 })
	var failures, skip atomic.Int64
	skip.Store(r.Int64N(10))
	failed := make(chan int, 1)
	d.Fail(func(op powertest.Op) syscall.Errno {
		// A write that fails once must be the first of a frame: one between two pages of the kernel's is written in two
		// parts, and when only the second fails SQLite writes it again and nothing has happened.
		if op.Kind != kind || op.Name != "book.db-wal" || op.Kind == powertest.Write && (op.Off-walHeader)%walFrame != 0 ||
			skip.Add(-1) >= 0 || !lasts && failures.Load() > 0 {
			return 0
		}
		if failures.Add(1) == 1 {
			failed <- op.At
		}
		return syscall.EIO
	})
	select {
	case moment = <-failed:
	case <-time.After(time.Minute):
		t.Fatal("nothing failed in a minute")
	}
	began := time.Now()
	if lasts || proof.Sized() > proof.Quick { // one that fails once may be over before a slow machine looks
		await(t, "the server is not ready", func() bool { return !isReady(t, s) })
		off = time.Since(began)
	}
	if lasts {
		await(t, "the server has tried to recover", func() bool { return failures.Load() >= 2 })
		if isReady(t, s) {
			t.Error("the server is ready while its disk fails")
		}
		s.ok(c, "GET", "/contacts/tag", nil) // reads go on
	}
	d.Fail(nil)
	began = time.Now()
	acked := p.acked.Load()
	await(t, "the server is ready again", func() bool { return isReady(t, s) })
	await(t, "writes are acknowledged again", func() bool { return p.acked.Load() > acked })
	back = time.Since(began)
	await(t, "more writes are acknowledged", func() bool { return p.acked.Load() >= acked+int64(proof.Pick(5, 20, 20)) })
	p.stop()
	reopened := moment + slices.IndexFunc(d.Ops(moment, d.Moment()), func(op powertest.Op) bool { return op.Kind == powertest.Open && op.Name == "book.db-wal" })
	if reopened < moment {
		t.Fatal("the file was not opened again")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, versions := range p.records {
		for _, v := range versions {
			if v.sent > moment && v.acked > 0 && v.acked <= reopened {
				t.Errorf("%s was acknowledged after a failure and before the file was opened again", name)
			}
		}
	}
	return off, back, moment
}

// TestDiskFull (R6) fills the disk under load. Writes are refused as an outage, and nothing of them is done; reads go
// on; and writes do as soon as there is room.
func TestDiskFull(t *testing.T) {
	proof.Large(t)
	t.Parallel()
	r, seed := proof.Rand(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		cannot(t, fmt.Errorf("no small disk to fill (it needs root): %w", err))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := startOn(t, "sqlite", "sqlite:"+filepath.Join(dir, "book.db"), filepath.Join(dir, "pepper.key"))
	c := s.client(77, "LIVE")
	now := func() int { return 1 } // no moments are told apart
	p := newPast(now)
	all := authors(s, c, p, r, 4)
	var slowest, longest time.Duration
	for range proof.Pick(1, 5, 20) {
		w := goOn(t, s, all, "SPD")
		await(t, "writes are acknowledged", func() bool { return w.acked.Load() >= 10 })
		ballast := filepath.Join(dir, "ballast")
		fill(t, ballast)
		await(t, "writes are refused", func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.denied >= 20
		})
		recordsShown(s, c) // reads go on
		got := s.call(c, "POST", "/contacts/profile", contactBody(strings.Repeat("long ", 40), all[0].tag))
		if got.HTTP != http.StatusServiceUnavailable || got.Code != "SPD" || got.Header.Get("Retry-After") == "" {
			t.Errorf("a write on a full disk: %d %s", got.HTTP, got.Raw)
		}
		acked := w.acked.Load()
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		await(t, "writes are acknowledged again", func() bool { return w.acked.Load() >= acked+1 })
		longest = max(longest, time.Since(began))
		await(t, "more writes are acknowledged", func() bool { return w.acked.Load() >= acked+10 })
		w.stop()
		slowest = max(slowest, w.slow)
	}

	wrong, known := p.compare(recordsShown(s, c), 1, 1)
	if len(wrong) > 0 || known == 0 {
		t.Errorf("%d acknowledged; wrong:\n%s", known, strings.Join(wrong[:min(len(wrong), 5)], "\n"))
	}
	checkFile(t, s)
	for _, f := range []struct {
		what       string
		got, bound time.Duration
	}{
		{"a write on a full disk is answered 503, SPD with Retry-After, within", slowest, 100 * time.Millisecond},
		{"from room on the disk to the next acknowledgement", longest, 5 * time.Second},
	} {
		if proof.Sized() > proof.Quick && f.got > f.bound {
			t.Errorf("%s: %v, more than %v", f.what, f.got, f.bound)
		}
		proof.Record(t, proof.Figure{ID: "R6", What: "SQLite: " + f.what, Target: f.bound.String(), Got: f.got.Round(time.Millisecond).String(), Met: f.got <= f.bound, Seed: seed})
	}
	refused := maps.Clone(p.failed)["SPD"]
	proof.Record(t, proof.Figure{
		ID: "R6", Seed: seed, Met: len(wrong) == 0, Target: "0", Got: fmt.Sprint(len(wrong)),
		What: fmt.Sprintf("SQLite: of %d writes acknowledged around a full disk and %d refused by it, those lost or done all the same", len(p.acks), refused),
	})
}

// fill writes to a file until its disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 16; size >= 1; { // the last bytes too
		if _, err := f.Write(make([]byte, size)); err == nil {
			continue
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		size /= 16
	}
}
