package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// streamed is the size of the book that is listed whole: collected in memory it takes 230 MB. Under the race detector
// all is slower and takes more, so that a sixth of the book shows as much.
func streamed() int {
	if len(buildFlags) > 0 {
		return 50_000
	}
	return 300_000
}

// flatWithin is how far the server's memory may rise above what it was, while it streams: bytes.
const flatWithin = 60 << 20

// TestStreamFlat lists a book of 300,000 contacts whole, to a quick reader and to one that hardly reads, while the
// server's memory stays flat.
func TestStreamFlat(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			needMemory(t)
			s, c := startFilled(t, engine, newDatabase(t, engine), streamed())
			s.ok(c, "GET", "/contacts/profile", m{"limit": 500}) // what the first of all requests needs is no stream's

			quick := watchMemory(t, s)
			list := openList(t, s, c)
			n, last := 0, strings.Repeat("f", 24)
			err := readItems(list, func(id string) {
				if n++; id >= last {
					t.Fatalf("contact %d: %s after %s", n, id, last)
				}
				last = id
			})
			if err != nil || n != streamed() {
				t.Errorf("%d contacts arrived, then: %v", n, err)
			}
			quick("a quick reader")

			slow := watchMemory(t, s)
			list = openList(t, s, c)
			buf := make([]byte, 8<<10)
			for began := time.Now(); time.Since(began) < 1500*time.Millisecond; time.Sleep(5 * time.Millisecond) {
				if _, err := io.ReadFull(list, buf); err != nil {
					t.Fatal(err)
				}
			}
			slow("a slow reader")
			list.Close()
			s.ok(c, "GET", "/contacts/profile", m{"limit": 1})
			if log := s.out.String(); strings.Contains(log, "level=ERROR") {
				t.Errorf("a reader that goes away is no failure, but the log says:\n%s", log)
			}
		})
	}
}

// startFilled is a server with a book of n contacts, put there past it: through its API it would take minutes.
func startFilled(t *testing.T, engine, database string, n int) (*server, creds) {
	t.Helper()
	s := startOn(t, engine, database, filepath.Join(t.TempDir(), "pepper.key"))
	c := s.client(33, "LIVE")
	s.contact(c, "first", s.tag(c, "Employee"), s.tag(c, "Supplier"))
	if err := s.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	began := time.Now()
	if engine == "sqlite" {
		fillSQLite(t, database, n-1)
	} else {
		fillPostgres(t, database, n-1)
	}
	t.Logf("%d contacts in %v", n, time.Since(began).Round(time.Millisecond))
	s.start()
	return s, c
}

// The rows are copies of a contact that the server made, with ids of their own below its id, so that they follow it
// in the list.

func fillSQLite(t *testing.T, database string, n int) {
	t.Helper()
	db := openDirect(t, "sqlite", database)
	// One statement: a call for each row is slow under the race detector.
	res, err := db.Exec(`
		with recursive n(i) as (select 1 union all select i + 1 from n where i < $1)
		insert into contact (tenant_id, id, name, email, mobile, calling_code, company_name, tag_ids, created, updated)
		select tenant_id, unhex(printf('%08x%016x', i, i * 2654435761)), name || ' ' || i, email, mobile, calling_code, company_name, tag_ids, created, updated
		from contact, n`, n)
	if err != nil {
		t.Fatal(err)
	}
	if added, err := res.RowsAffected(); err != nil || added != int64(n) {
		t.Fatalf("%d rows were added: %v", added, err)
	}
	db.Close()
}

func fillPostgres(t *testing.T, dsn string, n int) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var tenant, created, updated int64
	var name, email, mobile, code, company string
	var tags []byte
	err = conn.QueryRow(ctx, "select tenant_id, name, email, mobile, calling_code, company_name, tag_ids, created, updated from contact").
		Scan(&tenant, &name, &email, &mobile, &code, &company, &tags, &created, &updated)
	if err != nil {
		t.Fatal(err)
	}
	i := uint64(0)
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if i++; i > uint64(n) {
			return nil, nil
		}
		id, err := hex.DecodeString(fmt.Sprintf("%08x%016x", i, i*2654435761))
		return []any{tenant, id, fmt.Sprint(name, " ", i), email, mobile, code, company, tags, created, updated}, err
	})
	cols := []string{"tenant_id", "id", "name", "email", "mobile", "calling_code", "company_name", "tag_ids", "created", "updated"}
	if added, err := conn.CopyFrom(ctx, pgx.Identifier{"contact"}, cols, rows); err != nil || added != int64(n) {
		t.Fatalf("%d rows were added: %v", added, err)
	}
}

