package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"contactbook/client"
)

// sandboxFlags say which server to ask, and as whom. A secret never stands on the
// command line, where every process of the machine can read it.
type sandboxFlags struct{ url, clientID, credentials string }

// secretEnv is where a client's secret is looked for without --credentials-file.
const secretEnv = "CONTACTBOOK_CLIENT_SECRET"

func (a *app) sandbox() *cobra.Command {
	var f sandboxFlags
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Reset, seed and break the book of a SANDBOX client on a running server",
		Long: `sandbox asks a running server, over its API, for what a developer wants of a
double. It works for SANDBOX clients alone.

The credentials are those of CONTACTBOOK_CLIENT_ID and CONTACTBOOK_CLIENT_SECRET,
or of --credentials-file: the JSON that client create --json and
sandbox books make --json print. docs/sandbox.md tells the rest.`,
		Example: `  contactbook sandbox reset
  contactbook sandbox books make --json >book.json
  contactbook sandbox reset --credentials-file book.json`,
		Args: cobra.ArbitraryArgs,
		RunE: needsCommand,
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.url, "url", "http://127.0.0.1:8080", "the server")
	flags.StringVar(&f.clientID, "client-id", "", "the client's id; its secret is in "+secretEnv)
	flags.StringVar(&f.credentials, "credentials-file", "", "file with the client's id and secret as JSON")
	cmd.AddCommand(a.sandboxBooks(&f), a.sandboxReset(&f), a.sandboxSeed(&f), a.sandboxSnapshot(&f), a.sandboxRewind(&f), a.sandboxClock(&f), a.sandboxFaults(&f), a.sandboxJournal(&f))
	return cmd
}

// client is the API's client that the flags name.
func (f *sandboxFlags) client(a *app) (*client.Client, error) {
	id, secret := f.clientID, a.getenv(secretEnv)
	if f.credentials != "" {
		var c struct {
			ID     string `json:"clientId"`
			Secret string `json:"clientSecret"`
		}
		text, err := os.ReadFile(f.credentials)
		if err != nil {
			return nil, badUsage("the credentials file cannot be read: %v", err)
		}
		if json.Unmarshal(text, &c) != nil || c.ID == "" || c.Secret == "" { // an error of json would quote it
			return nil, badUsage(`%s: a credentials file is {"clientId":"...","clientSecret":"..."}`, f.credentials)
		}
		id, secret = c.ID, c.Secret
	}
	if id == "" || secret == "" {
		return nil, badUsage("set CONTACTBOOK_CLIENT_ID and %s, or --credentials-file", secretEnv)
	}
	c, err := client.New(f.url, id, secret, client.EndpointIP("127.0.0.1"), client.UserAgent("contactbook-cli"))
	return c, asUsage(err)
}

// sandboxCommand is a command that asks the server.
func (a *app) sandboxCommand(f *sandboxFlags, use, short, example string, run func(context.Context, *client.SandboxService) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Example: example, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.client(a)
			if err != nil {
				return err
			}
			return plainly(run(cmd.Context(), c.Sandbox))
		},
	}
}

// plainly says a refusal without the program's name, which stands before it.
func plainly(err error) error {
	var refused *client.Error
	if !errors.As(err, &refused) {
		return err
	}
	said := errors.New(strings.TrimPrefix(err.Error(), "contactbook: "))
	if refused.Code == client.CodeRPI {
		return usageError{said}
	}
	return said
}

// printValue prints JSON, or what text says in its place.
func (a *app) printValue(asJSON bool, v any, text string) error {
	if asJSON {
		return a.printJSON(v)
	}
	_, err := fmt.Fprint(a.stdout, text)
	return err
}

func (a *app) sandboxReset(f *sandboxFlags) *cobra.Command {
	return a.sandboxCommand(f, "reset", "Empty the book", "  contactbook sandbox reset",
		func(ctx context.Context, s *client.SandboxService) error {
			n, err := s.Reset(ctx)
			if err == nil {
				fmt.Fprintf(a.stdout, "The book is empty; it had %d contacts.\n", n)
			}
			return err
		})
}

