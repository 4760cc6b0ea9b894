// Command archive packs folders so that equal files make equal archives, on every
// system: members in the order of their names, all of one time, of owner 0, of
// mode 0755 or 0644.
//
//	archive -time SECONDS -from STAGE [-sums FILE] ARCHIVE...
//
// An ARCHIVE ends in .tar.gz or .zip; the rest of its name is that of the folder in
// STAGE that it holds. The SHA-256 sums of all go to FILE, as sha256sum -c reads them.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	seconds := flag.Int64("time", 0, "the members' time, in seconds since 1970")
	from := flag.String("from", "", "folder with the folders to pack")
	sums := flag.String("sums", "", "file for the sums")
	flag.Parse()
	if err := run(time.Unix(*seconds, 0).UTC(), *from, *sums, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

func run(at time.Time, from, sums string, archives []string) error {
	if at.Year() < 1980 {
		return errors.New("-time must be in 1980 or later, where the times of zip begin")
	}
	var list bytes.Buffer
	for _, name := range slices.Sorted(slices.Values(archives)) {
		sum, err := pack(at, from, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(&list, "%x  %s\n", sum, filepath.Base(name))
	}
	if sums == "" {
		return nil
	}
	return os.WriteFile(sums, list.Bytes(), 0o644)
}

// writer is one kind of archive.
type writer interface {
	add(name string, mode fs.FileMode, data []byte) error
	io.Closer
}

// pack makes one archive and returns its SHA-256 sum.
func pack(at time.Time, from, name string) (sum []byte, err error) {
	var buf bytes.Buffer
	var w writer
	folder := filepath.Base(name)
	switch {
	case strings.HasSuffix(folder, ".tar.gz"):
		folder, w = strings.TrimSuffix(folder, ".tar.gz"), newTar(&buf, at)
	case strings.HasSuffix(folder, ".zip"):
		folder, w = strings.TrimSuffix(folder, ".zip"), newZip(&buf, at)
	default:
		return nil, errors.New("the name must end in .tar.gz or .zip")
	}
	files := os.DirFS(filepath.Join(from, folder))
	count := 0
	err = fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error { // in the order of names
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file", file)
		}
		data, err := fs.ReadFile(files, file)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		count++
		return w.add(path.Join(folder, file), mode, data)
	})
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, fmt.Errorf("there is nothing in %s", folder)
	}
	digest := sha256.Sum256(buf.Bytes())
	return digest[:], os.WriteFile(name, buf.Bytes(), 0o644)
}

type tarGz struct {
	at  time.Time
	gz  *gzip.Writer
	tar *tar.Writer
}

func newTar(out io.Writer, at time.Time) *tarGz {
	gz, _ := gzip.NewWriterLevel(out, gzip.BestCompression) // the level is a valid one
	return &tarGz{at, gz, tar.NewWriter(gz)}
}

func (w *tarGz) add(name string, mode fs.FileMode, data []byte) error {
	err := w.tar.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: int64(mode), ModTime: w.at, Format: tar.FormatUSTAR,
	})
	if err != nil {
		return err
	}
	_, err = w.tar.Write(data)
	return err
}

func (w *tarGz) Close() error { return errors.Join(w.tar.Close(), w.gz.Close()) }

type zipped struct {
	at time.Time
	*zip.Writer
}

func newZip(out io.Writer, at time.Time) zipped {
	w := zip.NewWriter(out)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	return zipped{at, w}
}

func (w zipped) add(name string, mode fs.FileMode, data []byte) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: w.at}
	h.SetMode(mode)
	out, err := w.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return err
}
