package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

// book is what to fill: the same contacts as contactbook's, over the same
// tenants, of whom each is a user here.
type book struct{ tenants, holders, rows int }

// user is one tenant for the load generator.
type user struct {
	ID    string   `json:"id"`
	Token string   `json:"token"`
	Tags  []string `json:"tags"`
}

// tagsEach is how many tags a user has: common, other, rare; see bench/book.go.
const tagsEach = 3

func (b book) fill(app core.App, out io.Writer) error {
	// As contactbook's --log-level warn: no line for a request that went well.
	app.Settings().Logs.MinLevel = int(slog.LevelWarn)
	if err := app.Save(app.Settings()); err != nil {
		return err
	}
	if err := makeCollections(app); err != nil {
		return err
	}
	users, err := b.makeUsers(app)
	if err != nil {
		return err
	}
	if err := b.makeRows(app, users); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(users)
}

// makeCollections makes what a user of PocketBase would make of the book: rules
// that keep tenants apart, the tags a relation, and the one index that lists
// of a tenant need to stay quick.
func makeCollections(app core.App) error {
	users, err := app.FindCollectionByNameOrId("users")
	if err != nil {
		return err
	}
	own := types.Pointer("owner = @request.auth.id")
	mine := types.Pointer("@request.auth.id != '' && owner = @request.auth.id")
	protect := func(c *core.Collection) {
		c.Fields.Add(&core.RelationField{Name: "owner", Required: true, CollectionId: users.Id, MaxSelect: 1})
		c.ListRule, c.ViewRule, c.UpdateRule, c.DeleteRule, c.CreateRule = own, own, own, own, mine
	}
	dates := func(c *core.Collection) {
		c.Fields.Add(&core.AutodateField{Name: "created", OnCreate: true})
		c.Fields.Add(&core.AutodateField{Name: "updated", OnCreate: true, OnUpdate: true})
	}

	tags := core.NewBaseCollection("tags")
	protect(tags)
	tags.Fields.Add(&core.TextField{Name: "name", Required: true, Max: 100})
	tags.Fields.Add(&core.TextField{Name: "hexColorCode", Required: true, Pattern: "^#[0-9A-Fa-f]{6}$"})
	dates(tags)
	if err := app.Save(tags); err != nil {
		return err
	}

	contacts := core.NewBaseCollection("contacts")
	protect(contacts)
	contacts.Fields.Add(&core.TextField{Name: "name", Required: true, Max: 255})
	contacts.Fields.Add(&core.EmailField{Name: "email", Required: true})
	contacts.Fields.Add(&core.TextField{Name: "mobile", Required: true, Pattern: `^[0-9]{4,15}$`})
	contacts.Fields.Add(&core.TextField{Name: "callingCode", Required: true, Max: 4})
	contacts.Fields.Add(&core.TextField{Name: "companyName", Max: 255})
	contacts.Fields.Add(&core.RelationField{Name: "tags", Required: true, CollectionId: tags.Id, MaxSelect: 100})
	dates(contacts)
	contacts.AddIndex("idx_contacts_owner", false, "owner", "")
	return app.Save(contacts)
}

// makeUsers makes the tenants. One goes through PocketBase, for its password's
// hash, which costs 50 ms; the others are copies of its row.
func (b book) makeUsers(app core.App) ([]user, error) {
	collection, err := app.FindCollectionByNameOrId("users")
	if err != nil {
		return nil, err
	}
	first := core.NewRecord(collection)
	first.Set("id", id('u', 0))
	first.SetEmail(email(0))
	first.SetPassword("not-used-by-anybody")
	if err := app.Save(first); err != nil {
		return nil, err
	}
	db, err := openData(app)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	const copyUser = "insert into users (id, email, tokenKey, password, name, avatar, emailVisibility, verified, created, updated)" +
		" select $1, $2, $3, password, name, avatar, emailVisibility, verified, created, updated from users where id = $4"
	err = inTx(db, copyUser, func(stmt *sql.Stmt) error {
		for i := 1; i < b.tenants; i++ {
			if _, err := stmt.Exec(id('u', i), email(i), fmt.Sprintf("%050d", i), first.Id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	users := make([]user, b.tenants)
	for i := range users {
		record, err := app.FindRecordById(collection, id('u', i))
		if err != nil {
			return nil, err
		}
		if users[i].Token, err = record.NewAuthToken(); err != nil {
			return nil, err
		}
		users[i].ID = record.Id
		for n := range tagsEach {
			users[i].Tags = append(users[i].Tags, id('t', i*tagsEach+n))
		}
	}
	return users, nil
}

func email(i int) string { return fmt.Sprintf("user%06d@example.com", i) }

// makeRows writes tags and contacts straight into the file: through the API it
// would take ten minutes a million.
func (b book) makeRows(app core.App, users []user) error {
	db, err := openData(app)
	if err != nil {
		return err
	}
	defer db.Close()
	now := time.Now().UTC().Add(-time.Minute).Format(types.DefaultDateLayout)
	err = inTx(db, "insert into tags (id, owner, name, hexColorCode, created, updated) values ($1, $2, $3, '#FF1934', $4, $4)", func(stmt *sql.Stmt) error {
		for _, u := range users {
			for n, tag := range u.Tags {
				if _, err := stmt.Exec(tag, u.ID, fmt.Sprintf("Tag %d", n), now); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	const add = "insert into contacts (id, owner, name, email, mobile, callingCode, companyName, tags, created, updated)" +
		" values ($1, $2, $3, $4, $5, '91', $6, $7, $8, $8)"
	return inTx(db, add, func(stmt *sql.Stmt) error {
		for i := range b.rows {
			u, nth := users[b.owner(i)], i/b.holders
			tags, err := json.Marshal(tagsOf(u.Tags, nth))
			if err != nil {
				return err
			}
			if _, err := stmt.Exec(id('c', i), u.ID, fmt.Sprintf("Payee %010d", i), fmt.Sprintf("payee%010d@example.com", i),
				fmt.Sprintf("9%09d", i), fmt.Sprintf("Company %010d", i), string(tags), now); err != nil {
				return err
			}
		}
		return nil
	})
}

// owner is which user has the i-th contact: bench/book.go has the same rule.
func (b book) owner(i int) int { return (i*7919 + i/b.holders) % b.holders }

// tagsOf are the tags of a tenant's nth contact: bench/book.go has the same rule.
func tagsOf(tags []string, nth int) []string {
	some := []string{tags[nth%2]}
	if nth%20 == 0 {
		some = append(some, tags[2])
	}
	return some
}

// id is a record's id: 15 characters, as scattered as PocketBase's own.
// bench/pocketbase.go has the same rule.
func id(kind byte, i int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	x := uint64(i) * 0x9E3779B97F4A7C15 // odd, so that no two are alike
	b := []byte{kind}
	for len(b) < 15 {
		b = append(b, alphabet[x%36])
		x /= 36
	}
	return string(b)
}

// openData opens the data file beside PocketBase, in the way that fills fastest.
func openData(app core.App) (*sql.DB, error) {
	path := filepath.Join(app.DataDir(), "data.db")
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-512000)")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func inTx(db *sql.DB, query string, fn func(*sql.Stmt) error) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	stmt, err := tx.Prepare(query)
	if err != nil {
		return err
	}
	if err := fn(stmt); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = db.Exec("pragma wal_checkpoint(truncate)")
	return err
}
