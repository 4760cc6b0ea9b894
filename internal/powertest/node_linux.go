package powertest

import (
	"context"
	"path"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node is a file or a folder as its users see it now. The library keeps the entries of folders. Everything but those
// is guarded by the disk.
type node struct {
	fs.Inode
	disk  *Disk
	id    int
	name  string
	mode  uint32
	data  []byte
	mtime time.Time
}

// What the kernel may ask of a node; the library answers the rest. Without its word on locks the kernel keeps them.
var _ interface {
	fs.NodeGetattrer
	fs.NodeSetattrer
	fs.NodeCreater
	fs.NodeMkdirer
	fs.NodeOpener
	fs.NodeReader
	fs.NodeWriter
	fs.NodeFsyncer
	fs.NodeFlusher
	fs.NodeUnlinker
	fs.NodeRmdirer
	fs.NodeRenamer
	fs.NodeLinker
	fs.NodeStatfser
} = (*node)(nil)

func (n *node) attr(out *fuse.Attr) {
	out.Mode, out.Size, out.Nlink, out.Ino = n.mode, uint64(len(n.data)), 1, uint64(n.id)
	out.SetTimes(nil, &n.mtime, &n.mtime)
}

func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	n.attr(&out.Attr)
	return 0
}

func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if size, ok := in.GetSize(); ok {
		if errno := n.truncate(int64(size)); errno != 0 {
			return errno
		}
	}
	if mode, ok := in.GetMode(); ok {
		n.mode = n.mode&syscall.S_IFMT | mode&^syscall.S_IFMT
	}
	if at, ok := in.GetMTime(); ok {
		n.mtime = at
	}
	n.attr(&out.Attr)
	return 0
}

func (n *node) truncate(size int64) syscall.Errno {
	if errno := n.disk.do(event{Op: Op{Kind: Truncate, Name: n.name}, file: n.id, size: size}); errno != 0 {
		return errno
	}
	n.data, n.mtime = sized(n.data, size), time.Now()
	return 0
}

// sized is data cut, or filled up with zeros, to a size.
func sized(data []byte, size int64) []byte {
	if size <= int64(len(data)) {
		clear(data[size:]) // what it may grow into again is zeros
		return data[:size]
	}
	return append(data, make([]byte, size-int64(len(data)))...)
}

// add adds a file or folder of a name to a folder.
func (n *node) add(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	child := &node{disk: n.disk, id: n.disk.files + 1, name: name, mode: mode, mtime: time.Now()}
	e := event{Op: Op{Kind: Entry, Name: name}, file: n.id, entries: map[string]int{name: child.id}, folder: mode&syscall.S_IFDIR != 0, mode: mode}
	if errno := n.disk.do(e); errno != 0 {
		return nil, errno
	}
	n.disk.files++
	child.attr(&out.Attr)
	return n.NewPersistentInode(ctx, child, fs.StableAttr{Mode: mode & syscall.S_IFMT, Ino: uint64(child.id)}), 0
}

func (n *node) Create(ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	inode, errno := n.add(ctx, name, syscall.S_IFREG|mode&0o777, out)
	return inode, nil, fuse.FOPEN_KEEP_CACHE, errno
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return n.add(ctx, name, syscall.S_IFDIR|mode&0o777, out)
}

func (n *node) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if errno := n.disk.do(event{Op: Op{Kind: Open, Name: n.name}}); errno != 0 {
		return nil, 0, errno
	}
	if flags&syscall.O_TRUNC != 0 {
		return nil, fuse.FOPEN_KEEP_CACHE, n.truncate(0)
	}
	return nil, fuse.FOPEN_KEEP_CACHE, 0
}

func (n *node) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if off >= int64(len(n.data)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(dest[:copy(dest, n.data[off:])]), 0
}

func (n *node) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	e := event{Op: Op{Kind: Write, Name: n.name, Off: off}, file: n.id, data: append([]byte(nil), data...)}
	if errno := n.disk.do(e); errno != 0 {
		return 0, errno
	}
	if end := off + int64(len(data)); end > int64(len(n.data)) {
		n.data = sized(n.data, end)
	}
	copy(n.data[off:], data)
	n.mtime = time.Now()
	return uint32(len(data)), 0
}

func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	return n.disk.do(event{Op: Op{Kind: Sync, Name: n.name}, file: n.id})
}

// Flush is a close, which syncs nothing.
func (n *node) Flush(context.Context, fs.FileHandle) syscall.Errno { return 0 }

func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	return n.disk.do(event{Op: Op{Kind: Entry, Name: name}, file: n.id, entries: map[string]int{name: 0}})
}

func (n *node) Rmdir(ctx context.Context, name string) syscall.Errno {
	if child := n.GetChild(name); child != nil && len(child.Children()) > 0 {
		return syscall.ENOTEMPTY
	}
	return n.Unlink(ctx, name)
}

// Rename is one event in one folder, and two between two.
func (n *node) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if flags != 0 {
		return syscall.EINVAL
	}
	moved, target := n.GetChild(name).Operations().(*node), to.(*node)
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	e := event{Op: Op{Kind: Entry, Name: newName}, file: target.id, entries: map[string]int{newName: moved.id}}
	if target == n {
		e.entries[name] = 0
	}
	if errno := n.disk.do(e); errno != 0 {
		return errno
	}
	moved.name = newName
	if target != n {
		return n.disk.do(event{Op: Op{Kind: Entry, Name: name}, file: n.id, entries: map[string]int{name: 0}})
	}
	return 0
}

func (n *node) Link(_ context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	of := target.(*node)
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if errno := n.disk.do(event{Op: Op{Kind: Entry, Name: name}, file: n.id, entries: map[string]int{name: of.id}}); errno != 0 {
		return nil, errno
	}
	of.name = path.Base(name)
	of.attr(&out.Attr)
	return of.EmbeddedInode(), 0
}

func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize, out.NameLen, out.Blocks, out.Bfree, out.Bavail = 4096, 255, 1<<20, 1<<20, 1<<20
	return 0
}
