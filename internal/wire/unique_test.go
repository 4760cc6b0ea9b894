package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// idsEnv makes the test binary a process that writes so many ids.
const idsEnv = "CONTACTBOOK_TEST_WRITE_IDS"

// TestUniqueAcrossProcesses (O9) has eight processes make ids at once. An id is a process part and a number that grows
// within it, so ids are unique where the parts differ and every process counts upwards.
func TestUniqueAcrossProcesses(t *testing.T) {
	if n, err := strconv.Atoi(os.Getenv(idsEnv)); err == nil {
		out := bufio.NewWriter(os.Stdout)
		ids := NewIDs(time.Now)
		for range n {
			id := ids.New()
			out.Write(id[:])
		}
		out.Flush()
		os.Exit(0) // before the test package adds its own words
	}
	t.Parallel()
	const processes = 8
	n := proof.Pick(20_000, 5_000_000, 5_000_000)
	type made struct {
		part  [5]byte
		count int
		err   string
	}
	all := make(chan made, processes)
	for range processes {
		cmd := exec.Command(os.Args[0], "-test.run=^TestUniqueAcrossProcesses$")
		cmd.Env = append(os.Environ(), idsEnv+"="+strconv.Itoa(n))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() {
			var m made
			var last, id ID
			in := bufio.NewReaderSize(out, 1<<16)
			for {
				if _, err := io.ReadFull(in, id[:]); err != nil {
					break
				}
				if m.count == 0 {
					m.part = [5]byte(id[4:9])
				}
				if [5]byte(id[4:9]) != m.part {
					m.err = "the process part changes"
				}
				if m.count > 0 && bytes.Compare(id[:], last[:]) <= 0 {
					m.err = "an id is not above the one before: " + id.String()
				}
				last = id
				m.count++
			}
			if err := cmd.Wait(); err != nil {
				m.err = err.Error()
			}
			all <- m
		}()
	}
	parts, total, wrong := map[[5]byte]bool{}, 0, 0
	for range processes {
		m := <-all
		if m.err != "" || m.count != n {
			wrong++
			t.Errorf("%d ids of %d: %s", m.count, n, m.err)
		}
		if parts[m.part] {
			wrong++
			t.Errorf("two processes share the part %x", m.part)
		}
		parts[m.part] = true
		total += m.count
	}
	proof.Record(t, proof.Figure{ID: "O9", What: fmt.Sprintf("%d processes, %d ids: process parts that two share, and ids not above the one before", processes, total),
		Target: "0", Got: fmt.Sprint(wrong), Met: wrong == 0})
}

// TestUniqueWhateverTheClock (O8) steps the clock back and forth under several makers at once.
func TestUniqueWhateverTheClock(t *testing.T) {
	t.Parallel()
	const makers = 4
	each := proof.Pick(5000, 500_000, 2_000_000)
	random, seed := proof.Rand(t)
	steps := make([]time.Duration, 1<<16) // drawn before: several makers ask at once
	for i := range steps {
		steps[i] = time.Duration(random.IntN(7200)-3600) * time.Second
	}
	var step atomic.Uint32
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ids := NewIDs(func() time.Time { return base.Add(steps[step.Add(1)%uint32(len(steps))]) })
	out := make(chan []ID, makers)
	for range makers {
		go func() {
			var made []ID
			for range each {
				made = append(made, ids.New())
			}
			out <- made
		}()
	}
	seen := map[ID]bool{}
	for range makers {
		var last ID
		for _, id := range <-out {
			if seen[id] || bytes.Compare(id[:], last[:]) <= 0 {
				t.Fatalf("%s after %s: a duplicate, or out of order", id, last)
			}
			seen[id], last = true, id
		}
	}
	proof.Record(t, proof.Figure{ID: "O8", What: fmt.Sprintf("%d ids of %d makers under a clock that steps by up to two hours: duplicates, and ids out of order", len(seen), makers),
		Target: "0", Got: "0", Met: true, Seed: seed})
}
