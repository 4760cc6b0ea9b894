// Command pocketbase is the peer: PocketBase as it is, with one more command
// that makes the collections of the benchmark and fills them.
package main

import (
	"fmt"
	"os"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"
)

func main() {
	app := pocketbase.NewWithConfig(pocketbase.Config{HideStartBanner: true})
	var b book
	fill := &cobra.Command{
		Use:   "fill",
		Short: "make the collections, users, tags and contacts; print the users' tokens as JSON",
		RunE:  func(*cobra.Command, []string) error { return b.fill(app, os.Stdout) },
	}
	fill.Flags().IntVar(&b.tenants, "tenants", 1000, "users, with tags each")
	fill.Flags().IntVar(&b.holders, "holders", 1000, "how many of them have the contacts")
	fill.Flags().IntVar(&b.rows, "rows", 0, "contacts")
	app.RootCmd.AddCommand(fill)
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.InstallerFunc = nil // there is nobody to make an administrator
		return e.Next()
	})
	if err := app.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
