package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"contactbook/internal/store"
)

func (a *app) migrate() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date, as every start does",
		Long: `migrate brings the schema up to date and says which version it has. Where the
database has the citus extension it also distributes the tables: those of a book
by tenant, the credentials by client id. It is safe to run at any time.`,
		Example: `  contactbook migrate
  contactbook migrate --database postgres://book@db.internal/book`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOptions(cmd, store.Options{Migrate: true}, func(_ context.Context, db *store.DB) error {
				_, err := fmt.Fprintf(a.stdout, "The %s database has schema %d, which is up to date.\n", db.Engine(), db.Schema())
				return err
			})
		},
	}
}
