package store

import (
	"strconv"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite finds a row by an index and takes the columns that the index has, the
// tenant and the key, from the index. In a damaged file an entry may lead to
// another's row, which would then be shown as the asker's own. So a statement of
// SQLite's reads a row whole, by the number that the entry has for it, and says
// in its last column, ownRow, whether it is the row that was looked for; one that
// is not ends the statement (liteStmt.step). No more is read than without: the
// index, then the row.
const ownRow = "own_row"

// errOtherRow is SQLITE_CORRUPT_INDEX, as SQLite itself says it of a row that an
// index leads to and that is not there.
var errOtherRow = &liteError{sqlite3.SQLITE_CORRUPT | 3<<8, "an index leads to a row that is not its own"}

// fromOwn is the FROM of a SELECT of own_ and a column's name. Names without the
// prefix are the index's, so the tail of any query fits.
func fromOwn(table string, names []string) string {
	own := "rowid as own_rowid, tenant_id as own_tenant_id"
	for _, n := range names {
		own += ", " + n + " as own_" + n
	}
	return " from " + table + " left join (select " + own + " from " + table + ") on own_rowid = " + table + ".rowid"
}

// isOwn is the last column of a SELECT: the row against the index.
func isOwn(key []string) string {
	same := "own_tenant_id = tenant_id"
	for _, n := range key {
		same += " and own_" + n + " = " + n
	}
	return same + " as " + ownRow
}

// wasOwn is the last column of a RETURNING, which reads the row: against what was
// asked for.
func wasOwn(key []string) string {
	same := OfBook
	for i, n := range key {
		same += " and " + n + " = $" + strconv.Itoa(i+2)
	}
	return same + " as " + ownRow
}

// own is each name with the prefix.
func own(names []string) string { return "own_" + strings.Join(names, ", own_") }
