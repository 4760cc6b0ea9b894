package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// beside is a file that is written under a name of its own in the folder of the
// one that it will be.
type beside struct{ *os.File }

const besideMark = ".part-"

func newBeside(name string) (beside, error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+besideMark+"*") // mode 0600
	return beside{f}, err
}

// remove takes away what has not got its name.
func (b beside) remove() {
	b.Close()
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		os.Remove(b.Name() + suffix)
	}
}

// place makes the file durable and gives it its name, which must be free. When it
// fails there is no file of that name.
func (b beside) place(name string) error {
	if err := b.Sync(); err != nil {
		return err
	}
	// A link fails where the name is taken, a rename would overwrite.
	err := os.Link(b.Name(), name)
	if errors.Is(err, fs.ErrExist) {
		return SettingError(fmt.Sprintf("%s is there already, and is not overwritten", name))
	}
	if err != nil { // a file system without links
		if err := os.Rename(b.Name(), name); err != nil {
			return err
		}
	}
	if err := syncFolder(filepath.Dir(name)); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// put writes a small new file whole, readable by its owner alone, and by way of a
// file that is named after b.
func (b beside) put(name, text string) error {
	f, err := os.OpenFile(b.Name()+filepath.Ext(name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return beside{f}.putAs(name, text)
}

// putFile writes a small new file whole, readable by its owner alone.
func putFile(name, text string) error {
	f, err := newBeside(name)
	if err != nil {
		return err
	}
	return f.putAs(name, text)
}

func (b beside) putAs(name, text string) error {
	defer b.remove()
	if _, err := b.WriteString(text); err != nil {
		return err
	}
	return b.place(name)
}

// aliveSuffix names the file beside a beside that its maker holds a lock on for as
// long as it lives. It is a file of its own because on some file systems such a
// lock would keep SQLite out.
const aliveSuffix = ".lock"

// markAlive keeps others from taking b's maker for dead, until done is called.
func markAlive(b beside) (done func()) {
	l := flock.New(b.Name()+aliveSuffix, flock.SetPermissions(0o600))
	if ok, err := l.TryLock(); err != nil || !ok {
		os.Remove(l.Path()) // where there are no locks nobody is taken for dead
		return func() {}
	}
	return func() {
		os.Remove(l.Path())
		l.Close()
	}
}

// removeDead removes what makers that were killed have left in a folder: copies
// of books, and peppers.
func removeDead(dir string) {
	marks, _ := filepath.Glob(filepath.Join(escapeGlob(dir), ".*"+besideMark+"*"+aliveSuffix)) // its one error is a bad pattern
	for _, mark := range marks {
		l := flock.New(mark)
		if ok, err := l.TryLock(); err != nil || !ok {
			continue
		}
		removeBeside(strings.TrimSuffix(mark, aliveSuffix))
		l.Close()
	}
}

// removeBeside removes a beside and all that is named after it.
func removeBeside(name string) {
	left, _ := filepath.Glob(escapeGlob(name) + "*")
	for _, f := range left {
		os.Remove(f)
	}
}

// escapeGlob takes a path for itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(path)
}
