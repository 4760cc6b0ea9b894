package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// What stands beside a backup.
const (
	SumSuffix    = ".sha256" // in the form that sha256sum -c reads
	PepperSuffix = ".pepper"
)

// Progress is told of a long work's steps: its name, and bytes done of all.
type Progress func(step string, done, all int64)

// Backup says what to copy, and where to.
type Backup struct {
	URL      string
	To       string // the file to make; nothing may stand there
	Pepper   PepperSource
	NoPepper bool // leave the pepper out, for those who keep it elsewhere
	Progress Progress
}

// Backed is what a Backup has made.
type Backed struct {
	Size   int64 // bytes
	Sum    string
	Schema int64
	Pepper string // the file with the pepper; empty: it is not in the backup
}

// IsSQLite tells whether a database's address is a SQLite file's.
func IsSQLite(url string) bool { return strings.HasPrefix(url, "sqlite:") }

// copyPages is how many pages are copied before it is looked whether to go on.
const copyPages = 1024

// Run copies a SQLite book as it stands at one moment, while a server writes to
// it, looks over the copy, and gives it its name last: a file of that name is a
// whole backup. When it fails or ctx ends it leaves nothing.
func (b Backup) Run(ctx context.Context) (done Backed, err error) {
	_, dsn, err := engineOf(b.URL)
	if err != nil {
		return done, err
	}
	path, err := existing(dsn)
	if err != nil {
		return done, err
	}
	pepper, err := b.pepper(ctx, path)
	if err != nil {
		return done, err
	}
	for _, f := range []string{b.To, b.To + SumSuffix, b.To + PepperSuffix} {
		if _, err := os.Lstat(f); !errors.Is(err, fs.ErrNotExist) {
			return done, SettingError(fmt.Sprintf("%s is there already, and is not overwritten", f))
		}
	}
	removeDead(filepath.Dir(b.To))
	temp, err := newBeside(b.To)
	if err != nil {
		return done, SettingError(fmt.Sprintf("the backup cannot be written: %v", err))
	}
	defer temp.remove()
	alive := markAlive(temp)
	defer alive()
	if err := copyBook(ctx, path, temp.Name(), b.Progress); err != nil {
		return done, err
	}
	if done.Schema, err = verify(ctx, temp.Name()); err != nil {
		return done, fmt.Errorf("the copy is not good: %w", err)
	}
	if err := temp.Sync(); err != nil {
		return done, err
	}
	if done.Sum, done.Size, err = sum(ctx, temp.Name(), io.Discard, b.Progress); err != nil {
		return done, err
	}
	placed := []string{}
	defer func() {
		if err != nil {
			for _, f := range placed {
				os.Remove(f)
			}
		}
	}()
	// The book's own name last: what is named like a backup has all that belongs to it.
	if pepper != "" {
		done.Pepper = b.To + PepperSuffix
		if err := temp.put(done.Pepper, pepper+"\n"); err != nil {
			return done, err
		}
		placed = append(placed, done.Pepper)
	}
	if err := temp.put(b.To+SumSuffix, done.Sum+"  "+filepath.Base(b.To)+"\n"); err != nil {
		return done, err
	}
	placed = append(placed, b.To+SumSuffix)
	if err := ctx.Err(); err != nil {
		return done, err
	}
	return done, temp.place(b.To)
}

// pepper is the one to keep with the copy; empty for none. It must be the
// book's: with another no client would be let in after a restore.
func (b Backup) pepper(ctx context.Context, path string) (string, error) {
	if b.NoPepper || b.Pepper.Value != "" {
		return "", nil
	}
	db, err := sql.Open("sqlite", sqliteLook(path, false))
	if err != nil {
		return "", err
	}
	defer db.Close()
	mark, err := fingerprintIn(ctx, db)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %s; contactbook doctor tells more", path, sqliteWords(err))
	}
	if mark == "" {
		return "", nil
	}
	pepper, err := b.Pepper.read(false)
	if err != nil {
		return "", err
	}
	if fingerprint(pepper) != mark {
		return "", SettingError(fmt.Sprintf("the pepper in %s is not the book's: give the one it was set up with, or --without-pepper", b.Pepper.File))
	}
	return pepper, nil
}

// copyBook copies the pages of one snapshot. The transaction that holds it keeps
// the server's WAL from being reused until the copy is done, and nothing else.
func copyBook(ctx context.Context, path, to string, progress Progress) error {
	db, err := sql.Open("sqlite", sqliteLook(path, false))
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "begin"); err != nil {
		return err
	}
	var size int64
	if err := conn.QueryRowContext(ctx, "select page_size from pragma_page_size").Scan(&size); err != nil {
		return fmt.Errorf("%s cannot be read: %s; contactbook doctor tells more", path, sqliteWords(err))
	}
	var tables int // this read takes the snapshot
	if err := conn.QueryRowContext(ctx, "select count(*) from sqlite_master").Scan(&tables); err != nil {
		return fmt.Errorf("%s cannot be read: %s; contactbook doctor tells more", path, sqliteWords(err))
	}
	return conn.Raw(func(c any) error {
		copier, err := c.(interface {
			NewBackup(string) (*sqlite.Backup, error)
		}).NewBackup(fileURL(to))
		if err != nil {
			return err
		}
		for more := true; more; {
			if err = ctx.Err(); err != nil {
				break
			}
			if more, err = copier.Step(copyPages); err != nil {
				err = fmt.Errorf("copy %s: %s", path, sqliteWords(err))
				break
			}
			all := int64(copier.PageCount()) * size
			progress("copied", all-int64(copier.Remaining())*size, all)
		}
		return errors.Join(err, copier.Finish())
	})
}

// verify looks over a book that nobody writes, and tells its schema.
func verify(ctx context.Context, path string) (schema int64, err error) {
	c := &Checkup{}
	if err := checkFile(ctx, c, path, true); err != nil {
		return 0, err
	}
	var errs []error
	for _, f := range c.Found {
		if f.Do != doMigrate { // a book from before an upgrade is a good one
			errs = append(errs, errors.New(f.What))
		}
	}
	return c.Schema, errors.Join(errs...)
}

// sum copies a file to w and returns its SHA-256 in hexadecimal and its size.
func sum(ctx context.Context, path string, w io.Writer, progress Progress) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	h := sha256.New()
	var n int64
	for {
		k, err := io.CopyN(io.MultiWriter(h, w), f, 4<<20)
		n += k
		progress("checksummed", n, info.Size())
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), n, nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return "", 0, err
		}
	}
}
