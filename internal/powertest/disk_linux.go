package powertest

import (
	"path"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Kind is what an operation does to the disk.
type Kind string

const (
	Write    Kind = "write"
	Truncate Kind = "truncate"
	Entry    Kind = "entry" // a name made, taken away or given to another file
	Sync     Kind = "sync"  // of a file, or of a folder's entries
	Open     Kind = "open"  // changes nothing
)

// Op is one operation as an observer sees it.
type Op struct {
	Kind   Kind
	Name   string // the file's last path element as it was made or renamed last
	At     int    // the moment before it
	Off    int64  // of a write
	Failed bool
}

// event is one operation with all that replaying it needs.
type event struct {
	Op
	file    int // whose content, or whose entries
	data    []byte
	size    int64
	entries map[string]int // 0: the name is gone
	folder  bool           // what is made is one
	mode    uint32
}

// Disk is a mounted folder. Its operations have an order, in which a moment is a number: that of those done before.
type Disk struct {
	Path   string
	server *fuse.Server

	mu    sync.Mutex
	log   []event
	files int
	fault func(Op) syscall.Errno
}

const root = 1

// Mount mounts an empty disk on a folder that is there.
func Mount(folder string) (*Disk, error) {
	d := &Disk{Path: folder, files: root}
	long := time.Hour // nobody but the kernel's callers changes anything
	// go-fuse opens a file of the new disk, and not so that exec closes it. A process that another test starts meanwhile
	// would keep it: its end waits for this disk, and the disk's for it.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	var err error
	d.server, err = fs.Mount(folder, &node{disk: d, id: root, name: "/", mode: syscall.S_IFDIR | 0o700}, &fs.Options{
		EntryTimeout: &long, AttrTimeout: &long, NullPermissions: true,
		MountOptions: fuse.MountOptions{DirectMountStrict: true, Name: "powertest", FsName: "powertest", MaxWrite: 1 << 20},
	})
	return d, err
}

// Unmount ends the disk, whoever still uses it.
func (d *Disk) Unmount() error {
	if err := d.server.Unmount(); err != nil {
		return syscall.Unmount(d.Path, syscall.MNT_DETACH)
	}
	return nil
}

// Moment is now: all that was done so far.
func (d *Disk) Moment() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.log)
}

// Ops are the operations between two moments.
func (d *Disk) Ops(from, to int) []Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	ops := make([]Op, 0, to-from)
	for _, e := range d.log[from:to] {
		ops = append(ops, e.Op)
	}
	return ops
}

// Fail has operations fail with the error that fault returns, which is called for one at a time; 0 lets one pass. Nil
// mends the disk. A sync that fails makes none of the file's writes durable, and none that came before it becomes so
// by a later sync, because the kernel takes them for clean: only writing again does.
func (d *Disk) Fail(fault func(Op) syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// do makes one operation happen: it asks whether it fails, and notes it where it does not. d.mu is held.
func (d *Disk) do(e event) syscall.Errno {
	e.Name, e.At = path.Base(e.Name), len(d.log)
	if d.fault != nil {
		if errno := d.fault(e.Op); errno != 0 {
			if e.Kind == Sync {
				e.Failed = true
				d.log = append(d.log, e)
			}
			return errno
		}
	}
	d.log = append(d.log, e)
	return 0
}
