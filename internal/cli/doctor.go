package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"contactbook/internal/store"
)

func (a *app) doctor() *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look over the database, and say what is wrong and what to do",
		Long: `doctor reads the whole database, on either engine, while servers run or not, and
changes nothing: its integrity, its schema, what must be true of every book (no
child without its contact or in another tenant, at most one primary payment method,
unique keys), the settings that durability rests on, the pepper, and who may read
the files, and where row-level security divides the tenants, whether it does so on
every table. It prints nothing that users sent. Its exit code is 1 when something is
wrong.`,
		Example: `  contactbook doctor
  contactbook doctor --verbose
  contactbook doctor --database postgres://book@db.internal/book`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := a.URL()
			if err != nil {
				return usageError{err}
			}
			c, err := store.Check(cmd.Context(), url, a.pepperSource())
			if err != nil {
				return err
			}
			if verbose {
				for _, what := range c.Looked {
					fmt.Fprintf(a.stdout, "good: %s\n", what)
				}
			}
			if a.RowSecurity && !c.Wall.Up() {
				c.Found = append(c.Found, store.Finding{What: "row-level security, the second wall between tenants, is not up", Do: "run contactbook migrate --row-level-security as the owner of the tables"})
			}
			for _, what := range c.Advices {
				fmt.Fprintf(a.stdout, "advice: %s\n", what)
			}
			for _, f := range c.Found {
				fmt.Fprintf(a.stdout, "WRONG: %s\n  what to do: %s\n", f.What, f.Do)
			}
			if n := len(c.Found); n > 0 {
				return fmt.Errorf("doctor found %d wrong", n)
			}
			_, err = fmt.Fprintf(a.stdout, "The %s database is well: %d checks.\n", c.Engine, len(c.Looked))
			return err
		},
	}
	a.Settings.Wall(cmd.Flags(), "find it wrong when PostgreSQL's row-level security is not up; a gap in it is found in any case")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "say what was looked at, too")
	return cmd
}
