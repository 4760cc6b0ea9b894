package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"contactbook/internal/server"
	"contactbook/internal/store"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 20 * time.Second // for requests that run when the server stops
)

func (a *app) serve() *cobra.Command {
	var listen string
	var proxies []string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `serve runs the server until it is told to stop by SIGINT or SIGTERM.

Its first start on an empty SQLite file creates one SANDBOX client and prints its
credentials once. On PostgreSQL clients are made with contactbook client create.`,
		Example: `  contactbook serve
  contactbook serve --database sqlite:/var/lib/contactbook/book.db
  contactbook serve --database postgres://book@db.internal/book --listen 127.0.0.1:9000`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			trusted, err := parsePrefixes("trusted-proxy", proxies)
			if err != nil {
				return err
			}
			return a.runServer(cmd.Context(), listen, trusted)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address and port to listen on; port 0 takes a free one")
	cmd.Flags().StringSliceVar(&proxies, "trusted-proxy", nil, "CIDR of proxies whose X-Forwarded-For is believed (repeatable)")
	return cmd
}

// parsePrefixes reads CIDRs; a lone address is a CIDR of itself.
func parsePrefixes(flag string, texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if ip, alone := netip.ParseAddr(text); err != nil && alone == nil {
			p, err = ip.Prefix(ip.BitLen())
		}
		if err != nil {
			return nil, badUsage("--%s: %q is not a CIDR such as 203.0.113.0/24", flag, text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

func (a *app) runServer(ctx context.Context, listen string, trusted []netip.Prefix) error {
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return badUsage("--listen: %q is not an address and port such as 127.0.0.1:8080", listen)
	}
	db, err := a.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() {
		if err := db.Close(); err != nil {
			a.log.Error("close the database", "error", err)
		}
	}()
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return badUsage("cannot listen on %s: %v", listen, err)
	}
	base := "http://" + ln.Addr().String()
	if err := a.welcome(ctx, db, base); err != nil {
		ln.Close()
		return err
	}
	handler := server.New(server.Options{DB: db, Log: a.log, TrustedProxies: trusted})
	fmt.Fprintf(a.stdout, "contactbook listens on %s\n", base)
	return serveUntil(ctx, ln, handler, a.log)
}

// serveUntil serves until ctx ends, then takes no more and finishes what runs.
func serveUntil(ctx context.Context, ln net.Listener, handler *server.Server, log *slog.Logger) error {
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	handler.Drain()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		srv.Close()
		return fmt.Errorf("stopped before every request was done: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// welcome says where the data is and, on the first start, how to begin.
func (a *app) welcome(ctx context.Context, db *store.DB, base string) error {
	if db.Engine() == "sqlite" {
		url, err := a.databaseURL()
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "The data is in %s\n", strings.TrimPrefix(url, "sqlite:"))
	}
	clients, err := db.Clients(ctx)
	if err != nil || len(clients) > 0 {
		return err
	}
	if db.Engine() != "sqlite" {
		fmt.Fprint(a.stdout, `There is no client yet. Create one with the same --database and pepper:

  contactbook client create --user-id 1 --environment LIVE --name "first client"

`)
		return nil
	}
	if first, err := db.Once(ctx, "welcomed"); err != nil || !first {
		return err
	}
	client, secret, err := db.AddClient(ctx, store.Client{UserID: 1, Sandbox: true, Name: "first client"})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, welcomeText, client.ID, secret, base)
	return nil
}

// welcomeText is for pasting: the second command uses what the first one printed.
const welcomeText = `
This is the first start. It made one SANDBOX client; the secret is not shown again:

  X-Ipay-Client-Id:     %[1]s
  X-Ipay-Client-Secret: %[2]s

Add a tag:

TAG=$(curl -sS '%[3]s/contacts/tag' \
  -H 'X-Ipay-Auth-Code: 1' \
  -H 'X-Ipay-Client-Id: %[1]s' \
  -H 'X-Ipay-Client-Secret: %[2]s' \
  -H 'X-Ipay-Endpoint-Ip: 127.0.0.1' \
  -H 'Content-Type: application/json' \
  -d '{"name":"Employee","hexColorCode":"#FF1934"}' | sed -n 's/.*"_id":"\([0-9a-f]*\)".*/\1/p'); echo "tag $TAG"

Add a contact with it:

curl -sS '%[3]s/contacts/profile' \
  -H 'X-Ipay-Auth-Code: 1' \
  -H 'X-Ipay-Client-Id: %[1]s' \
  -H 'X-Ipay-Client-Secret: %[2]s' \
  -H 'X-Ipay-Endpoint-Ip: 127.0.0.1' \
  -H 'Content-Type: application/json' \
  -d '{"name":"Sample Name","email":"sample@example.com","mobile":"7428585742","companyName":"Business Name","tagDetails":[{"tagId":"'"$TAG"'"}]}'; echo

`
