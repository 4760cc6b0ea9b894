package wire

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"contactbook/internal/proof"
)

// idsEnv makes the test binary a process that writes so many ids.
const idsEnv = "CONTACTBOOK_TEST_WRITE_IDS"

// TestUniqueAcrossProcesses has eight processes make ids at once. An id is a process part and a number that grows
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
	parts, total := map[[5]byte]bool{}, 0
	for range processes {
		m := <-all
		if m.err != "" || m.count != n {
			t.Errorf("%d ids of %d: %s", m.count, n, m.err)
		}
		if parts[m.part] {
			t.Errorf("two processes share the part %x", m.part)
		}
		parts[m.part] = true
		total += m.count
	}
	t.Logf("O9: %d processes, %d ids: 0 duplicates", processes, total)
}

// TestUniqueWhateverTheClock steps the clock back and forth under several makers at once.
func TestUniqueWhateverTheClock(t *testing.T) {
	t.Parallel()
	const makers, each = 4, 5000
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ids := NewIDs(func() time.Time { return base.Add(time.Duration(rand.IntN(7200)-3600) * time.Second) })
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
	t.Logf("O8: %d ids under a clock that steps by up to two hours: 0 duplicates, none out of order", len(seen))
}
