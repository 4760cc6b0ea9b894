package store

import (
	"fmt"
	"sync"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// cachedPages is how many pages all connections of the process keep in memory
// together, 26 MB: what a thousand busy tenants read and write again and again.
// SQLite alone would give 2,000 KiB to each connection, and its allocator would
// take 8 KiB for a page of 4.
const cachedPages = 6000

// pagePragma lets each connection have as many pages as the pool holds.
var pagePragma = fmt.Sprintf("cache_size = %d", cachedPages)

var pagePool sync.Once

// sharePages gives SQLite one block of memory for its pages. It must be called
// before the process opens its first connection; later it changes nothing, and
// SQLite takes its pages from the heap.
func sharePages() {
	pagePool.Do(func() {
		tls := libc.NewTLS()
		defer tls.Close()
		list := libc.Xmalloc(tls, types.Size_t(3*8)) // of arguments
		if list == 0 {
			return
		}
		defer libc.Xfree(tls, list)
		header := int32(out(tls, func(place uintptr) {
			sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_PCACHE_HDRSZ, libc.VaList(list, place))
		}))
		slot := (4096 + header + 7) &^ 7
		memory := libc.Xmalloc(tls, types.Size_t(cachedPages*int(slot)))
		if memory == 0 {
			return
		}
		args := libc.VaList(list, memory, slot, int32(cachedPages))
		if sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_PAGECACHE, args) != sqlite3.SQLITE_OK {
			libc.Xfree(tls, memory)
		}
	})
}
