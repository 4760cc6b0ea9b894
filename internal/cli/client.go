package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"contactbook/internal/config"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

func (a *app) client() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "client",
		Short: "Create and manage clients: the credentials of a user's book",
		Long: `A client is one set of credentials. It belongs to a user, and opens that user's
LIVE or SANDBOX book; the clients of one user and environment share a book.
Changes work while servers run: a new client at once, any other within 5 seconds.`,
		Example: `  contactbook client create --user-id 1001 --environment LIVE --name payroll
  contactbook client list
  contactbook client rotate CLIENT_ID --overlap 48h`,
		Args: cobra.ArbitraryArgs,
		RunE: needsCommand,
	}
	cmd.AddCommand(a.clientCreate(), a.clientList(), a.clientShow(), a.clientUpdate(), a.clientRotate(), a.clientDelete(),
		a.clientSwitch("disable", "Refuse a client until it is enabled again",
			"contactbook client disable CLIENT_ID", func(c *store.Client) { c.Enabled = false }),
		a.clientSwitch("enable", "Let a disabled client in again",
			"contactbook client enable CLIENT_ID", func(c *store.Client) { c.Enabled = true }),
		a.clientSwitch("revoke", "End a client's credentials for good, without an overlap",
			"contactbook client revoke CLIENT_ID", func(c *store.Client) { c.Revoked = true }))
	return cmd
}

// clientView is a client as the command line shows it.
type clientView struct {
	ID          string     `json:"clientId"`
	UserID      int64      `json:"userId"`
	Environment string     `json:"environment"`
	Name        string     `json:"name"`
	AllowIPs    []string   `json:"allowIps"` // empty: any address
	Lenient     bool       `json:"lenient"`
	RateLimit   int64      `json:"rateLimit"` // requests a second and server; 0: no limit
	Burst       int64      `json:"burst"`
	MaxInFlight int64      `json:"maxInFlight"` // 0: no limit
	Enabled     bool       `json:"enabled"`
	Revoked     bool       `json:"revoked"`
	Created     time.Time  `json:"createdAt"`
	Updated     time.Time  `json:"updatedAt"`
	OldSecret   *time.Time `json:"oldSecretUntil,omitempty"`
	Parent      string     `json:"parentClientId,omitempty"` // of a throw-away client
	Expires     *time.Time `json:"expiresAt,omitempty"`      // likewise
}

func viewOf(c *store.Client) clientView {
	v := clientView{
		ID: c.ID, UserID: c.UserID, Environment: c.Environment(), Name: c.Name, AllowIPs: []string{},
		Lenient: c.Lenient, RateLimit: c.RateLimit, Burst: c.Burst, MaxInFlight: c.MaxInFlight,
		Enabled: c.Enabled, Revoked: c.Revoked, Created: timeOf(c.Created), Updated: timeOf(c.Updated),
	}
	for _, p := range c.Allow {
		v.AllowIPs = append(v.AllowIPs, p.String())
	}
	if until := timeOf(c.OldUntil); until.After(time.Now()) {
		v.OldSecret = &until
	}
	if v.Parent = c.Parent; c.Expires != 0 {
		until := timeOf(c.Expires)
		v.Expires = &until
	}
	return v
}

func timeOf(m wire.Millis) time.Time { return time.UnixMilli(int64(m)).UTC() }

func (v clientView) state() string {
	switch {
	case v.Revoked:
		return "revoked"
	case !v.Enabled:
		return "disabled"
	case v.Expires != nil && !v.Expires.After(time.Now()):
		return "ended"
	}
	return "enabled"
}

func (v clientView) text(w io.Writer) error {
	from := strings.Join(v.AllowIPs, ", ")
	if from == "" {
		from = "any address"
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "client id\t%s\nuser id\t%d\nenvironment\t%s\nname\t%s\nstate\t%s\nallowed from\t%s\nlenient\t%t\nlimits\t%s\ncreated\t%s\nupdated\t%s\n",
		v.ID, v.UserID, v.Environment, v.Name, v.state(), from, v.Lenient, v.limits(), v.Created.Format(time.RFC3339), v.Updated.Format(time.RFC3339))
	if v.OldSecret != nil {
		fmt.Fprintf(t, "old secret until\t%s\n", v.OldSecret.Format(time.RFC3339))
	}
	if v.Expires != nil {
		fmt.Fprintf(t, "thrown away at\t%s\nmade by\t%s\n", v.Expires.Format(time.RFC3339), v.Parent)
	}
	return t.Flush()
}

