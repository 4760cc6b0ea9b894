package store

import (
	"context"
	"fmt"
	"testing"

	"contactbook/internal/proof"
	"contactbook/internal/wire"
)

// TestClockSteps (O8) changes records while the clock steps back and forth: the date of an update never falls.
func TestClockSteps(t *testing.T) {
	random, seed := proof.Rand(t)
	onEngines(t, func(t *testing.T, o Options) {
		db := open(t, o)
		book := db.Book(2)
		var all []*note
		last := map[wire.ID]wire.Millis{}
		for i := range 8 {
			n := newNote(fmt.Sprint("note ", i))
			if err := book.Write(t.Context(), n.add); err != nil {
				t.Fatal(err)
			}
			all, last[n.ID] = append(all, n), n.Updated
		}
		fell, changes := 0, proof.Pick(100, 5000, 50_000)
		for range changes {
			edit := *all[random.IntN(len(all))]
			edit.Updated = wire.Millis(random.IntN(1_000_000))
			want := max(last[edit.ID], edit.Updated)
			err := book.Write(t.Context(), func(ctx context.Context, tx *Tx) error { return tx.Set(ctx, &edit) })
			if err != nil {
				t.Fatal(err)
			}
			read := note{Meta: Meta{ID: edit.ID}}
			if err := Get(t.Context(), book, &read); err != nil {
				t.Fatal(err)
			}
			if edit.Updated != want || read.Updated != want {
				fell++
				t.Errorf("told %d, kept %d, want %d", edit.Updated, read.Updated, want)
			}
			if last[edit.ID] = want; fell > 5 {
				break
			}
		}
		proof.Record(t, proof.Figure{ID: "O8", What: fmt.Sprintf("%s, %d changes: dates of an update that fell", o.engine(), changes),
			Target: "0", Got: fmt.Sprint(fell), Met: fell == 0, Seed: seed})
	})
}

// engine is the name of the database's kind.
func (o Options) engine() string {
	if IsSQLite(o.URL) {
		return "sqlite"
	}
	return "postgres"
}
