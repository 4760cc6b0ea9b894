package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"contactbook/internal/store"
)

func (a *app) clientDelete() *cobra.Command {
	var withData, yes, asJSON bool
	cmd := a.clientCommand("delete", "Delete a client, and on demand the book that it was the last to open",
		"contactbook client delete CLIENT_ID --with-data --yes",
		func(ctx context.Context, db *store.DB, id string) error {
			c, err := db.Client(ctx, id)
			if err != nil {
				return err
			}
			sharing, err := db.ClientsOf(ctx, c.UserID, c.Sandbox)
			if err != nil {
				return err
			}
			last := len(sharing) == 1
			if withData && !last {
				return fmt.Errorf("%d other clients still open this book; delete them first, or leave out --with-data", len(sharing)-1)
			}
			if last && !yes && !a.confirm(c, withData) {
				return errors.New("nothing was deleted; --yes deletes without asking")
			}
			if err := db.DeleteClient(ctx, id); err != nil {
				return err
			}
			erased := int64(0)
			if withData {
				if erased, err = a.erase(ctx, db, c); err != nil {
					return err
				}
			}
			if asJSON {
				return a.printJSON(struct {
					ID     string `json:"clientId"`
					Erased bool   `json:"erased"`
				}{id, withData})
			}
			fmt.Fprintf(a.stdout, "Deleted client %s.\n", id)
			if withData {
				fmt.Fprintf(a.stdout, "Erased the %s book of user %d: %d contacts.\n", c.Environment(), c.UserID, erased)
			}
			return nil
		})
	cmd.Flags().BoolVar(&withData, "with-data", false, "erase the book too; only its last client can")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// confirm asks before the last client of a book goes.
func (a *app) confirm(c *store.Client, withData bool) bool {
	what := "Its data stays, and a new client of the same user and environment opens it again."
	if withData {
		what = "Its contacts, tags and all below them will be erased for good."
	}
	fmt.Fprintf(a.stderr, "%s is the last client of the %s book of user %d. %s\nDelete it? [y/N] ", c.ID, c.Environment(), c.UserID, what)
	answer, _ := bufio.NewReader(a.stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// erase empties a book that no client opens any more.
func (a *app) erase(ctx context.Context, db *store.DB, c *store.Client) (contacts int64, err error) {
	// A server may let the client in for the lag, and what it let in may take its time.
	const wait = store.RevocationLag + store.WriteTimeout
	fmt.Fprintf(a.stderr, "waiting %s until every server has seen that the client is gone\n", wait)
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	shown := time.Now()
	err = db.Book(c.Tenant()).Erase(ctx, func(n int64) {
		if contacts += n; time.Since(shown) > time.Second {
			shown = time.Now()
			fmt.Fprintf(a.stderr, "erased %d contacts\n", contacts)
		}
	})
	return contacts, err
}
