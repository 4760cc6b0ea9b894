//go:build unix

package pgtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Role makes a role that may log in and nothing else, and returns its name and how it reaches the database of dsn. It
// is dropped at the end of the test, with all that it was granted there.
func Role(t testing.TB, dsn string) (name, as string) {
	t.Helper()
	name, password := "contactbook_test_"+strings.ToLower(rand.Text()), rand.Text()
	run := func(sql string) {
		t.Helper()
		c, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.Background())
		if _, err := c.Exec(context.Background(), sql); err != nil {
			t.Errorf("pgtest: %s: %v", strings.ReplaceAll(sql, password, "***"), err)
		}
	}
	run("create role " + name + " login password '" + password + "'")
	t.Cleanup(func() { run("drop owned by " + name + "; drop role " + name) })
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return name, dsn + " user=" + name + " password=" + password
	}
	u.User = url.UserPassword(name, password)
	return name, u.String()
}
