package store

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	sqlite3 "modernc.org/sqlite/lib"
)

// readers are connections that cannot write, as many as there are cores: more would
// not read faster, and share the same memory for pages.
type readers struct {
	all   []*lite
	free  chan struct{} // one for each of idle
	mu    sync.Mutex
	idle  []*lite // the last one used goes first: its pages are in its cache
	waits atomic.Int64
}

func openReaders(path string) (*readers, error) {
	n := max(2, runtime.GOMAXPROCS(0))
	r := &readers{free: make(chan struct{}, n)}
	for range n {
		c, err := openLite(path, append(sqlitePragmas(), "query_only = 1"))
		if err != nil {
			r.Close()
			return nil, err
		}
		r.all = append(r.all, c)
		r.give(c)
	}
	return r, nil
}

// take waits for a connection that nobody reads from.
func (r *readers) take(ctx context.Context) (*lite, error) {
	select {
	case <-r.free:
	default:
		r.waits.Add(1)
		select {
		case <-r.free:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.idle[len(r.idle)-1]
	r.idle = r.idle[:len(r.idle)-1]
	return c, nil
}

func (r *readers) give(c *lite) {
	r.mu.Lock()
	r.idle = append(r.idle, c)
	r.mu.Unlock()
	r.free <- struct{}{}
}

// query runs on a connection that nobody reads from, which closing the rows
// gives back.
func (r *readers) query(ctx context.Context, query string, args ...any) (rows, error) {
	c, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	s, err := c.run(query, args)
	if err != nil {
		r.give(c)
		return nil, err
	}
	return &liteRows{liteStmt: s, pool: r}, nil
}

func (r *readers) connections() Connections {
	idle := len(r.free)
	return Connections{len(r.all) - idle, idle, r.waits.Load()}
}

func (r *readers) exec(context.Context, string, ...any) (int64, error) {
	return 0, &liteError{sqlite3.SQLITE_READONLY, "a reader cannot write"}
}

// Close waits for those who read.
func (r *readers) Close() error {
	var first error
	for range r.all {
		c, err := r.take(context.Background())
		if err = errors.Join(err, c.Close()); first == nil {
			first = err
		}
	}
	r.all = nil
	return first
}
