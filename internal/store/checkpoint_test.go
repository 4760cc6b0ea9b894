package store

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"

	"contactbook/internal/wire"
)

// The WAL must begin anew again and again while contacts are added without a
// pause, and what it had must be in the database's file.
func TestCheckpoints(t *testing.T) {
	db := open(t, fresh(t, "sqlite"))
	const writers, each, pages = 16, 100, 17
	company := strings.Repeat("x", pages*4096)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				p := &payee{Meta: NewMeta(ids.New(), 1000), company: company}
				err := db.Book(TenantOf(int64(w+1), false)).Add(t.Context(), p, func(context.Context, Reader) error { return nil })
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	all := int64(writers * each * pages)
	size := func(suffix string) int64 {
		info, err := os.Stat(db.migrationDSN + suffix)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size() / 4096
	}
	// A WAL never shrinks while it is used, so that its size is the largest that it had.
	if wal := size("-wal"); wal > all/2 {
		t.Errorf("the WAL grew to %d pages, of %d written", wal, all)
	}
	if file := size(""); file < all/2 {
		t.Errorf("the file has %d pages, of %d written", file, all)
	}
	for w := range writers {
		var first wire.ID
		var n int
		err := queryRow(t.Context(), db.reads, "select min(id), count(*) from contact where tenant_id = $1", []any{int64(TenantOf(int64(w+1), false))}, &first, &n)
		if err != nil || n != each {
			t.Errorf("%d contacts of %d, %v", n, each, err)
		}
	}
}
