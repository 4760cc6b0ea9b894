package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// PepperSource is where the pepper comes from: the secret that keys the hashes
// of client secrets and seals cursors, and that the database does not hold.
type PepperSource struct {
	Value Secret // at least minPepper characters; empty: read File
	File  string // made at first start, 0600
}

// Secret is text that masks itself wherever it is printed or logged.
type Secret string

const masked = "[masked]"

func (Secret) String() string               { return masked }
func (Secret) GoString() string             { return masked }
func (Secret) LogValue() slog.Value         { return slog.StringValue(masked) }
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

const minPepper = 32

// keys are what the pepper is used for, each derived for one purpose.
type keys struct {
	macs   *sync.Pool // of hash.Hash, for client secrets
	cursor cipher.AEAD
}

// derive makes a 32-byte key for one purpose.
func derive(pepper, purpose string) []byte {
	mac := hmac.New(sha256.New, []byte(pepper))
	mac.Write([]byte("contactbook " + purpose))
	return mac.Sum(nil)
}

// fingerprint is what a book keeps of its pepper, to know it again.
func fingerprint(pepper string) string { return hex.EncodeToString(derive(pepper, "fingerprint")[:8]) }

func newKeys(pepper string) (keys, error) {
	block, err := aes.NewCipher(derive(pepper, "cursor"))
	if err != nil {
		return keys{}, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	secret := derive(pepper, "client secret")
	return keys{macs: &sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}, cursor: gcm}, err
}

// checkPepper finds the pepper, makes one for a database that has none yet, and
// refuses one that the database was not set up with: with it every client's
// secret would be wrong.
func (db *DB) checkPepper(ctx context.Context, from PepperSource) error {
	stored, err := db.setting(ctx, "pepper")
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	first := err != nil
	pepper, err := from.read(first)
	if err != nil {
		return err
	}
	mark := fingerprint(pepper)
	if first {
		if stored, err = db.keepSetting(ctx, "pepper", mark); err != nil {
			return err
		}
	}
	if stored != mark {
		return SettingError("this database was set up with another pepper: give the one it was set up with, in CONTACTBOOK_PEPPER or with --pepper-file")
	}
	db.keys, err = newKeys(pepper)
	return err
}

func (from PepperSource) read(mayMake bool) (string, error) {
	if from.Value != "" {
		if len(from.Value) < minPepper {
			return "", SettingError(fmt.Sprintf("CONTACTBOOK_PEPPER must have at least %d characters", minPepper))
		}
		return string(from.Value), nil
	}
	text, err := os.ReadFile(from.File)
	if errors.Is(err, os.ErrNotExist) {
		if !mayMake {
			return "", SettingError(fmt.Sprintf("this database was set up with another pepper, and %s does not exist: give the pepper it was set up with, in CONTACTBOOK_PEPPER or with --pepper-file", from.File))
		}
		return makePepper(from.File)
	}
	if err != nil {
		return "", SettingError(fmt.Sprintf("the pepper cannot be read: %v", err))
	}
	pepper := strings.TrimSpace(string(text))
	if len(pepper) < minPepper {
		return "", SettingError(fmt.Sprintf("the pepper in %s must have at least %d characters", from.File, minPepper))
	}
	return pepper, nil
}

// makePepper writes a new pepper where none is; a file that another process
// makes at the same moment wins.
func makePepper(file string) (string, error) {
	var b [32]byte
	rand.Read(b[:])
	pepper := hex.EncodeToString(b[:])
	fail := func(err error) (string, error) {
		return "", SettingError(fmt.Sprintf("the pepper cannot be written: %v", err))
	}
	if err := makeFolder(filepath.Dir(file)); err != nil {
		return fail(err)
	}
	// Written whole beside its place, then linked there, so that nobody ever
	// reads half a pepper.
	temp, err := os.CreateTemp(filepath.Dir(file), ".pepper-*") // mode 0600
	if err != nil {
		return fail(err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(pepper + "\n")
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return fail(err)
	}
	if err := os.Link(temp.Name(), file); errors.Is(err, os.ErrExist) {
		return PepperSource{File: file}.read(false)
	} else if err != nil {
		return fail(err)
	}
	if err := syncFolder(filepath.Dir(file)); err != nil {
		return fail(err)
	}
	return pepper, nil
}

// setting reads one value of the whole installation; ErrNotFound when unset.
func (db *DB) setting(ctx context.Context, name string) (value string, err error) {
	err = queryRow(ctx, db.reads, "/* setting get */ select value from setting where name = $1", []any{name}, &value)
	return value, err
}

// keepSetting sets a value that has none, and returns the one that stands: of
// two servers that start at once, one's.
func (db *DB) keepSetting(ctx context.Context, name, value string) (string, error) {
	err := db.admin(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.conn.exec(ctx, "/* setting keep */ insert into setting (name, value) values ($1, $2) on conflict (name) do nothing", name, value)
		tx.changed++
		return tx.fail(err)
	})
	if err != nil {
		return "", err
	}
	return db.setting(ctx, name)
}

// Once is true for one caller ever, of all that ask for name on this database.
func (db *DB) Once(ctx context.Context, name string) (bool, error) {
	mark := rand.Text()
	kept, err := db.keepSetting(ctx, name, mark)
	return kept == mark, err
}

// admin writes what belongs to no tenant: settings and credentials.
func (db *DB) admin(ctx context.Context, fn func(context.Context, *Tx) error) error {
	return db.write(ctx, &job{fn: fn})
}

// Seal encrypts text for this book alone, to be given to a client and back.
func (b *Book) Seal(text []byte) []byte {
	return b.db.keys.cursor.Seal(nil, nil, text, b.label())
}

// Unseal is Seal's inverse; false for anything that Seal did not make for this book.
func (b *Book) Unseal(sealed []byte) ([]byte, bool) {
	text, err := b.db.keys.cursor.Open(nil, nil, sealed, b.label())
	return text, err == nil
}

func (b *Book) label() []byte { return fmt.Appendf(nil, "tenant %d", b.tenant) }
