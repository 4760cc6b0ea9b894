// Package cli is the command line: one file per command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"contactbook/internal/config"
	"contactbook/internal/store"
)

// Exit codes, which scripts may rely on.
const (
	exitOK      = 0
	exitFailure = 1
	exitSetting = 2 // wrong usage or settings: the command did nothing
)

// usageError is a command line or a setting that cannot work.
type usageError struct{ error }

// asUsage makes a usageError of an error.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// badUsage makes an error that ends the program with exitSetting.
func badUsage(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// app is what all commands share: the world outside and the global flags.
type app struct {
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	log    *slog.Logger

	config.Settings
	sources config.Resolved // of the flags of the command that runs
}

// Run runs the program with its arguments, without its own name, until it is
// done or ctx ends, and returns its exit code.
func Run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr, log: slog.New(slog.NewTextHandler(stderr, nil))}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "contactbook: %v\n", err)
	var usage usageError
	var setting store.SettingError
	if errors.As(err, &usage) || errors.As(err, &setting) {
		return exitSetting
	}
	return exitFailure
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "contactbook",
		Short: "A contact book server for payments businesses",
		Long: `contactbook keeps the payees of payments businesses and speaks the Contact Book
API over HTTP, on an embedded SQLite file or on PostgreSQL.

Every flag may also be set in the environment, as CONTACTBOOK_ and its name in
capitals (CONTACTBOOK_LISTEN), or in the file that --config names, as lines of
FLAG = VALUE. The command line wins over the environment, which wins over the file.`,
		Example: `  contactbook serve
  contactbook serve --listen 127.0.0.1:9000 --database postgres://book@db.internal/book
  contactbook client create --user-id 1001 --environment LIVE --name payroll`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          needsCommand,
	}
	flags := root.PersistentFlags()
	a.Settings.Global(flags)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return badUsage("%v; see %s --help", err, cmd.CommandPath())
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		a.sources, err = config.Resolve(cmd.Flags(), a.getenv, func(flag string) bool { return knows(root, flag) })
		return asUsage(err)
	}
	root.AddCommand(a.serve(), a.client(), a.migrate(), a.backup(), a.restore(), a.doctor(), a.sandbox(), a.verify(), a.config(), a.man(), a.version())
	return root
}

// needsCommand is what a command that only groups others does.
func needsCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return badUsage("%s has no command %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return cmd.Help()
}

// knows tells whether any command has the flag.
func knows(cmd *cobra.Command, flag string) bool {
	for _, flags := range []*pflag.FlagSet{cmd.LocalFlags(), cmd.PersistentFlags()} {
		if flags.Lookup(flag) != nil {
			return true
		}
	}
	for _, sub := range cmd.Commands() {
		if knows(sub, flag) {
			return true
		}
	}
	return false
}

// exactly demands n arguments, said in the words of usage.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return badUsage("%s takes %s; see %s --help", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

var noArgs = exactly(0, "no arguments")

// open opens the database that the flags name.
func (a *app) open(ctx context.Context, o store.Options) (*store.DB, error) {
	url, err := a.URL()
	if err != nil {
		return nil, usageError{err}
	}
	o.URL, o.Log = url, a.log
	o.Pepper = a.pepperSource()
	return store.Open(ctx, o)
}

// withOptions runs fn on the database that the flags name, opened as o says.
func (a *app) withOptions(cmd *cobra.Command, o store.Options, fn func(context.Context, *store.DB) error) error {
	db, err := a.open(cmd.Context(), o)
	if err != nil {
		return err
	}
	return errors.Join(fn(cmd.Context(), db), db.Close())
}
