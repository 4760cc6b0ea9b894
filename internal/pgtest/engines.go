//go:build unix

package pgtest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// CitusEnv names the environment variable that holds the DSN of a Citus cluster's coordinator, in whose database
// the extension is. Its role must be able to create schemas.
const CitusEnv = "CONTACTBOOK_TEST_CITUS"

// Engines are the databases that a test of behaviour runs on: sqlite and postgres always, and citus where CitusEnv
// names a cluster.
func Engines() []string {
	if os.Getenv(CitusEnv) != "" {
		return []string{"sqlite", "postgres", "citus"}
	}
	return []string{"sqlite", "postgres"}
}

// URL returns the address of an empty database of an engine. file is where a SQLite one goes.
func URL(t testing.TB, engine, file string) string {
	t.Helper()
	switch engine {
	case "sqlite":
		return "sqlite:" + file
	case "citus":
		return citusSchema(t)
	}
	return Shared(t).Database(t)
}

// citusSchema makes a schema of its own in the cluster's database: a database would have to be made on every node.
func citusSchema(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv(CitusEnv)
	schema := "t_" + strings.ToLower(rand.Text())
	run := func(sql string) {
		t.Helper()
		c, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.Background())
		if _, err := c.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	run("select citus_version()") // a server without the extension would pass for a cluster
	run("create schema " + schema)
	t.Cleanup(func() { run("drop schema " + schema + " cascade") })
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return dsn + separator + "search_path=" + schema
}
