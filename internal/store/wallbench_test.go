package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkWall adds and gets contacts of 1,000 tenants on one database, as the owner, whom the second wall does not
// stop, and as the serving role behind it: what row-level security costs is the ratio of the two.
func BenchmarkWall(b *testing.B) {
	serving, owner, _ := walledOptions(b)
	owner.Migrate = false
	check := func(context.Context, Reader) error { return nil }
	const tenants = 1000
	kept := make([]*payee, tenants)
	dbs := map[string]*DB{"off": open(b, owner), "on": open(b, serving)}
	for i := range kept {
		kept[i] = newPayee()
		if err := dbs["on"].Book(Tenant(2+i)).Add(b.Context(), kept[i], check); err != nil {
			b.Fatal(err)
		}
	}
	var turn atomic.Int64
	for _, op := range []struct {
		name string
		do   func(*DB) error
	}{
		{"add", func(db *DB) error { return db.Book(Tenant(2+turn.Add(1)%tenants)).Add(b.Context(), newPayee(), check) }},
		{"get", func(db *DB) error {
			i := turn.Add(1) % tenants
			return Get(b.Context(), db.Book(Tenant(2+i)), &payee{Meta: Meta{ID: kept[i].ID}})
		}},
	} {
		for _, callers := range []int{1, 64} {
			for _, wall := range []string{"off", "on"} {
				b.Run(fmt.Sprintf("op=%s/callers=%d/wall=%s", op.name, callers, wall), func(b *testing.B) {
					var left atomic.Int64
					left.Store(int64(b.N))
					var wg sync.WaitGroup
					for range callers {
						wg.Go(func() {
							for left.Add(-1) >= 0 {
								if err := op.do(dbs[wall]); err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					wg.Wait()
				})
			}
		}
	}
}