// printJSON prints one JSON value on one line.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// withDB runs fn on the database that the flags name.
func (a *app) withDB(cmd *cobra.Command, fn func(context.Context, *store.DB) error) error {
	return a.withOptions(cmd, store.Options{}, fn)
}

func (a *app) clientCreate() *cobra.Command {
	var userID int64
	var environment, name string
	var allow []string
	var lenient, asJSON bool
	var limits clientLimits
	cmd := &cobra.Command{
		Use:   "create --user-id N --environment LIVE|SANDBOX --name NAME",
		Short: "Create a client and print its credentials once",
		Example: `  contactbook client create --user-id 1001 --environment LIVE --name payroll
  contactbook client create --user-id 1001 --environment SANDBOX --name tests --lenient --json
  contactbook client create --user-id 1001 --environment LIVE --name office --allow-ip 203.0.113.0/24
  contactbook client create --user-id 1001 --environment LIVE --name import --rate-limit 50 --burst 200 --max-in-flight 4`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := store.Client{UserID: userID, Sandbox: environment == wire.Sandbox, Lenient: lenient}
			if userID < 1 || userID > store.MaxUserID {
				return badUsage("--user-id must be from 1 to %d", int64(store.MaxUserID))
			}
			if environment != wire.Live && environment != wire.Sandbox {
				return badUsage("--environment must be LIVE or SANDBOX")
			}
			var err error
			if c.Name, err = clientName(name); err != nil {
				return err
			}
			if c.Allow, err = allowList(allow); err != nil {
				return err
			}
			if err = limits.set(cmd.Flags(), &c); err != nil {
				return err
			}
			return a.withDB(cmd, func(ctx context.Context, db *store.DB) error {
				c, secret, err := db.AddClient(ctx, c)
				if err != nil {
					return err
				}
				return a.printCredentials(&c, secret, asJSON)
			})
		},
	}
	f := cmd.Flags()
	f.Int64Var(&userID, "user-id", 0, "the user whose book it opens, 1 to 4503599627370496")
	f.StringVar(&environment, "environment", "", "LIVE or SANDBOX")
	f.StringVar(&name, "name", "", "what the client is called in lists")
	f.StringSliceVar(&allow, "allow-ip", nil, "CIDR that it may be used from (repeatable); none: any address")
	f.BoolVar(&lenient, "lenient", false, "do not check the form of PAN, CIN, GSTIN, TAN, Udyam, IFSC, VPA, account number and PIN code")
	limits.flags(f)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// allowList reads --allow-ip.
func allowList(texts []string) ([]netip.Prefix, error) {
	prefixes, err := config.Prefixes("allow-ip", texts)
	return prefixes, asUsage(err)
}

func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON")
}

func clientName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > 255 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", badUsage("--name must have 1 to 255 bytes and no control characters")
	}
	return name, nil
}

// printCredentials is the only place that shows a secret.
func (a *app) printCredentials(c *store.Client, secret string, asJSON bool) error {
	if asJSON {
		return a.printJSON(struct {
			ID          string `json:"clientId"`
			Secret      string `json:"clientSecret"`
			UserID      int64  `json:"userId"`
			Environment string `json:"environment"`
		}{c.ID, secret, c.UserID, c.Environment()})
	}
	_, err := fmt.Fprintf(a.stdout, "X-Ipay-Client-Id:     %s\nX-Ipay-Client-Secret: %s\n\nFor user %d, %s. The secret is not shown again.\n",
		c.ID, secret, c.UserID, c.Environment())
	return err
}

