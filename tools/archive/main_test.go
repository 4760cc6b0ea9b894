package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var at = time.Date(2026, 11, 22, 23, 0, 1, 0, time.UTC)

// stage makes a folder of files whose times and modes differ each time.
func stage(t *testing.T, mode os.FileMode, changed time.Time) (from string) {
	t.Helper()
	from = t.TempDir()
	for name, mode := range map[string]os.FileMode{"contactbook": 0o700 | mode, "README.md": 0o600 | mode, "man/contactbook.1": 0o600 | mode} {
		name = filepath.Join(from, "book-1", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, bytes.Repeat([]byte(filepath.Base(name)), 1000), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	return from
}

func TestEqualFilesMakeEqualArchives(t *testing.T) {
	var first [][]byte
	for i, from := range []string{stage(t, 0, at), stage(t, 0o44, at.Add(-time.Hour))} {
		out := t.TempDir()
		names := []string{filepath.Join(out, "book-1.zip"), filepath.Join(out, "book-1.tar.gz")}
		sums := filepath.Join(out, "SHA256SUMS")
		if err := run(at, from, sums, names); err != nil {
			t.Fatal(err)
		}
		var all [][]byte
		for _, name := range append(names, sums) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		want := fmt.Sprintf("%x  book-1.tar.gz\n%x  book-1.zip\n", sha256.Sum256(all[1]), sha256.Sum256(all[0]))
		if got := string(all[2]); got != want {
			t.Errorf("sums\n%swant\n%s", got, want)
		}
		if i == 0 {
			first = all
		} else if !slices.EqualFunc(first, all, bytes.Equal) {
			t.Error("the archives differ")
		}
	}

	want := []string{"book-1/README.md 644", "book-1/contactbook 755", "book-1/man/contactbook.1 644"}
	if got := tarMembers(t, first[1]); !slices.Equal(got, want) {
		t.Errorf("tar: got %q, want %q", got, want)
	}
	if got := zipMembers(t, first[0]); !slices.Equal(got, want) {
		t.Errorf("zip: got %q, want %q", got, want)
	}
}

// tarMembers lists names and modes, and checks the rest.
func tarMembers(t *testing.T, b []byte) (members []string) {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(gz)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return members
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(at) || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("tar: %+v", h)
		}
		members = append(members, fmt.Sprintf("%s %o", h.Name, h.Mode))
	}
}

func zipMembers(t *testing.T, b []byte) (members []string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if !f.Modified.Equal(at) {
			t.Errorf("zip: %s is of %s", f.Name, f.Modified)
		}
		data, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, data); err != nil { // which checks the sum
			t.Error(err)
		}
		members = append(members, fmt.Sprintf("%s %o", f.Name, f.Mode()))
	}
	return members
}

func TestRefusals(t *testing.T) {
	from := stage(t, 0, at)
	if err := os.Symlink("contactbook", filepath.Join(from, "book-1", "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(from, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		at      time.Time
		archive string
	}{
		"a link":              {at, "book-1.zip"},
		"an empty folder":     {at, "empty.tar.gz"},
		"no such folder":      {at, "gone.tar.gz"},
		"an unknown kind":     {at, "book-1.rar"},
		"a time before zip's": {time.Unix(0, 0).UTC(), "book-1.zip"},
	} {
		t.Run(name, func(t *testing.T) {
			archive := filepath.Join(t.TempDir(), tc.archive)
			if err := run(tc.at, from, "", []string{archive}); err == nil {
				t.Error("it was packed")
			}
			if _, err := os.Stat(archive); err == nil {
				t.Error("an archive was left")
			}
		})
	}
}
