package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// makeFolder makes dir, and what is missing above it, for its owner alone. Each
// name is durable before anything is put below it.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}