func (a *app) clientList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List all clients, oldest first", Args: noArgs,
		Example: "  contactbook client list\n  contactbook client list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDB(cmd, func(ctx context.Context, db *store.DB) error {
				all, err := db.Clients(ctx)
				if err != nil {
					return err
				}
				return a.printClients(all, asJSON)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *app) printClients(all []store.Client, asJSON bool) error {
	views := make([]clientView, len(all))
	for i := range all {
		views[i] = viewOf(&all[i])
	}
	if asJSON {
		return a.printJSON(views)
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CLIENT ID\tUSER\tENVIRONMENT\tSTATE\tLIMITS\tNAME")
	for _, v := range views {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", v.ID, v.UserID, v.Environment, v.state(), v.limits(), v.Name)
	}
	return t.Flush()
}

// clientCommand is a command about the one client that its argument names.
func (a *app) clientCommand(use, short, example string, run func(ctx context.Context, db *store.DB, id string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " CLIENT_ID", Short: short, Example: "  " + example, Args: exactly(1, "one CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDB(cmd, func(ctx context.Context, db *store.DB) error {
				err := run(ctx, db, args[0])
				if errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("there is no client %q", args[0])
				}
				return err
			})
		},
	}
}

func (a *app) printClient(c *store.Client, asJSON bool) error {
	if asJSON {
		return a.printJSON(viewOf(c))
	}
	return viewOf(c).text(a.stdout)
}

func (a *app) clientShow() *cobra.Command {
	var asJSON bool
	cmd := a.clientCommand("show", "Show one client, without its secret", "contactbook client show CLIENT_ID --json",
		func(ctx context.Context, db *store.DB, id string) error {
			c, err := db.Client(ctx, id)
			if err != nil {
				return err
			}
			return a.printClient(c, asJSON)
		})
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *app) clientUpdate() *cobra.Command {
	var name string
	var allow []string
	var anyIP, lenient, asJSON bool
	var limits clientLimits
	var cmd *cobra.Command
	cmd = a.clientCommand("update", "Change a client's name, allow-list, leniency or limits",
		"contactbook client update CLIENT_ID --allow-ip 203.0.113.0/24 --lenient=false",
		func(ctx context.Context, db *store.DB, id string) error {
			f := cmd.Flags()
			prefixes, err := allowList(allow)
			if err != nil {
				return err
			}
			if anyIP && len(prefixes) > 0 {
				return badUsage("give --allow-ip or --any-ip, not both")
			}
			if f.Changed("name") {
				if name, err = clientName(name); err != nil {
					return err
				}
			}
			c, err := db.UpdateClient(ctx, id, func(c *store.Client) error {
				if f.Changed("name") {
					c.Name = name
				}
				if anyIP || len(prefixes) > 0 {
					c.Allow = prefixes
				}
				if f.Changed("lenient") {
					c.Lenient = lenient
				}
				return limits.set(f, c)
			})
			if err != nil {
				return err
			}
			return a.printClient(c, asJSON)
		})
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "what the client is called in lists")
	f.StringSliceVar(&allow, "allow-ip", nil, "CIDR that it may be used from, instead of the old ones (repeatable)")
	f.BoolVar(&anyIP, "any-ip", false, "let it be used from any address")
	f.BoolVar(&lenient, "lenient", false, "do not check the form of Indian identifiers")
	limits.flags(f)
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *app) clientRotate() *cobra.Command {
	var overlap time.Duration
	var asJSON bool
	cmd := a.clientCommand("rotate", "Give a client a new secret; the old one works on for the overlap",
		"contactbook client rotate CLIENT_ID --overlap 48h",
		func(ctx context.Context, db *store.DB, id string) error {
			if overlap < 0 {
				return badUsage("--overlap must not be negative")
			}
			c, secret, err := db.Rotate(ctx, id, overlap)
			if err != nil {
				return err
			}
			return a.printCredentials(c, secret, asJSON)
		})
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the old secret works on")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// clientSwitch is a command that changes one thing.
func (a *app) clientSwitch(use, short, example string, edit func(*store.Client)) *cobra.Command {
	var asJSON bool
	cmd := a.clientCommand(use, short, example, func(ctx context.Context, db *store.DB, id string) error {
		c, err := db.UpdateClient(ctx, id, func(c *store.Client) error {
			if c.Revoked && use != "revoke" {
				return errors.New("the client is revoked, which is for good; create a new one")
			}
			edit(c)
			return nil
		})
		if err != nil {
			return err
		}
		return a.printClient(c, asJSON)
	})
	jsonFlag(cmd, &asJSON)
	return cmd
}
