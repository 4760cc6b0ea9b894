package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// durable are the pragmas that durability rests on, as they read back.
var durable = map[string]string{
	"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "fullfsync": "1", "checkpoint_fullfsync": "1",
	"wal_autocheckpoint": fmt.Sprint(checkpointSize),
}

// checkPragmas reads the settings back on a connection that is opened as the
// server opens its own, but for writing.
func checkPragmas(ctx context.Context, c *Checkup, path string) error {
	if len(c.Found) > 0 {
		return nil
	}
	db, err := sql.Open("sqlite", sqliteLook(path, false))
	if err != nil {
		return err
	}
	defer db.Close()
	var mode string
	if err := db.QueryRowContext(ctx, "pragma journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("read %s: %s", path, sqliteWords(err))
	}
	if mode != "wal" {
		c.wrong("start the server once, which turns it on again", "journal_mode of %s is %s, not wal: another program has changed it", path, mode)
		return nil
	}
	own, err := sql.Open("sqlite", sqliteDSN(path, "query_only(1)")+"&mode=ro")
	if err != nil {
		return err
	}
	defer own.Close()
	for name, want := range durable {
		var got string
		if err := own.QueryRowContext(ctx, "pragma "+name).Scan(&got); err != nil {
			return fmt.Errorf("read %s: %s", path, sqliteWords(err))
		}
		if got != want {
			c.wrong("report it: this build of contactbook does not keep its promises here", "SQLite's %s is %s, not %s", name, got, want)
		}
	}
	c.fine("SQLite's settings: WAL, synchronous FULL, foreign keys")
	return nil
}

// checkModes finds files that others than their owner may read.
func checkModes(c *Checkup, path string, pepper PepperSource) {
	if runtime.GOOS == "windows" {
		return // whose modes say nothing
	}
	files := []string{path, path + "-wal", path + "-shm"}
	if pepper.Value == "" {
		files = append(files, pepper.File)
	}
	before := len(c.Found)
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Mode().Perm()&0o077 != 0 {
			c.wrong("chmod 600 "+f, "%s may be read or written by others than its owner (mode %o)", f, info.Mode().Perm())
		}
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0 {
		c.wrong("chmod go-w "+dir, "%s may be written by others than its owner (mode %o): they can replace the book", dir, info.Mode().Perm())
	}
	if len(c.Found) == before {
		c.fine("file permissions")
	}
}
