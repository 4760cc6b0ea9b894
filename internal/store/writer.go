package store

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// writer is SQLite's group commit: one goroutine owns the one connection that
// writes, and puts everything that waits into one transaction, so that many
// requests share one fsync.
type writer struct {
	*group
	db      *DB
	path    string
	mu      sync.Mutex // for conn: the committer and who mends it take turns
	conn    *lite      // nil while it cannot be opened again
	wal     *checkpoints
	version int64 // data_version: another connection's commit changes it
	broken  atomic.Bool
	mending sync.WaitGroup
}

func newWriter(db *DB, path string, file *os.File) (*writer, error) {
	conn, err := openLite(path, sqlitePragmas())
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, path: path, conn: conn}
	if w.wal, err = newCheckpoints(conn, path, file, db.log); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w.group = newGroup(1, w.commit)
	return w, nil
}

// commit does a batch in one transaction, or, when one of it spoils that, one by
// one, so that a neighbour never suffers. A broken disk does nothing for any.
func (w *writer) commit(live []*waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.broken.Load() {
		defer w.checkpoint()
		if w.together(live) {
			return
		}
		if len(live) > 1 && !w.broken.Load() {
			w.oneByOne(live)
			return
		}
	}
	for _, p := range live {
		if p.err == nil {
			p.err = errBroken
		}
		close(p.done)
	}
}

// checkpoint is between transactions, while the connection is good.
func (w *writer) checkpoint() {
	if !w.broken.Load() {
		w.wal.committed()
	}
}

func (w *writer) oneByOne(live []*waiting) {
	for _, p := range live {
		if w.broken.Load() {
			p.err = errBroken
		} else if w.together([]*waiting{p}) {
			continue
		}
		close(p.done)
	}
}

// together runs and commits jobs in one transaction and answers them. False
// means that all was rolled back and nobody was answered; of a lone job err is
// then set, and of all of them after a fault of the disk.
func (w *writer) together(batch []*waiting) bool {
	ctx := context.Background() // a batch is not one client's to cancel
	committing := false
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
			committing = true
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
		if isWriteFault(err) {
			w.fail(err, batch, committing)
		}
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
		return w.followed(ctx)
	}
	return nil
}

// followed has each new beginning of the WAL cut its file short where Litestream has copied the book, which its table
// shows. Litestream, when it was away, knows that it has missed something by what it had read last being gone. A WAL
// that is written over in place keeps that for a while, and Litestream 0.5.18 then goes on with what is new and sends
// away a book that lacks what was written between. Where nobody copies, writing over is kept, for it syncs faster.
func (w *writer) followed(ctx context.Context) error {
	var there bool
	const ask = "select exists (select 1 from sqlite_schema where type = 'table' and name = '_litestream_seq')"
	if err := queryRow(ctx, w.conn, ask, nil, &there); err != nil || !there {
		return err
	}
	var limit int64
	return queryRow(ctx, w.conn, walCut, nil, &limit)
}

// walCut makes a WAL that begins anew as short as what is written to it.
const walCut = "pragma journal_size_limit = 0"

func (w *writer) rollback(ctx context.Context) {
	// A severe error has rolled back already; this then fails, and that is fine.
	w.conn.exec(ctx, "rollback")
}

// Close commits what is queued and stops.
func (w *writer) Close() error {
	w.group.stop()
	w.mending.Wait()
	err := w.wal.Close()
	if w.conn == nil {
		return err
	}
	return errors.Join(err, w.conn.Close())
}
