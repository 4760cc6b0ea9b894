package store

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"contactbook/internal/pgtest"
	"contactbook/internal/wire"
)

// payee is a contact's row, as the book writes it.
type payee struct {
	Meta
	name, email, mobile, code, company string
	tags                               []byte
}

func (*payee) Table() string { return "contact" }
func (p *payee) Key() []Col  { return []Col{{"id", &p.ID}} }
func (p *payee) Cols() []Col {
	return []Col{
		{"name", &p.name}, {"email", &p.email}, {"mobile", &p.mobile}, {"calling_code", &p.code},
		{"company_name", &p.company}, {"tag_ids", &p.tags},
	}
}

// BenchmarkAdd adds contacts durably, over 1,000 tenants: one caller after the
// other, and 64 at a time, who may share a commit.
func BenchmarkAdd(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		db, err := Open(b.Context(), Options{
			URL:    pgtest.URL(b, engine, filepath.Join(b.TempDir(), "book.db")),
			Pepper: PepperSource{Value: Secret(strings.Repeat("p", minPepper))},
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		tag := newNote("a")
		check := func(_ context.Context, from Reader) error {
			_, err := Missing(from, []wire.ID{tag.ID}, func([]wire.ID) ([]note, error) { return []note{*tag}, nil })
			return err
		}
		var added atomic.Int64
		add := func() error {
			p := &payee{
				NewMeta(ids.New(), 1000), "Sample Name", "sample@example.com", "7428585742", "91", "Business Name", tag.ID[:],
			}
			return db.Book(TenantOf(added.Add(1)%1000+1, false)).Add(b.Context(), p, check)
		}
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("engine=%s/writers=%d", engine, writers), func(b *testing.B) {
				b.ReportAllocs()
				var left atomic.Int64
				left.Store(int64(b.N))
				var wg sync.WaitGroup
				for range writers {
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							if err := add(); err != nil {
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
