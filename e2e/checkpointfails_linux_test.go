package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"contactbook/internal/powertest"
	"contactbook/internal/proof"
)

// TestCheckpointFails (R5) has syncs of the book's own file fail, while the WAL is copied to it. The server ends and
// says why, and all that it acknowledged is there: after its next start, and after a power cut at any moment since.
func TestCheckpointFails(t *testing.T) {
	proof.Large(t)
	t.Parallel()
	r, seed := proof.Rand(t)
	d := mountDisk(t)
	s := startOnDisk(t, d)
	c := s.client(77, "LIVE")
	p := newPast(d.Moment)
	all := authors(s, c, p, r, 4)
	rounds, images := proof.Pick(1, 3, 20), 0
	for range rounds {
		var failures atomic.Int64
		skip := atomic.Int64{}
		skip.Store(r.Int64N(4))
		d.Fail(func(op powertest.Op) syscall.Errno {
			if op.Kind != powertest.Sync || op.Name != "book.db" || skip.Add(-1) >= 0 || failures.Add(1) > 1 {
				return 0 // the next sync would be told that all is well
			}
			return syscall.EIO
		})
		var wg sync.WaitGroup
		deadline := time.Now().Add(2 * time.Minute)
		for _, a := range all {
			wg.Go(func() {
				for failures.Load() == 0 && time.Now().Before(deadline) {
					a.step()
				}
			})
		}
		wg.Wait()
		select {
		case err := <-s.exited:
			s.exited <- err
			if err == nil || !strings.Contains(s.out.String(), "could not be written or synced") {
				t.Fatalf("the server ended with %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%d syncs failed, and the server goes on", failures.Load())
		}
		s.start()
		if wrong, known := p.compare(recordsShown(s, c), d.Moment(), d.Moment()); len(wrong) > 0 || known == 0 {
			t.Fatalf("%d acknowledged; after the next start:\n%s", known, strings.Join(wrong[:min(len(wrong), 5)], "\n"))
		}
		// Enough for the WAL to be copied again, and to begin anew.
		for range 1600 {
			if err := all[0].step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.kill()
	end := d.Moment()
	for replay, at := d.Replay(), 0; at < end; images++ {
		at = min(end, at+end/proof.Pick(10, 60, 200))
		replay.Advance(at)
		dir := filepath.Join(t.TempDir(), "image")
		if _, err := replay.Cut(dir, r); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, bookOnDisk)); err != nil {
			continue // before the first start had made it
		}
		book, err := lookOver(filepath.Join(dir, bookOnDisk))
		if err != nil {
			t.Fatalf("moment %d: %v", at, err)
		}
		if wrong, _ := p.compare(book.records, at, at); len(wrong) > 0 {
			t.Fatalf("moment %d:\n%s", at, strings.Join(wrong[:min(len(wrong), 5)], "\n"))
		}
		os.RemoveAll(dir)
	}
	proof.Record(t, proof.Figure{
		ID: "R5", Seed: seed, Met: true, Target: "0 lost", Got: "0",
		What: fmt.Sprintf("SQLite: %d failed syncs of the book's file, each the end of the server, and %d power cuts; of %d acknowledged writes", rounds, images, len(p.acks)),
	})
}