// openList asks for the whole list and returns its body as it comes.
func openList(t *testing.T, s *server, c creds) io.ReadCloser {
	t.Helper()
	res, err := http.DefaultClient.Do(s.request(c, "GET", "/contacts/profile", nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.ContentLength >= 0 {
		t.Errorf("the list comes as %s of %d bytes, not as a stream", res.Status, res.ContentLength)
	}
	return res.Body
}

// readItems reads a list to its end and gives each contact's id to each. It is an error when the list is not whole and
// well-formed: the frame and every item is decoded.
func readItems(list io.Reader, each func(id string)) error {
	in := bufio.NewReaderSize(list, 64<<10)
	const frame = `"data":[`
	var head []byte
	for !bytes.HasSuffix(head, []byte(frame)) {
		c, err := in.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		head = append(head, c)
	}
	d := json.NewDecoder(io.MultiReader(strings.NewReader("["), in))
	if _, err := d.Token(); err != nil {
		return noEOF(err)
	}
	var raw json.RawMessage
	for d.More() {
		if err := d.Decode(&raw); err != nil {
			return noEOF(err)
		}
		item := string(raw)
		if len(item) < 34 || !strings.HasPrefix(item, `{"_id":"`) || item[32] != '"' || !strings.HasSuffix(item, `}]}`) {
			return fmt.Errorf("an item is %s", item)
		}
		each(item[8:32])
	}
	if _, err := d.Token(); err != nil { // the closing bracket
		return noEOF(err)
	}
	tail, err := io.ReadAll(io.MultiReader(d.Buffered(), in))
	if err != nil {
		return err
	}
	var envelope map[string]any
	if err := json.Unmarshal(append(append(head, ']'), tail...), &envelope); err != nil || len(envelope) != 9 {
		return fmt.Errorf("the frame of the list is %s ... %s: %v", head, tail, err)
	}
	return nil
}

// noEOF makes an end in the middle an error that cannot be taken for the end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// watchMemory samples the server's memory until the returned function is called, which tells how far it rose.
func watchMemory(t *testing.T, s *server) (done func(what string)) {
	t.Helper()
	pid := s.cmd.Process.Pid
	before := residentMemory(t, pid)
	peak, stop := before, make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				peak = max(peak, residentMemory(t, pid))
			}
		}
	})
	began := time.Now()
	return func(what string) {
		t.Helper()
		close(stop)
		wg.Wait()
		t.Logf("%s: %v; the server has %d MB, at most %d MB more than before", what, time.Since(began).Round(time.Millisecond), before>>20, (peak-before)>>20)
		if peak-before > flatWithin {
			t.Errorf("%s made the server's memory rise by %d MB, over %d MB", what, (peak-before)>>20, flatWithin>>20)
		}
	}
}

// TestStreamBreaks ends PostgreSQL in the middle of a list. What the client has then must not pass for a list.
func TestStreamBreaks(t *testing.T) {
	t.Parallel()
	pg := ownPostgres(t)
	n := min(streamed(), 100_000) // more than all buffers on the way hold
	s, c := startFilled(t, "postgres", pg.Database(t), n)
	stranger := s.client(34, "LIVE")
	list := openList(t, s, c)
	head := make([]byte, 1<<20)
	if _, err := io.ReadFull(list, head); err != nil {
		t.Fatal(err)
	}
	if err := pg.Down(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	arrived := 0
	err := readItems(io.MultiReader(bytes.NewReader(head), list), func(string) { arrived++ })
	t.Logf("the list broke off after %d of %d contacts", arrived, n)
	if !errors.Is(err, io.ErrUnexpectedEOF) || arrived == 0 || arrived >= n {
		t.Errorf("a list that broke off after %d of %d contacts ends with: %v", arrived, n, err)
	}
	// Before the first byte there is still an answer to give, to a client who is remembered and to one who is not.
	for _, c := range []creds{c, stranger} {
		r := s.call(c, "GET", "/contacts/profile", nil)
		if r.Code != "SPD" || r.HTTP != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || string(r.Data) != "null" {
			t.Errorf("a list without the database: %d %s", r.HTTP, r.Raw)
		}
	}
	if err := pg.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	arrived = 0
	if err := readItems(openList(t, s, c), func(string) { arrived++ }); err != nil || arrived != n {
		t.Errorf("after the database's return %d contacts arrived, then: %v", arrived, err)
	}
}
