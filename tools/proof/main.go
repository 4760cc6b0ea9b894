// Command proof runs the catalogue of what contactbook promises, at the size of a night or of a release, and keeps what
// it found in docs/reliability.json and in the tables of docs/reliability.md.
//
//	make nightly                 all of it
//	make nightly ONLY=R1,M1      these alone
//	make plants ONLY=P03         that the tests find a fault put there on purpose
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := flag.String("root", "..", "the folder of the project")
	size := flag.String("size", "nightly", "nightly or release")
	only := flag.String("only", "", "ids of the catalogue, with commas between; all when empty")
	what := flag.String("what", "all", "catalogue, plants or all")
	page := flag.Bool("page", false, "run nothing: write the tables of docs/reliability.md anew")
	flag.Parse()
	book, err := openBook(*root)
	if err == nil && *page {
		err = book.save()
	} else if err == nil {
		err = all(ctx, book, *size, *what, *only, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "proof:", err)
		os.Exit(1)
	}
}

// all runs what was asked for and tells at the end how it went. It fails unless all of it is as promised.
func all(ctx context.Context, b *book, size, what, only string, out io.Writer) error {
	if size != "nightly" && size != "release" {
		return fmt.Errorf("a size is nightly or release, not %q", size)
	}
	ids, faults, err := chosen(what, only)
	if err != nil {
		return err
	}
	r := &runner{root: b.root, size: size, out: out, logs: filepath.Join(b.root, "dist", "proof"), began: time.Now()}
	if err := os.MkdirAll(r.logs, 0o755); err != nil {
		return err
	}
	var wrong []string
	for i, it := range ids {
		r.say("%s (%d of %d): %s", it.ID, i+1, len(ids), it.Title)
		result := r.prove(ctx, it)
		if ctx.Err() != nil {
			break
		}
		b.Proofs[it.ID] = result
		if err := b.save(); err != nil {
			return err
		}
		r.say("%s: %s", it.ID, result.summary())
		if result.Verdict != met {
			wrong = append(wrong, it.ID)
		}
	}
	for i, p := range faults {
		if ctx.Err() != nil {
			break
		}
		r.say("%s (%d of %d): %s", p.ID, i+1, len(faults), p.What)
		result := r.plant(ctx, p)
		if ctx.Err() != nil {
			break
		}
		b.Plants[p.ID] = result
		if err := b.save(); err != nil {
			return err
		}
		r.say("%s: %s", p.ID, result.summary())
		if result.Verdict != found {
			wrong = append(wrong, p.ID)
		}
	}
	b.print(out, ids, faults)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; what was done until then is recorded")
	case len(wrong) > 0:
		return fmt.Errorf("not as promised: %s (their output is in %s)", strings.Join(wrong, ", "), r.logs)
	}
	return nil
}

// chosen are the parts of the catalogue, and the plants, that were asked for.
func chosen(what, only string) (ids []item, faults []fault, err error) {
	if what != "all" && what != "catalogue" && what != "plants" {
		return nil, nil, fmt.Errorf("-what is catalogue, plants or all, not %q", what)
	}
	var names []string
	for name := range strings.SplitSeq(only, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	known := map[string]bool{}
	for _, it := range catalogue {
		if known[it.ID] = what != "plants"; known[it.ID] && (len(names) == 0 || slices.Contains(names, it.ID)) {
			ids = append(ids, it)
		}
	}
	for _, p := range plants {
		if known[p.ID] = what != "catalogue"; known[p.ID] && (len(names) == 0 || slices.Contains(names, p.ID)) {
			faults = append(faults, p)
		}
	}
	for _, name := range names {
		if !known[name] {
			return nil, nil, fmt.Errorf("there is no %q to run", name)
		}
	}
	return ids, faults, nil
}
