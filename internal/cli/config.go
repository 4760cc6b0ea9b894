package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"contactbook/internal/config"
)

func (a *app) config() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the server's settings and where each came from",
		Long: `config shows the settings that serve would run with, and whether each came from
the command line, the environment, the configuration file or its default. It
takes serve's flags. Passwords are masked; nothing is opened or changed.`,
		Example: `  contactbook config
  CONTACTBOOK_LISTEN=127.0.0.1:9000 contactbook config --log-level debug`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.Check(); err != nil {
				return usageError{err}
			}
			all := a.sources.Effective(cmd.Flags(), func(flag string) bool { return flag != "json" && flag != "help" })
			if a.getenv("CONTACTBOOK_PEPPER") != "" {
				all = append(all, config.Effective{Flag: "pepper", Value: "[masked]", Source: "environment variable CONTACTBOOK_PEPPER"})
			}
			if asJSON {
				return a.printJSON(all)
			}
			t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "SETTING\tVALUE\tSOURCE")
			for _, e := range all {
				fmt.Fprintf(t, "%s\t%s\t%s\n", e.Flag, e.Value, e.Source)
			}
			return t.Flush()
		},
	}
	a.Settings.Serve(cmd.Flags())
	jsonFlag(cmd, &asJSON)
	return cmd
}
