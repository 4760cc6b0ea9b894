// Command bench measures contactbook beside its peers. README.md tells how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"contactbook/bench/machine"
)

func main() {
	err := run(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case ceilingCommand:
			return runCeiling(args[1:])
		case naiveCommand:
			return runNaive(args[1:])
		}
	}
	p, err := readPlan(args)
	if err != nil {
		return err
	}
	return bench(stopSignal(), p)
}

// stopSignal is a context that ends when the process is told to stop.
func stopSignal() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	return ctx
}

func bench(ctx context.Context, p *plan) error {
	if _, err := os.Stat("../cmd/contactbook"); err != nil {
		return errors.New("run it in the folder bench, as make bench does")
	}
	began := time.Now()
	said := func(s string) { fmt.Fprintf(os.Stderr, "%v: %s\n", time.Since(began).Round(time.Second), s) }
	dir, err := os.MkdirTemp(p.dir, "contactbook-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := onDisk(dir); err != nil {
		return err
	}
	if p.profiles != "" {
		if err := os.MkdirAll(p.profiles, 0o755); err != nil {
			return err
		}
	}
	sync, err := machine.SyncTime(dir)
	if err != nil {
		return err
	}
	r := &runner{plan: p, log: os.Stderr}
	versions, done, err := r.prepare(ctx, dir, said)
	defer done()
	if err != nil {
		return err
	}
	said("measure")
	if err := r.all(ctx); err != nil {
		return err
	}
	var histories []growth
	for _, s := range r.subjects {
		if p.growthRows > 0 && (s.name == nameSQLite || s.name == namePostgres) {
			g, err := r.grow(ctx, s)
			if err != nil {
				return err
			}
			histories = append(histories, g)
		}
	}
	rep, err := r.report(dir, sync.Round(10*time.Microsecond).String(), versions, histories)
	if err != nil {
		return err
	}
	if p.quick && p.out == "." { // never in place of real results
		fmt.Print(r.markdown(rep))
		return nil
	}
	return r.write(rep)
}

// onDisk refuses a folder in memory, where a sync costs nothing.
func onDisk(dir string) error {
	fs, err := machine.FileSystem(dir)
	if err == nil && slices.Contains([]string{"tmpfs", "ramfs"}, fs) {
		err = fmt.Errorf("the databases would be on %s, where syncing says nothing: name a folder on a disk with -dir", fs)
	}
	return err
}

// prepare builds the servers and fills their books. done must be called whatever
// comes of it.
func (r *runner) prepare(ctx context.Context, dir string, said func(string)) (versions []string, done func(), err error) {
	done = func() {}
	has := func(name string) bool { return slices.Contains(r.plan.subjects, name) }
	sizes := r.sizes
	if r.growthRows > 0 && !slices.Contains(sizes, 0) {
		sizes = append([]int{0}, sizes...)
	}

	said("build contactbook")
	binary := filepath.Join(dir, "contactbook")
	if err := build(ctx, "..", binary, "./cmd/contactbook"); err != nil {
		return nil, done, err
	}
	version, err := versionsOf("contactbook", binary, "modernc.org/sqlite", "github.com/jackc/pgx/v5")
	if err != nil {
		return nil, done, err
	}
	versions = append(versions, version)

	// The ceiling needs contactbook's requests and replies, whoever else is measured.
	files, err := makeSQLiteBooks(ctx, filepath.Join(dir, "sqlite"), sizes, said)
	if err != nil {
		return nil, done, err
	}
	sqlite := onSQLite(binary, files)
	r.ceilings = &ceilings{dir, files}
	for _, rows := range r.sizes {
		if err := r.ceilings.learn(ctx, sqlite, rows, r.ceilingOps(rows)); err != nil {
			return nil, done, err
		}
	}
	if has(nameSQLite) {
		r.subjects = append(r.subjects, sqlite)
	}
	if has(namePostgres) {
		books, err := makePostgresBooks(ctx, sizes, said)
		if books != nil {
			done = books.server.Stop
		}
		if err == nil {
			err = onDisk(books.dir())
		}
		if err != nil {
			return nil, done, err
		}
		r.subjects = append(r.subjects, onPostgres(binary, books))
		versions = append(versions, "PostgreSQL "+books.version)
	}
	if has(nameNaive) {
		r.subjects = append(r.subjects, onNaive(files))
	}
	if has(namePeer) {
		said("build PocketBase")
		binary := filepath.Join(dir, "pocketbase")
		if err := build(ctx, "pocketbase", binary, "."); err != nil {
			return nil, done, err
		}
		version, err := versionsOf("PocketBase", binary, "github.com/pocketbase/pocketbase", "modernc.org/sqlite")
		if err != nil {
			return nil, done, err
		}
		versions = append(versions, version)
		books, err := makePeerBooks(ctx, binary, filepath.Join(dir, "peer"), r.peerSizes(), said)
		if err != nil {
			return nil, done, err
		}
		r.subjects = append(r.subjects, onPeer(books))
	}
	return versions, done, nil
}

// peerSizes are the sizes that PocketBase is measured at.
func (r *runner) peerSizes() []int {
	return slices.DeleteFunc(slices.Clone(r.sizes), func(rows int) bool { return len(r.opsOf(&subject{name: namePeer, ops: allOps}, rows)) == 0 })
}

// build makes a binary of a package of the module in dir, as make build does,
// with the Go that the module asks for.
func build(ctx context.Context, dir, binary, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOTOOLCHAIN=auto", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}
