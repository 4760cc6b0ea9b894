// Package powertest is a folder whose power can be cut: a file system in memory that knows of every write whether it was
// synced, and makes folders as they might be found afterwards. It can also fail as a disk does. It needs Linux,
// /dev/fuse and root.
package powertest
