package store

import (
	"context"
	"errors"
	"os"
	"time"
)

// writer is SQLite's group commit: one goroutine owns the one connection that
// writes, and puts everything that waits into one transaction, so that many
// requests share one fsync.
type writer struct {
	*group
	db      *DB
	conn    *lite
	wal     *checkpoints
	version int64 // data_version: another connection's commit changes it
}

func newWriter(db *DB, path string, file *os.File) (*writer, error) {
	conn, err := openLite(path, sqlitePragmas())
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, conn: conn}
	if w.wal, err = newCheckpoints(conn, path, file, db.log); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w.group = newGroup(1, w.commit)
	return w, nil
}

// commit does a batch in one transaction, or, when one of it spoils that, one by
// one, so that a neighbour never suffers.
func (w *writer) commit(live []*waiting) {
	defer w.wal.committed()
	if w.together(live) {
		return
	}
	for _, p := range live {
		if len(live) > 1 && w.together([]*waiting{p}) {
			continue
		}
		close(p.done)
	}
}

// together runs and commits jobs in one transaction and answers them. False
// means that all was rolled back and nobody was answered; of a lone job err is
// then set.
func (w *writer) together(batch []*waiting) bool {
	ctx := context.Background() // a batch is not one client's to cancel
	err := w.begin(ctx)
	if err == nil {
		tx := &Tx{db: w.db, conn: w.conn}
		for _, p := range batch {
			if p.err = tx.run(ctx, p.job); p.err != nil && !tx.clean() {
				err = p.err
				break
			}
		}
		if err == nil {
			start := time.Now()
			_, err = w.conn.exec(ctx, "commit")
			w.db.onCommit(len(batch), time.Since(start))
		}
	}
	if err != nil {
		w.rollback(ctx)
		for _, p := range batch {
			w.db.settle(p.job)
		}
		batch[0].err = w.db.class(err)
		return false
	}
	for _, p := range batch {
		w.db.settle(p.job)
		close(p.done)
	}
	return true
}

// begin takes the write lock and forgets what another process may have changed.
func (w *writer) begin(ctx context.Context) error {
	if _, err := w.conn.exec(ctx, "begin immediate"); err != nil {
		return err
	}
	var version int64
	if err := queryRow(ctx, w.conn, "pragma data_version", nil, &version); err != nil {
		return err
	}
	if version != w.version {
		w.version = version
		w.db.forget()
	}
	return nil
}

func (w *writer) rollback(ctx context.Context) {
	// A severe error has rolled back already; this then fails, and that is fine.
	w.conn.exec(ctx, "rollback")
}

// Close commits what is queued and stops.
func (w *writer) Close() error {
	w.group.stop()
	return errors.Join(w.wal.Close(), w.conn.Close())
}
