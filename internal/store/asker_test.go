package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"contactbook/internal/wire"
)

// Queries that share a round trip must each get their own rows, and one that fails
// must fail alone.
func TestPostgresQueriesTogether(t *testing.T) {
	for _, mode := range []string{"cache_statement", "exec"} {
		t.Run(mode, func(t *testing.T) {
			o := fresh(t, "postgres")
			separator := "?"
			if strings.Contains(o.URL, "?") {
				separator = "&"
			}
			o.URL += separator + "default_query_exec_mode=" + mode
			db := open(t, o)
			if _, ok := db.reads.(together); !ok {
				t.Fatalf("queries go by a %T", db.reads)
			}
			const askers, each = 32, 40
			var wg sync.WaitGroup
			for a := range askers {
				wg.Go(func() {
					for i := range each {
						if err := askOne(t.Context(), db, int64(a*each+i), i%8 == 3); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// askOne asks for values of all kinds made of n, several rows of them, or for
// something that cannot be.
func askOne(ctx context.Context, db *DB, n int64, wrong bool) error {
	if wrong {
		r, err := db.reads.query(ctx, "select $1::bigint / ($1::bigint - $1::bigint)", n)
		if err == nil {
			err = errors.Join(r.Close(), r.Err())
		}
		if postgresCode(err) != "22012" {
			return fmt.Errorf("a division by zero: %v", err)
		}
		return nil
	}
	id := wire.ID{byte(n), byte(n >> 8), 0, 255}
	rows, err := db.reads.query(ctx, "select $1::bigint + g, g::int, $2::bytea, $3::text, $4::bigint, $1::bigint % 2 = 0, $2::bytea from generate_series(1, 5) g",
		n, id, fmt.Sprint("name ", n), wire.Millis(n))
	if err != nil {
		return err
	}
	defer rows.Close()
	count := 0
	for rows.Next() {
		var (
			sum   int64
			g     int
			got   wire.ID
			text  string
			when  wire.Millis
			even  bool
			bytes []byte
		)
		if err := rows.Scan(&sum, &g, &got, &text, &when, &even, &bytes); err != nil {
			return err
		}
		count++
		if sum != n+int64(g) || g != count || got != id || text != fmt.Sprint("name ", n) || int64(when) != n || even != (n%2 == 0) || string(bytes) != string(id[:]) {
			return fmt.Errorf("the answer for %d is %v %v %v %q %v %v %v", n, sum, g, got, text, when, even, bytes)
		}
	}
	if count != 5 {
		return fmt.Errorf("%d rows", count)
	}
	return rows.Err()
}

// A null, or columns that nobody asked for, must not pass for a value.
func TestHeldRowsScan(t *testing.T) {
	db := open(t, fresh(t, "postgres"))
	for query, want := range map[string]string{"select null::text": "null", "select 'a'::text, 'b'": "places"} {
		rows, err := db.reads.query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if !rows.Next() {
			t.Fatal("no row")
		}
		var text string
		if err := rows.Scan(&text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, read %q", query, err, text)
		}
	}
}

// One who gives up is let go at once, and the others get their answers.
func TestPostgresAskerGone(t *testing.T) {
	db := open(t, fresh(t, "postgres"))
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := db.reads.query(ctx, "select pg_sleep(2)")
		gone <- err
	}()
	time.Sleep(50 * time.Millisecond) // it may be asked by now or not: both must do
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("it was told %v", err)
	}
	if err := askOne(t.Context(), db, 7, false); err != nil {
		t.Error(err)
	}
}
