package store

import (
	"context"
	"sync"
)

// group gathers the writes of many requests: whatever waits when a committer is
// free goes to it as one batch. Nobody waits for more to come.
type group struct {
	queue   chan *waiting
	commit  func([]*waiting) // answers each by closing its done
	closing chan struct{}
	closed  chan struct{}
	once    sync.Once
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

// newGroup runs that many committers, each with batches of its own.
func newGroup(committers int, commit func([]*waiting)) *group {
	g := &group{
		queue: make(chan *waiting, 4*maxBatch), commit: commit,
		closing: make(chan struct{}), closed: make(chan struct{}),
	}
	var all sync.WaitGroup
	for range committers {
		all.Go(g.loop)
	}
	go func() {
		all.Wait()
		close(g.closed)
	}()
	return g
}

// put queues j.
func (g *group) put(ctx context.Context, j *job) (*waiting, error) {
	p := &waiting{job: j, ctx: ctx, done: make(chan struct{})}
	select {
	case <-g.closing:
		return nil, ErrClosed
	default:
	}
	select {
	case g.queue <- p:
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-g.closing:
		return nil, ErrClosed
	}
}

// write queues j and waits for its transaction to be durable. Once queued it is
// waited for even when ctx ends, because its outcome must be told.
func (g *group) write(ctx context.Context, j *job) error {
	return g.await(context.Background(), ctx, j)
}

// ask queues j, and waits for its answer as long as ctx lasts.
func (g *group) ask(ctx context.Context, j *job) error { return g.await(ctx, ctx, j) }

func (g *group) await(patience, ctx context.Context, j *job) error {
	p, err := g.put(ctx, j)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-patience.Done():
		return patience.Err()
	case <-g.closed: // queued just behind the last batch
		select {
		case <-p.done:
			return p.err
		default:
			return ErrClosed
		}
	}
}

func (g *group) loop() {
	batch := make([]*waiting, 0, maxBatch)
	for {
		select {
		case p := <-g.queue:
			g.serve(g.fill(append(batch[:0], p)))
		case <-g.closing:
			for {
				batch = g.fill(batch[:0])
				if len(batch) == 0 {
					return
				}
				g.serve(batch)
			}
		}
	}
}

// fill takes what waits, without waiting for more.
func (g *group) fill(batch []*waiting) []*waiting {
	for len(batch) < maxBatch {
		select {
		case p := <-g.queue:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// serve commits those of a batch that somebody still waits for.
func (g *group) serve(batch []*waiting) {
	live := batch[:0]
	for _, p := range batch {
		if p.err = p.ctx.Err(); p.err != nil {
			close(p.done)
		} else {
			live = append(live, p)
		}
	}
	if len(live) > 0 {
		g.commit(live)
	}
}

// stop commits what is queued and ends the committers.
func (g *group) stop() {
	g.once.Do(func() { close(g.closing) })
	<-g.closed
}
