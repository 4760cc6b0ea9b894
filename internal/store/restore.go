package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Restore says which backup becomes the book.
type Restore struct {
	From     string
	URL      string
	Pepper   PepperSource
	Force    bool // overwrite a book that is there
	Progress Progress
}

// Restored is what a Restore has done.
type Restored struct {
	Path   string
	Schema int64
	Pepper string // the file that it put back; empty: the pepper was there
	Aside  string // where the damaged book that it replaced is; empty: none
}

// Run checks a backup and puts it in the place of the book at one moment. It
// refuses a book that is served, and one that is there unless Force says so.
// When it fails or ctx ends, what was there still is.
func (r Restore) Run(ctx context.Context) (done Restored, err error) {
	_, dsn, err := engineOf(r.URL)
	if err != nil {
		return done, err
	}
	want, err := readSum(r.From)
	if err != nil {
		return done, err
	}
	if done.Path, err = filepath.Abs(dsn); err != nil {
		return done, err
	}
	if at, err := filepath.EvalSymlinks(done.Path); err == nil {
		done.Path = at
	}
	if err := makeFolder(filepath.Dir(done.Path)); err != nil {
		return done, SettingError(fmt.Sprintf("the book's folder cannot be made: %v", err))
	}
	hold := flock.New(done.Path + ".lock")
	if ok, err := hold.TryLock(); err != nil {
		return done, fmt.Errorf("lock %s: %w", done.Path, err)
	} else if !ok {
		return done, SettingError(fmt.Sprintf("a contactbook serves %s: stop it first", done.Path))
	}
	defer hold.Close()
	_, err = os.Stat(done.Path)
	there := !errors.Is(err, fs.ErrNotExist)
	if there && !r.Force {
		return done, SettingError(fmt.Sprintf("there is a book at %s: with --force it is overwritten", done.Path))
	}

	removeBeside(filepath.Join(filepath.Dir(done.Path), "."+filepath.Base(done.Path)+besideMark)) // of one that was killed: this one has the lock
	// The copy is what is checked: the backup may change under our hands.
	temp, err := newBeside(done.Path)
	if err != nil {
		return done, err
	}
	defer temp.remove()
	got, _, err := sum(ctx, r.From, temp, r.Progress)
	if err != nil {
		return done, err
	}
	if got != want {
		return done, fmt.Errorf("%s is not what was backed up: its SHA-256 is not the one in %s", r.From, r.From+SumSuffix)
	}
	if err := errors.Join(temp.Sync(), temp.Close()); err != nil {
		return done, err
	}
	if done.Schema, err = verify(ctx, temp.Name()); err != nil {
		return done, fmt.Errorf("%s is not a good backup, although its checksum is right: %w", r.From, err)
	}
	if done.Pepper, err = r.pepper(ctx, temp.Name()); err != nil {
		return done, err
	}
	if err := ctx.Err(); err != nil {
		return done, err
	}
	if there {
		if done.Aside, err = settle(ctx, done.Path); err != nil {
			return done, err
		}
	}
	// A WAL without its file would be taken for the new file's.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(done.Path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return done, err
		}
	}
	if err := os.Rename(temp.Name(), done.Path); err != nil {
		return done, err
	}
	return done, syncFolder(filepath.Dir(done.Path))
}

// readSum reads the checksum beside a backup.
func readSum(backup string) (string, error) {
	if _, err := os.Stat(backup); err != nil {
		return "", SettingError(fmt.Sprintf("the backup cannot be read: %v", err))
	}
	text, err := os.ReadFile(backup + SumSuffix)
	if err != nil {
		return "", SettingError(fmt.Sprintf("the backup's checksum cannot be read: %v", err))
	}
	want, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if len(want) != 64 {
		return "", SettingError(fmt.Sprintf("%s has no SHA-256 in it", backup+SumSuffix))
	}
	return strings.ToLower(want), nil
}

// pepper makes sure that the pepper at hand is the backup's, and puts back the
// one beside it where there is none. It never overwrites one.
func (r Restore) pepper(ctx context.Context, copied string) (placed string, err error) {
	db, err := sql.Open("sqlite", sqliteLook(copied, true))
	if err != nil {
		return "", err
	}
	defer db.Close()
	mark, err := fingerprintIn(ctx, db)
	if err != nil || mark == "" {
		return "", err
	}
	_, stat := os.Stat(r.Pepper.File)
	if r.Pepper.Value != "" || stat == nil {
		pepper, err := r.Pepper.read(false)
		if err != nil {
			return "", err
		}
		if fingerprint(pepper) != mark {
			return "", SettingError("the pepper at hand is not the backup's: no client could be let in; move it away, or name another with --pepper-file")
		}
		return "", nil
	}
	beside := PepperSource{File: r.From + PepperSuffix}
	if _, err := os.Stat(beside.File); err != nil {
		return "", SettingError(fmt.Sprintf("the backup's pepper is neither at %s nor at %s: put it at either, for without it no client can be let in", r.Pepper.File, beside.File))
	}
	pepper, err := beside.read(false)
	if err != nil {
		return "", err
	}
	if fingerprint(pepper) != mark {
		return "", SettingError(fmt.Sprintf("the pepper in %s is not this backup's", beside.File))
	}
	if err := makeFolder(filepath.Dir(r.Pepper.File)); err != nil {
		return "", err
	}
	return r.Pepper.File, putFile(r.Pepper.File, pepper+"\n")
}

// settle writes the WAL of a book that is to be replaced back into it, so that a
// crash at any moment leaves the old book whole or the new one. A book too
// damaged for that is moved aside, never lost.
func settle(ctx context.Context, path string) (aside string, err error) {
	db, err := sql.Open("sqlite", fileURL(path)+"?_pragma=busy_timeout(2000)")
	if err != nil {
		return "", err
	}
	defer db.Close()
	var busy, pages, moved int
	err = db.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &pages, &moved)
	err = errors.Join(err, db.Close())
	switch {
	case err == nil && busy == 0:
		return "", nil
	case err == nil || !isDamage(err):
		return "", fmt.Errorf("another program uses %s: stop it first", path)
	}
	aside = path + ".damaged-" + time.Now().UTC().Format("20060102T150405Z")
	for _, suffix := range []string{"-shm", "-wal", ""} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, syncFolder(filepath.Dir(path))
}
