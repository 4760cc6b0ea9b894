package store

import (
	"context"
	"sync"
	"time"
)

// writer is SQLite's group commit: one goroutine owns the one connection that
// writes, and puts everything that waits into one transaction, so that many
// requests share one fsync.
type writer struct {
	db      *DB
	conn    *lite
	queue   chan *waiting
	closing chan struct{}
	closed  chan struct{}
	once    sync.Once
	version int64 // data_version: another connection's commit changes it
}

// waiting is a job in the queue with the way to answer it.
type waiting struct {
	*job
	ctx  context.Context
	err  error
	done chan struct{}
}

// maxBatch bounds how long the first in a batch waits for the last.
const maxBatch = 256

func newWriter(db *DB, path string) (*writer, error) {
	conn, err := openLite(path, sqlitePragmas())
	if err != nil {
		return nil, err
	}
	w := &writer{
		db: db, conn: conn,
		queue: make(chan *waiting, 4*maxBatch), closing: make(chan struct{}), closed: make(chan struct{}),
	}
	go w.loop()
	return w, nil
}

// write queues j and waits for its transaction to be durable. Once queued it is
// waited for even when ctx ends, because its outcome must be told.
func (w *writer) write(ctx context.Context, j *job) error {
	p := &waiting{job: j, ctx: ctx, done: make(chan struct{})}
	select {
	case <-w.closing:
		return ErrClosed
	default:
	}
	select {
	case w.queue <- p:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closing:
		return ErrClosed
	}
	select {
	case <-p.done:
		return p.err
	case <-w.closed: // queued just behind the last batch
		select {
		case <-p.done:
			return p.err
		default:
			return ErrClosed
		}
	}
}

func (w *writer) loop() {
	defer close(w.closed)
	batch := make([]*waiting, 0, maxBatch)
	for {
		select {
		case p := <-w.queue:
			w.commit(w.fill(append(batch[:0], p)))
		case <-w.closing:
			for {
				batch = w.fill(batch[:0])
				if len(batch) == 0 {
					return
				}
				w.commit(batch)
			}
		}
	}
}

// fill takes what waits, without waiting for more.
func (w *writer) fill(batch []*waiting) []*waiting {
	for len(batch) < maxBatch {
		select {
		case p := <-w.queue:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// commit does a batch in one transaction, or, when one of it spoils that, one by
// one, so that a neighbour never suffers.
func (w *writer) commit(batch []*waiting) {
	live := batch[:0]
	for _, p := range batch {
		if p.err = p.ctx.Err(); p.err != nil {
			close(p.done) // nobody waits for it any more
		} else {
			live = append(live, p)
		}
	}
	if len(live) == 0 || w.together(live) {
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
	w.once.Do(func() { close(w.closing) })
	<-w.closed
	return w.conn.Close()
}
