package store

import (
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"
)

// DamageError is a SQLite file whose content cannot be right. It names the file
// and the code alone: SQLite's own message may quote what stands in the file.
type DamageError struct {
	File string
	Code string
}

func (e DamageError) Error() string {
	return fmt.Sprintf("%s is damaged, or is not a contact book: %s; contactbook doctor tells more, and contactbook restore puts a backup in its place", e.File, e.Code)
}

// damaged makes a DamageError of an error that a file's content causes; others
// stay as they are.
func (db *DB) damaged(err error) error {
	if err == nil || db.engine != &sqliteEngine {
		return err
	}
	if sqliteCode(err, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) {
		return DamageError{db.migrationDSN, sqliteWords(err)}
	}
	return err
}
