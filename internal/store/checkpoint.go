package store

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	checkpointSize = 4000 // pages of WAL from which on they are copied to the file
	finishSize     = 100  // pages that the writer may copy itself
)

// checkpoints copy what the WAL has to the database's file beside the writer,
// which would stand still for some 30 ms at each. Only the last few pages are
// the writer's: the WAL begins anew when all of it is copied, and while it writes
// somebody else is never done.
type checkpoints struct {
	writer, beside *lite
	file           *os.File // the database's, to sync what beside has copied
	log            *slog.Logger
	memory         uintptr // where SQLite's hook leaves the number of pages in the WAL
	due            int     // pages, from which on the writer wants a checkpoint

	pages atomic.Int32 // in the WAL, as of the last commit
	state atomic.Int32 // copyResting, copyBeside, copyNearly
	wake  chan struct{}
	ended sync.WaitGroup
}

const (
	copyResting int32 = iota
	copyBeside        // beside is at it
	copyNearly        // it has copied all but what came meanwhile
)

// newCheckpoints takes over the writer's checkpoints. The file must stay open for
// longer than any connection to it: closing it lets go of their locks.
func newCheckpoints(writer *lite, path string, file *os.File, log *slog.Logger) (*checkpoints, error) {
	beside, err := openLite(path, sqlitePragmas())
	if err != nil {
		return nil, err
	}
	c := &checkpoints{beside: beside, file: file, log: log, due: checkpointSize, wake: make(chan struct{}, 1)}
	c.memory = libc.Xcalloc(writer.tls, 1, 4)
	c.follow(writer)
	c.ended.Go(c.work)
	return c, nil
}

// follow counts the pages of the writer's commits from now on; nil counts nobody's.
func (c *checkpoints) follow(writer *lite) {
	if c.writer = writer; writer != nil {
		sqlite3.Xsqlite3_wal_hook(writer.tls, writer.db, hookPointer(noteFrames), c.memory) // in the place of autocheckpoint's
	}
}

// noteFrames is called by SQLite after a commit, with the number of pages in the WAL.
func noteFrames(_ *libc.TLS, memory, _, _ uintptr, pages int32) int32 {
	binary.NativeEndian.PutUint32(libc.GoBytes(memory, 4), uint32(pages))
	return sqlite3.SQLITE_OK
}

type hook = func(tls *libc.TLS, arg, db, name uintptr, pages int32) int32

// hookPointer is a function as the library calls it: by the address that a func
// value holds.
func hookPointer(f hook) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ hook }{f})) }

// committed is for the writer to call between transactions.
func (c *checkpoints) committed() {
	pages := readInt(c.memory)
	c.pages.Store(int32(pages))
	if pages < c.due {
		return
	}
	switch c.state.Load() {
	case copyResting:
		c.state.Store(copyBeside)
		c.wake <- struct{}{}
	case copyNearly:
		c.due = checkpointSize
		if all, copied := c.copy(c.writer); copied < all {
			c.due = pages + checkpointSize // somebody reads what was before, or the disk fails
		}
		c.state.Store(copyResting)
	}
}

func (c *checkpoints) work() {
	for range c.wake {
		for range 3 {
			all, copied := c.copy(c.beside)
			// SQLite syncs the file once all is copied, which here is the writer's part: a
			// sync now leaves little for that one.
			if err := c.file.Sync(); err != nil {
				giveUp(err)
			}
			if copied < all || int(c.pages.Load())-copied < finishSize {
				break
			}
		}
		c.state.Store(copyNearly)
	}
}

// copy is a checkpoint that waits for nobody. It tells how many pages the WAL has
// and how many of them the file has too.
func (c *checkpoints) copy(on *lite) (all, copied int) {
	counts := libc.Xcalloc(on.tls, 2, 4)
	defer libc.Xfree(on.tls, counts)
	rc := sqlite3.Xsqlite3_wal_checkpoint_v2(on.tls, on.db, 0, sqlite3.SQLITE_CHECKPOINT_PASSIVE, counts, counts+4)
	if err := on.fault(rc); err != nil {
		if isWriteFault(err) {
			giveUp(err)
		}
		if rc&0xff != sqlite3.SQLITE_BUSY { // another process is at it
			c.log.Error("the WAL could not be copied to the database's file", "error", err)
		}
		return 1, 0
	}
	return readInt(counts), readInt(counts + 4)
}

// giveUp ends the process. What of the copied pages the disk has, nobody knows: a
// later sync would succeed without those that the kernel has dropped, and the WAL
// would then begin anew. The WAL still has all of them, and only recovering it, as
// the next start does, forgets that they were copied.
func giveUp(err error) {
	panic(fmt.Sprintf("the database's file could not be written or synced: %v. Nothing is lost: the WAL has it all, and the next start copies it anew", err))
}

// readInt is a C int.
func readInt(at uintptr) int { return int(int32(binary.NativeEndian.Uint32(libc.GoBytes(at, 4)))) }

// Close ends the work beside; the writer's connection is still open.
func (c *checkpoints) Close() error {
	close(c.wake)
	c.ended.Wait()
	if c.writer != nil {
		sqlite3.Xsqlite3_wal_hook(c.writer.tls, c.writer.db, 0, 0)
	}
	libc.Xfree(c.beside.tls, c.memory)
	return c.beside.Close()
}
