package store

import (
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestPostgresVerdict(t *testing.T) {
	pg := func(code string) error {
		return &pgconn.PgError{Code: code, Message: "m", Detail: "Key (name)=(secret)"}
	}
	for name, c := range map[string]struct {
		err              error
		before, atCommit verdict
	}{
		"serialization failure": {pg("40001"), redo, redo},
		"deadlock":              {pg("40P01"), redo, redo},
		"terminated":            {pg("57P01"), redo, unknown},
		"crashed":               {pg("57P02"), redo, unknown},
		"starting":              {pg("57P03"), redo, redo},
		"duplicate":             {pg("23505"), fails, fails},
		"statement timeout":     {pg("57014"), fails, fails},
		"lost":                  {io.ErrUnexpectedEOF, redo, unknown},
		"client gone":           {context.Canceled, fails, fails},
	} {
		if got := postgresVerdict(c.err, false); got != c.before {
			t.Errorf("%s: %d", name, got)
		}
		if got := postgresVerdict(c.err, true); got != c.atCommit {
			t.Errorf("%s at commit: %d", name, got)
		}
		if strings.Contains(errors.Join(plain(c.err)).Error(), "secret") {
			t.Errorf("%s shows row values", name)
		}
	}
}

// A connection that the server ends in the middle of a transaction costs the
// client nothing.
func TestPostgresRedoes(t *testing.T) {
	db := open(t, fresh(t, "postgres"))
	n, tries := newNote("a"), 0
	err := db.Book(2).Write(t.Context(), func(ctx context.Context, tx *Tx) error {
		if err := n.add(ctx, tx); err != nil {
			return err
		}
		if tries++; tries == 1 {
			_, err := tx.Exec(ctx, "select pg_terminate_backend(pg_backend_pid()) where $1 > 0")
			return err
		}
		return nil
	})
	if err != nil || tries != 2 {
		t.Errorf("%d tries, %v", tries, err)
	}
	if err := Has(t.Context(), db.Book(2), n); err != nil {
		t.Error(err)
	}
}

// Two transactions that lock each other's rows both succeed in the end.
func TestPostgresDeadlock(t *testing.T) {
	db := open(t, fresh(t, "postgres"))
	book := db.Book(2)
	a, b := newNote("a"), newNote("b")
	for _, n := range []*note{a, b} {
		if err := book.Write(t.Context(), n.add); err != nil {
			t.Fatal(err)
		}
	}
	var meet, both sync.WaitGroup
	meet.Add(2)
	for _, order := range [][]*note{{a, b}, {b, a}} {
		first := true
		both.Go(func() {
			err := book.Write(t.Context(), func(ctx context.Context, tx *Tx) error {
				for i, n := range order {
					edit := *n
					if err := tx.Set(ctx, &edit); err != nil {
						return err
					}
					if i == 0 && first {
						first = false
						meet.Done()
						meet.Wait()
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
}

// The statements that would run on Citus: every table of the schema but those of
// the whole installation is distributed, a parent before its children.
func TestDistribution(t *testing.T) {
	want := []string{
		"select create_distributed_table('client', 'client_id', colocate_with => 'none') where not exists (select 1 from pg_dist_partition where logicalrelid = 'client'::regclass)",
	}
	with := "none"
	for _, table := range []string{"tag", "contact", "person", "address", "business", "payment"} {
		want = append(want, "select create_distributed_table('"+table+"', 'tenant_id', colocate_with => '"+with+"') where not exists (select 1 from pg_dist_partition where logicalrelid = '"+table+"'::regclass)")
		with = "tag"
	}
	if diff := cmp.Diff(want, distribution()); diff != "" {
		t.Error(diff)
	}

	text, err := os.ReadFile("migrations/0001_book.sql")
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, found := range regexp.MustCompile(`(?m)^create table (\w+)`).FindAllStringSubmatch(string(text), -1) {
		if found[1] != "setting" && found[1] != "client" {
			made = append(made, found[1])
		}
	}
	if diff := cmp.Diff(made, tenantTables); diff != "" {
		t.Errorf("tables made and distributed differ: %s", diff)
	}
	// Citus can only enforce keys that have the column it shards by.
	for _, key := range regexp.MustCompile(`(?:primary key|foreign key|unique index \w+ on \w+|references \w+) \((.*?)\)`).FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(key[1], "tenant_id, ") {
			t.Errorf("the key (%s) does not start with tenant_id", key[1])
		}
	}
}
