package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"contactbook/internal/store"
)

// pepperSource is the pepper that the settings name.
func (a *app) pepperSource() store.PepperSource {
	return store.PepperSource{Value: store.Secret(a.getenv("CONTACTBOOK_PEPPER")), File: a.PepperFile}
}

// sqliteURL is the database's address where it is a file; instead says what to
// use where it is not.
func (a *app) sqliteURL(instead string) (string, error) {
	url, err := a.URL()
	if err != nil {
		return "", usageError{err}
	}
	if !store.IsSQLite(url) {
		return "", badUsage("%s", instead)
	}
	return url, nil
}

func (a *app) backup() *cobra.Command {
	var to string
	var withoutPepper bool
	cmd := &cobra.Command{
		Use:   "backup [--to FILE]",
		Short: "Copy a SQLite book while it is served",
		Long: `backup makes a copy of a SQLite book as it stands at one moment, while a server
writes to it. The copy is looked over (integrity, foreign keys, what must be true
of every book) before it gets its name; FILE.sha256 holds its checksum, in the form
that sha256sum -c reads, and FILE.pepper the pepper, without which a restored book
lets no client in. Keep FILE.pepper apart from FILE: who has both can try secrets.
All are readable by their owner alone. Nothing is overwritten, and a backup that
fails or is interrupted leaves nothing.

PostgreSQL has its own tools: pg_basebackup and pg_dump.`,
		Example: `  contactbook backup
  contactbook backup --to nightly.db
  contactbook backup --to /mnt/backup/book.db --without-pepper`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := a.sqliteURL("backup copies SQLite books: back a PostgreSQL database up with pg_basebackup, or with pg_dump, and keep the pepper too; docs/operate.md says how")
			if err != nil {
				return err
			}
			if to == "" {
				to = time.Now().UTC().Format("contactbook-20060102T150405Z.db")
			}
			p := newProgress(a.stderr)
			began := time.Now()
			done, err := store.Backup{URL: url, To: to, Pepper: a.pepperSource(), NoPepper: withoutPepper, Progress: p.show}.Run(cmd.Context())
			p.end()
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "The backup is %s: %.1f MB, schema %d, checked, in %s.\nIts checksum is in %s\n",
				to, float64(done.Size)/1e6, done.Schema, time.Since(began).Round(time.Millisecond), to+store.SumSuffix)
			if done.Pepper != "" {
				_, err = fmt.Fprintf(a.stdout, "The pepper is in %s: keep it apart from the backup.\n", done.Pepper)
			} else {
				_, err = fmt.Fprintln(a.stdout, "The pepper is not in it: without the pepper a restored book lets no client in.")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the file to make; none: contactbook-TIME.db in this folder")
	cmd.Flags().BoolVar(&withoutPepper, "without-pepper", false, "leave the pepper out, because it is kept elsewhere")
	return cmd
}

func (a *app) restore() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a backup the SQLite book again",
		Long: `restore checks a backup against its checksum, looks it over, and puts it in the
place of the book at one moment: a crash leaves the old book or the new one. The
pepper beside it is put back where there is none; another one is never overwritten.
It refuses while a server holds the book, and where there is a book, without --force.`,
		Example: `  contactbook restore nightly.db --database sqlite:restored/book.db --pepper-file restored/pepper.key
  contactbook restore nightly.db --force`,
		Args: exactly(1, "one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, err := a.sqliteURL("restore makes SQLite books: restore a PostgreSQL database with its own tools; docs/operate.md says how")
			if err != nil {
				return err
			}
			p := newProgress(a.stderr)
			began := time.Now()
			done, err := store.Restore{From: args[0], URL: url, Pepper: a.pepperSource(), Force: force, Progress: p.show}.Run(cmd.Context())
			p.end()
			if err != nil {
				return err
			}
			if done.Pepper != "" {
				fmt.Fprintf(a.stdout, "The pepper is back in %s\n", done.Pepper)
			}
			if done.Aside != "" {
				fmt.Fprintf(a.stdout, "The damaged book is kept as %s\n", done.Aside)
			}
			_, err = fmt.Fprintf(a.stdout, "The book is %s, with schema %d, in %s.\n", done.Path, done.Schema, time.Since(began).Round(time.Millisecond))
			return err
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the book that is there")
	return cmd
}
