package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"contactbook/internal/config"
	"contactbook/internal/store"
)

func (a *app) migrate() *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date, as every start does",
		Long: `migrate brings the schema up to date and says which version it has. Where the
database has the citus extension it also distributes the tables: those of a book
by tenant, the credentials by client id. It is safe to run at any time.

On PostgreSQL, --row-level-security makes the database itself divide the tenants, as
a second wall behind contactbook's own: a role that does not own the tables then
reaches the rows of one tenant at a time alone, whatever it asks for. Run it as the
owner of the tables, with --serving-role for the role that serve is to connect as.
Tables of later migrations are put behind the wall by themselves.
--row-level-security=false takes it down.`,
		Example: `  contactbook migrate
  contactbook migrate --database postgres://book@db.internal/book
  contactbook migrate --row-level-security --serving-role book_serve --database postgres://book@db.internal/book
  contactbook migrate --row-level-security=false --database postgres://book@db.internal/book`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := store.Options{Migrate: true}
			o.Build.Role = role
			if cmd.Flags().Changed(config.RowSecurityFlag) {
				o.Build.Up, o.Build.Down = a.RowSecurity, !a.RowSecurity
			}
			return a.withOptions(cmd, o, func(_ context.Context, db *store.DB) error {
				_, err := fmt.Fprintf(a.stdout, "The %s database has schema %d, which is up to date.\n", db.Engine(), db.Schema())
				switch {
				case err != nil:
				case o.Build.Up:
					_, err = fmt.Fprintln(a.stdout, "Row-level security divides its tenants, for every role but the owner.")
				case o.Build.Down:
					_, err = fmt.Fprintln(a.stdout, "Row-level security is off.")
				}
				return err
			})
		},
	}
	a.Settings.Wall(cmd.Flags(), "make PostgreSQL divide the tenants by row-level security; =false takes that down, and without the flag it stays as it is")
	cmd.Flags().StringVar(&role, "serving-role", "", "PostgreSQL role that serve connects as, to be given what it needs and no more")
	return cmd
}
