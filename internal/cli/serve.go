package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"contactbook/internal/book"
	"contactbook/internal/config"
	"contactbook/internal/server"
	"contactbook/internal/store"
	"contactbook/internal/verify"
)

func (a *app) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `serve runs the server until it is told to stop by SIGINT or SIGTERM; then it
takes no more, answers what it has accepted, and closes the database.

Its first start on an empty SQLite file creates one SANDBOX client and prints its
credentials once. On PostgreSQL clients are made with contactbook client create.

An address that is not loopback needs TLS, or the word --plain-http.`,
		Example: `  contactbook serve
  contactbook serve --database sqlite:/var/lib/contactbook/book.db
  contactbook serve --database postgres://book@db.internal/book --listen 127.0.0.1:9000
  contactbook serve --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.Check(); err != nil {
				return usageError{err}
			}
			out := newLineWriter(a.stderr)
			defer out.Close()
			log, err := newLog(&a.Settings, out)
			if err != nil {
				return err
			}
			a.log = log
			return a.runServer(cmd.Context())
		},
	}
	a.Settings.Serve(cmd.Flags())
	return cmd
}

// gcPercent trades memory for time: what lives is some 10 MB, so that twice as
// much garbage is little, and collecting it as often as Go does by default took a
// twentieth of a busy server.
const gcPercent = 200

// runServer opens everything that the settings name, and serves until ctx ends.
func (a *app) runServer(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	proxies, err := a.Proxies()
	if err != nil {
		return err
	}
	listen := server.Listen{MaxConnections: a.MaxConnections, Log: a.log}
	if listen.TLS, err = a.tls(); err != nil {
		return err
	}
	metrics := server.NewMetrics()
	options := store.Options{Serve: true, OnCommit: metrics.Commit, Wall: a.RowSecurity}
	db, err := a.open(ctx, options)
	absent := a.mayCome(err)
	if err != nil && !absent {
		return err
	}
	defer func() {
		if db == nil {
			return
		}
		if err := db.Close(); err != nil {
			a.log.Error("close the database", "error", err)
		}
	}()
	ln, err := net.Listen("tcp", a.Listen)
	if err != nil {
		return badUsage("cannot listen on %s: %v", a.Listen, err)
	}
	base := "http://" + ln.Addr().String()
	if listen.TLS != nil {
		base = "https://" + ln.Addr().String()
	}
	stopAdmin, err := a.serveAdmin(ctx, metrics)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer stopAdmin()
	if !absent {
		metrics.Watch(db)
		if err := a.welcome(ctx, db, base); err != nil {
			return errors.Join(err, ln.Close())
		}
	}
	live, err := a.desk()
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	handler := server.New(server.Options{
		DB: db, Log: a.log, Metrics: metrics, Node: a.Node, TrustedProxies: proxies,
		MaxRequests: a.MaxRequests, AuthFailures: a.AuthFailures, SandboxBooks: a.SandboxBooks, Live: live,
	})
	fmt.Fprintf(a.stdout, "contactbook listens on %s\n", base)
	if !absent {
		return handler.Serve(ctx, ln, listen)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	came := make(chan error, 1)
	go func() {
		var err error
		if db, err = a.await(ctx, options); err == nil {
			metrics.Watch(db)
			handler.Open(db)
			err = a.welcome(ctx, db, base)
		}
		if err != nil {
			cancel()
		}
		came <- err
	}()
	err = handler.Serve(ctx, ln, listen)
	cancel()
	if why := <-came; why != nil && !errors.Is(why, context.Canceled) {
		err = errors.Join(why, err)
	}
	return err
}

// desk is where LIVE verifications are asked; nil for nowhere.
func (a *app) desk() (*book.Desk, error) {
	switch a.Verifier {
	case config.VerifierSimulator:
		a.log.Warn("LIVE verifications are simulated: nobody asks a bank")
		return book.NewDesk(verify.Simulator{}), nil
	case config.VerifierManual:
		return book.NewDesk(verify.Manual{}), nil
	case config.VerifierHTTP:
		key, err := a.VerifierKey()
		if err != nil {
			return nil, usageError{err}
		}
		return book.NewDesk(verify.NewRemote(a.VerifierURL, key, a.VerifierTimeout)), nil
	}
	return nil, nil
}

// mayCome tells whether a database could not be opened because it is not there
// yet, as when all machines start at once.
func (a *app) mayCome(err error) bool {
	url, _ := a.URL()
	return errors.Is(err, store.ErrUnavailable) && !store.IsSQLite(url)
}

// askAgain is how often an absent database is asked for.
const askAgain = 250 * time.Millisecond

// await opens a database that is not there yet, as soon as it is.
func (a *app) await(ctx context.Context, o store.Options) (*store.DB, error) {
	a.log.Warn("the database cannot be reached: serving without it, alive but not ready, until it comes")
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(askAgain):
		}
		db, err := a.open(ctx, o)
		if err == nil {
			a.log.Warn("the database is there: ready")
		}
		if err == nil || !a.mayCome(err) {
			return db, err
		}
	}
}

// tls is how to speak TLS; nil for plain HTTP.
func (a *app) tls() (*tls.Config, error) {
	switch {
	case len(a.ACMEDomains) > 0:
		return server.ACME(a.ACMEDomains, a.ACMEFolder), nil
	case a.TLSCert != "":
		c, err := server.FileTLS(a.TLSCert, a.TLSKey)
		if err != nil {
			return nil, badUsage("the certificate cannot be used: %v", err)
		}
		return c, nil
	}
	return nil, nil
}

// serveAdmin serves metrics and profiles beside the API, until stop is called.
func (a *app) serveAdmin(ctx context.Context, metrics *server.Metrics) (stop func(), err error) {
	if a.AdminListen == "" {
		return func() {}, nil
	}
	ln, err := net.Listen("tcp", a.AdminListen)
	if err != nil {
		return nil, badUsage("cannot listen on %s: %v", a.AdminListen, err)
	}
	fmt.Fprintf(a.stdout, "metrics are on http://%s/metrics\n", ln.Addr())
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the API's drain
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := metrics.ServeAdmin(ctx, ln); err != nil {
			a.log.Error("serve metrics", "error", err)
		}
	}()
	return func() { cancel(); <-done }, nil
}

// welcome says where the data is and, on the first start, how to begin.
func (a *app) welcome(ctx context.Context, db *store.DB, base string) error {
	if db.Engine() == "sqlite" {
		url, err := a.URL()
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
