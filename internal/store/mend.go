package store

import (
	"context"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// After a write or a sync has failed nobody knows what of it the disk holds: the
// kernel takes pages that it could not write for clean, so that a later sync
// succeeds without them. The WAL may then end in a transaction that was rolled
// back here and is found whole by whoever recovers the file. So nothing is
// written after it until the file was opened again and a transaction of our own
// was written over that end, and synced.

// errBroken refuses a write while that has not happened.
var errBroken = fmt.Errorf("%w: a write to its file has failed, and it is not open again yet", ErrUnavailable)

// mendEvery is how long a disk gets to recover before it is tried again.
const mendEvery = 500 * time.Millisecond

// isWriteFault tells whether an error of the writer's leaves doubt about what is
// on the disk. One of reading does not.
func isWriteFault(err error) bool {
	return sqliteCode(err, sqlite3.SQLITE_IOERR) && !sqliteCode(err, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)
}

// fail takes the writer out of service until the file is open again, and says so
// to those whose transaction failed. w.mu is held.
func (w *writer) fail(err error, batch []*waiting, committing bool) {
	for _, p := range batch {
		if p.err = errBroken; committing {
			p.err = fmt.Errorf("the outcome of a commit is unknown: %w", err)
		}
	}
	w.broken.Store(true)
	w.db.log.Error("a write to the database's file has failed: nothing is written until it is open again", "file", w.path, "error", w.db.class(err))
	w.mending.Go(w.mend)
}

// mend tries to open the file again until it can be written to.
func (w *writer) mend() {
	for {
		select {
		case <-time.After(mendEvery):
		case <-w.closing:
			return
		}
		if err := w.reopen(); err != nil {
			w.db.log.Error("the database's file cannot be written to", "file", w.path, "error", w.db.class(err))
			continue
		}
		w.db.log.Warn("the database's file is open again, and takes writes", "file", w.path)
		return
	}
}

// reopen replaces the connection and shows that a commit is durable again.
func (w *writer) reopen() (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		w.wal.follow(nil)
		w.conn.Close() // what it has to say of a failed file is known
		w.conn = nil
	}
	conn, err := openLite(w.path, sqlitePragmas())
	if err != nil {
		return err
	}
	w.wal.follow(conn)
	w.conn, w.version = conn, -1 // so that all that is remembered is read anew
	ctx := context.Background()
	if err := w.begin(ctx); err != nil {
		return err
	}
	const note = "/* setting reopened */ insert into setting (name, value) values ('reopened', $1) on conflict (name) do update set value = excluded.value"
	if _, err := conn.exec(ctx, note, w.db.now().UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	if _, err := conn.exec(ctx, "commit"); err != nil {
		return err
	}
	w.broken.Store(false)
	return nil
}
