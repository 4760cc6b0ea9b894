package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"contactbook/bench/load"
	"contactbook/bench/machine"
)

// subject is a server that is measured.
type subject struct {
	name  string
	about string // what it is and how durable, for the report
	ops   []string
	start func(ctx context.Context, rows int) (*instance, error)
	// sources are the requests of one run, one sequence a connection.
	sources func(rows int, op string, conns int) []load.Source
}

// instance is a subject that runs, on a fresh copy of a filled book.
type instance struct {
	addr  string
	admin string // where its profiles are; "" for none
	pid   int
	// database is the CPU time of the database's own processes; nil for none.
	database func() (time.Duration, error)
	size     func() (int64, error) // of the book, in bytes
	stop     func() error
	ready    time.Duration // from its start to its first good answer
}

// cpu is the time that the server, its database and this process have used so far.
func (in *instance) cpu() (server, database, own time.Duration, err error) {
	server, err = machine.CPU(in.pid)
	if err == nil && in.database != nil {
		database, err = in.database()
	}
	if err == nil {
		own, err = machine.CPU(os.Getpid())
	}
	return server, database, own, err
}

// saveProfile takes a CPU profile while the server is under load.
func (in *instance) saveProfile(ctx context.Context, file string, seconds string) error {
	r, err := http.NewRequestWithContext(ctx, "GET", in.admin+"/debug/pprof/profile?seconds="+seconds, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// folderSize is the size of a folder's files.
func folderSize(dir string) func() (int64, error) {
	return func() (sum int64, err error) {
		err = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return nil // it went meanwhile, as a WAL may
			}
			sum += info.Size()
			return nil
		})
		return sum, err
	}
}
