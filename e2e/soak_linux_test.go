package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// TestSoak (O3) keeps a server at 60% of what it can do, and looks at what it holds: the end must be as the middle was.
func TestSoak(t *testing.T) {
	proof.Large(t)
	long := time.Duration(proof.Pick(0, 300, 3600)) * time.Second
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) { // one after the other: each needs the machine
			s := start(t, engine, "--admin-listen", "127.0.0.1:0")
			c := s.client(5, "LIVE")
			tag := s.tag(c, "Employee")
			body, err := json.Marshal(contactBody("Sample Name", tag))
			if err != nil {
				t.Fatal(err)
			}
			contact := s.contact(c, "first", tag)
			mix := [][]byte{
				s.raw(c, "POST", "/contacts/profile", string(body)),
				s.raw(c, "GET", "/contacts/profile?limit=50", ""),
				s.raw(c, "POST", "/contacts/profile", string(body)),
				s.raw(c, "GET", "/contacts/tag", ""),
				s.raw(c, "PATCH", "/contacts/profile", strings.Replace(string(body), "{", `{"contactId":"`+contact+`",`, 1)),
				s.raw(c, "GET", "/contacts/profile?contactId="+contact, ""),
			}
			g := rates{s.address(), func(n int) []byte { return mix[n%len(mix)] }, 64}
			g.run(t, 0, 2*time.Second)
			peak := g.run(t, 0, 5*time.Second)
			if peak.Other > 0 || peak.Good == 0 {
				t.Fatalf("%d requests failed: %v", peak.Other, peak.First)
			}

			ended := make(chan *sent, 1)
			go func() { ended <- g.run(t, 0.6*peak.rate(), long) }()
			var did *sent
			var all []holding
			for did == nil {
				select {
				case did = <-ended:
				case <-time.After(long / 150):
					all = append(all, hold(t, s))
				}
			}
			if did.Other > 0 {
				t.Errorf("%d requests failed: %v", did.Other, did.First)
			}
			third := len(all) / 3
			if third < 10 {
				t.Fatalf("only %d looks", len(all))
			}
			middle, end := all[third:2*third], all[2*third:]
			for _, of := range []struct {
				what  string
				get   func(holding) int64
				share float64 // that it may have grown
				plus  int64
			}{
				{"resident memory, kB", func(h holding) int64 { return h.memory }, 0.10, 8 << 10},
				{"goroutines", func(h holding) int64 { return h.goroutines }, 0.10, 10},
				{"open descriptors", func(h holding) int64 { return h.descriptors }, 0, 8},
				{"WAL of SQLite, kB", func(h holding) int64 { return h.wal }, 0.25, 2 << 10},
			} {
				was, is := typical(middle, of.get), typical(end, of.get)
				most := was + int64(of.share*float64(was)) + of.plus
				if is > most {
					t.Errorf("%s: %d in the middle, %d at the end", of.what, was, is)
				}
				proof.Record(t, proof.Figure{
					ID: "O3", Target: fmt.Sprintf("at most %d", most), Got: fmt.Sprint(is), Met: is <= most,
					What: fmt.Sprintf("%s, %v at 60%% of %.0f requests/s, %d served: %s, %d in the middle", engine, long, peak.rate(), did.Good, of.what, was),
				})
			}
		})
	}
}

// holding is what a server holds at a moment.
type holding struct{ memory, goroutines, descriptors, wal int64 }

func hold(t *testing.T, s *server) (h holding) {
	h.memory = residentMemory(t, s.cmd.Process.Pid) >> 10
	h.goroutines = int64(s.metric(t, "go_goroutines"))
	h.descriptors = int64(s.metric(t, "process_open_fds"))
	if info, err := os.Stat(strings.TrimPrefix(s.database, "sqlite:") + "-wal"); err == nil {
		h.wal = info.Size() >> 10
	}
	return h
}

// typical is the median.
func typical(some []holding, get func(holding) int64) int64 {
	var all []int64
	for _, h := range some {
		all = append(all, get(h))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
