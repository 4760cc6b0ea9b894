package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"contactbook/internal/wire"
)

// ErrLimit: there are as many as there may be.
var ErrLimit = errors.New("the limit is reached")

// firstThrowaway is the lowest user id of a throw-away book. They are drawn from
// so many that nobody meets another's, and exact as JSON numbers.
const firstThrowaway = MaxUserID / 2

// AddThrowaway stores a SANDBOX client with a book of its own, which ends with it.
// ErrLimit when the parent has that many already; a SettingError where this role
// may not store clients.
func (db *DB) AddThrowaway(ctx context.Context, parent *Client, name string, expires time.Time, limit int) (Client, string, error) {
	c, secret := db.newClient(Client{
		UserID: firstThrowaway + rand.Int64N(firstThrowaway), Sandbox: true, Name: name, Allow: parent.Allow, Lenient: parent.Lenient,
		RateLimit: parent.RateLimit, Burst: parent.Burst, MaxInFlight: parent.MaxInFlight,
		Parent: parent.ID, Expires: wire.Millis(expires.UnixMilli()),
	})
	err := db.admin(ctx, func(ctx context.Context, tx *Tx) error {
		// The parent's row is held, so that two at a time do not pass the limit together.
		if _, err := tx.exec(ctx, "/* client hold */ update client set updated = updated where client_id = $1", []any{parent.ID}); err != nil {
			return err
		}
		var children, others int
		if err := tx.fail(queryRow(ctx, tx.conn, throwawayCount, []any{parent.ID, int64(c.Created)}, &children)); err != nil {
			return err
		}
		if err := tx.fail(queryRow(ctx, tx.conn, "/* client of user */ select count(*) from client where user_id = $1", []any{c.UserID}, &others)); err != nil {
			return err
		}
		if children >= limit {
			return ErrLimit
		}
		if others > 0 {
			return errors.New("a random user id is taken: look at the machine's source of randomness")
		}
		return db.insertClient(ctx, tx, &c)
	})
	return c, secret, mayNot(db.class(err))
}

const (
	throwawayCount = "/* throw-away count */ select count(*) from client where parent = $1 and expires > 0 and expires > $2"
	throwawaysOf   = "/* throw-aways of client */ select " + clientCols + " from client where parent = $1 and expires > 0 order by created, client_id"
	throwawayEnd   = "/* throw-away end */ update client set expires = $3 where client_id = $1 and parent = $2 and expires > $3"
	throwawayEnded = "/* throw-aways ended */ select " + clientCols + " from client where expires > 0 and expires <= $1 order by expires, client_id limit $2"
)

// Throwaways reads the clients that a client has made, oldest first, those that
// have ended and are not erased yet too.
func (db *DB) Throwaways(ctx context.Context, parent string) ([]Client, error) {
	all, err := clients(ctx, db.reads, throwawaysOf, parent)
	return all, db.class(err)
}

// EndThrowaway ends a client that parent has made; ErrNotFound when it has made no
// such, or it has ended. Every server follows within 5 seconds.
func (db *DB) EndThrowaway(ctx context.Context, parent, id string, now time.Time) error {
	err := db.admin(ctx, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, throwawayEnd, []any{id, parent, now.UnixMilli()})
		if err == nil && n == 0 && !tx.again {
			return ErrNotFound
		}
		return err
	})
	db.creds.drop(id)
	return mayNot(db.class(err))
}

// ThrowawaysEnded reads clients that had ended by then, at most limit.
func (db *DB) ThrowawaysEnded(ctx context.Context, then time.Time, limit int) ([]Client, error) {
	all, err := clients(ctx, db.reads, throwawayEnded, then.UnixMilli(), limit)
	return all, db.class(err)
}