func (a *app) sandboxBooks(f *sandboxFlags) *cobra.Command {
	return group("books", "Make, list and end throw-away books",
		`A throw-away book is a new SANDBOX client with an empty book of its own, so that
tests which run side by side share a server and nothing else. Both end by
themselves.`,
		"  contactbook sandbox books make --json >book.json",
		a.sandboxBooksMake(f), a.sandboxBooksList(f), a.sandboxBooksEnd(f))
}

func (a *app) sandboxBooksMake(f *sandboxFlags) *cobra.Command {
	var name string
	var hours int
	var asJSON, asEnv bool
	cmd := a.sandboxCommand(f, "make", "Make a throw-away book and print its credentials once",
		"  contactbook sandbox books make --json >book.json\n  contactbook sandbox books make --name \"job 4711\" --hours 2 --env",
		func(ctx context.Context, s *client.SandboxService) error {
			if asJSON && asEnv {
				return badUsage("give --json or --env, not both")
			}
			b, err := s.MakeBook(ctx, name, hours)
			if err != nil {
				return err
			}
			if asEnv { // both are of letters, digits, +, / and =
				_, err := fmt.Fprintf(a.stdout, "CONTACTBOOK_CLIENT_ID=%s\n%s=%s\n", b.ClientID, secretEnv, b.ClientSecret)
				return err
			}
			return a.printValue(asJSON, struct {
				ID          string    `json:"clientId"`
				Secret      string    `json:"clientSecret"`
				UserID      int64     `json:"userId"`
				Environment string    `json:"environment"`
				Expires     time.Time `json:"expiresAt"`
			}{b.ClientID, b.ClientSecret, b.UserID, "SANDBOX", b.ExpiresAt},
				fmt.Sprintf("X-Ipay-Client-Id:     %s\nX-Ipay-Client-Secret: %s\n\nFor user %d, SANDBOX, until %s. The secret is not shown again.\n",
					b.ClientID, b.ClientSecret, b.UserID, b.ExpiresAt.Format(time.RFC3339)))
		})
	cmd.Flags().StringVar(&name, "name", "", "what the book is called in lists")
	cmd.Flags().IntVar(&hours, "hours", 24, "how long it lasts, 1 to 24")
	cmd.Flags().BoolVar(&asEnv, "env", false, "print lines for a shell or a CI's file of variables")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *app) sandboxBooksList(f *sandboxFlags) *cobra.Command {
	var asJSON bool
	cmd := a.sandboxCommand(f, "list", "List the throw-away books that have not ended", "  contactbook sandbox books list",
		func(ctx context.Context, s *client.SandboxService) error {
			all, err := s.Books(ctx)
			if err != nil {
				return err
			}
			type view struct {
				ID      string    `json:"clientId"`
				Name    string    `json:"name"`
				UserID  int64     `json:"userId"`
				Created time.Time `json:"createdAt"`
				Expires time.Time `json:"expiresAt"`
			}
			views := []view{}
			for _, b := range all {
				views = append(views, view{b.ClientID, b.Name, b.UserID, b.CreatedAt, b.ExpiresAt})
			}
			if asJSON {
				return a.printJSON(views)
			}
			t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "CLIENT ID\tUSER\tENDS\tNAME")
			for _, v := range views {
				fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", v.ID, v.UserID, v.Expires.Format(time.RFC3339), v.Name)
			}
			return t.Flush()
		})
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *app) sandboxBooksEnd(f *sandboxFlags) *cobra.Command {
	var id string
	return argument(a.sandboxCommand(f, "end CLIENT_ID", "End a throw-away book before its time", "  contactbook sandbox books end CLIENT_ID",
		func(ctx context.Context, s *client.SandboxService) error {
			err := s.EndBook(ctx, id)
			if err == nil {
				fmt.Fprintln(a.stdout, "Ended. Its records are erased within two minutes.")
			}
			return err
		}), "one CLIENT_ID", false, &id)
}
