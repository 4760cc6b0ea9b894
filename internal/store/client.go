package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/netip"
	"strings"
	"sync"
	"time"

	"contactbook/internal/wire"
)

// Client is one set of credentials for a user's book in one environment.
type Client struct {
	ID      string // 44 characters of standard base64
	UserID  int64  // 1 to MaxUserID
	Sandbox bool
	Name    string
	Allow   []netip.Prefix // where it may be used from; empty: anywhere
	Lenient bool           // skips the form rules of Indian identifiers
	Enabled bool
	Revoked bool // for good: as if it never existed
	Created wire.Millis
	Updated wire.Millis

	// What each server lets it do; 0: no limit.
	RateLimit   int64 // requests a second
	Burst       int64 // requests at once after a rest; 0: as many as in a second
	MaxInFlight int64 // requests at a time

	Parent  string      // the client that made it; "": an operator did
	Expires wire.Millis // when it ends; 0: never

	OldUntil wire.Millis // until when the secret before the last rotation works
	hash     []byte
	oldHash  []byte
}

// Tenant is whose book the client opens.
func (c *Client) Tenant() Tenant { return TenantOf(c.UserID, c.Sandbox) }

// Environment is LIVE or SANDBOX.
func (c *Client) Environment() string {
	if c.Sandbox {
		return wire.Sandbox
	}
	return wire.Live
}

// ErrCredentials is an unknown client id, a revoked one or a wrong secret.
var ErrCredentials = errors.New("unknown client or wrong secret")

// hashSecret is what is stored of a secret: an HMAC keyed by the pepper.
func (db *DB) hashSecret(clientID, secret string) []byte {
	mac := db.keys.macs.Get().(hash.Hash)
	defer db.keys.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(clientID))
	mac.Write([]byte{0})
	mac.Write([]byte(secret))
	return mac.Sum(nil)
}

// NewSecret makes a secret of 64 lowercase hex digits.
func newSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// AddClient stores a new client and returns it with its id, and its secret,
// which is nowhere kept. It works at once on every server.
func (db *DB) AddClient(ctx context.Context, c Client) (Client, string, error) {
	c, secret := db.newClient(c)
	err := db.admin(ctx, func(ctx context.Context, tx *Tx) error { return db.insertClient(ctx, tx, &c) })
	return c, secret, err
}

// newClient gives a client its id, a secret and its dates.
func (db *DB) newClient(c Client) (Client, string) {
	var b [32]byte
	rand.Read(b[:])
	c.ID = base64.StdEncoding.EncodeToString(b[:])
	secret := newSecret()
	c.hash, c.oldHash, c.Enabled = db.hashSecret(c.ID, secret), []byte{}, true
	c.Created = wire.Millis(db.now().UnixMilli())
	c.Updated = c.Created
	return c, secret
}

func (db *DB) insertClient(ctx context.Context, tx *Tx, c *Client) error {
	_, err := tx.conn.exec(ctx, "/* client add */ insert into client ("+clientCols+")"+
		" values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
		c.ID, c.UserID, c.Sandbox, c.Name, c.hash, c.oldHash, int64(c.OldUntil), allowText(c.Allow),
		c.Lenient, c.Enabled, c.Revoked, int64(c.Created), int64(c.Updated), c.RateLimit, c.Burst, c.MaxInFlight,
		c.Parent, int64(c.Expires))
	tx.changed++
	return tx.fail(err)
}

const clientCols = "client_id, user_id, sandbox, name, secret_hash, old_hash, old_until, allow_ips," +
	" lenient, enabled, revoked, created, updated, rate_limit, burst, max_in_flight, parent, expires"

const (
	clientByID   = "/* client get */ select " + clientCols + " from client where client_id = $1"
	clientsOf    = "/* client of book */ select " + clientCols + " from client where user_id = $1 and sandbox = $2 order by created, client_id"
	clientsAll   = "/* client list */ select " + clientCols + " from client order by created, client_id"
	clientUpdate = "/* client set */ update client set name = $2, secret_hash = $3, old_hash = $4, old_until = $5," +
		" allow_ips = $6, lenient = $7, enabled = $8, revoked = $9, updated = case when updated > $10 then updated else $10 end," +
		" rate_limit = $11, burst = $12, max_in_flight = $13 where client_id = $1"
	clientDelete = "/* client drop */ delete from client where client_id = $1"
)

// Client reads one client; ErrNotFound when there is none.
func (db *DB) Client(ctx context.Context, id string) (*Client, error) {
	return one(clients(ctx, db.reads, clientByID, id))
}

func one(all []Client, err error) (*Client, error) {
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNotFound
	}
	return &all[0], nil
}

// Clients reads all clients, oldest first.
func (db *DB) Clients(ctx context.Context) ([]Client, error) {
	return clients(ctx, db.reads, clientsAll)
}

// ClientsOf reads the clients of one book, oldest first.
func (db *DB) ClientsOf(ctx context.Context, userID int64, sandbox bool) ([]Client, error) {
	return clients(ctx, db.reads, clientsOf, userID, sandbox)
}

func clients(ctx context.Context, c conn, query string, args ...any) ([]Client, error) {
	rows, err := c.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Client
	for rows.Next() {
		var c Client
		var allow string
		if err := rows.Scan(&c.ID, &c.UserID, &c.Sandbox, &c.Name, &c.hash, &c.oldHash, &c.OldUntil, &allow,
			&c.Lenient, &c.Enabled, &c.Revoked, &c.Created, &c.Updated, &c.RateLimit, &c.Burst, &c.MaxInFlight,
			&c.Parent, &c.Expires); err != nil {
			return nil, err
		}
		if c.oldHash == nil {
			c.oldHash = []byte{} // SQLite reads an empty value as nil, which would be written back as null
		}
		if c.Allow, err = parseAllow(allow); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// UpdateClient changes a client by edit, which sees it as it stands. Every
// server follows within 5 seconds.
func (db *DB) UpdateClient(ctx context.Context, id string, edit func(*Client) error) (*Client, error) {
	var c *Client
	err := db.admin(ctx, func(ctx context.Context, tx *Tx) (err error) {
		if c, err = one(clients(ctx, tx.conn, clientByID, id)); err != nil {
			return tx.fail(err)
		}
		if err := edit(c); err != nil {
			return err
		}
		c.Updated = max(c.Updated, wire.Millis(db.now().UnixMilli()))
		_, err = tx.conn.exec(ctx, clientUpdate, c.ID, c.Name, c.hash, c.oldHash, int64(c.OldUntil),
			allowText(c.Allow), c.Lenient, c.Enabled, c.Revoked, int64(c.Updated),
			c.RateLimit, c.Burst, c.MaxInFlight)
		tx.changed++
		return tx.fail(err)
	})
	db.creds.drop(id)
	return c, err
}

// Rotate gives a client a new secret; the old one works on for overlap.
func (db *DB) Rotate(ctx context.Context, id string, overlap time.Duration) (*Client, string, error) {
	secret := newSecret()
	c, err := db.UpdateClient(ctx, id, func(c *Client) error {
		if c.Revoked {
			return errors.New("the client is revoked; create a new one")
		}
		c.oldHash, c.OldUntil = c.hash, wire.Millis(db.now().Add(overlap).UnixMilli())
		c.hash = db.hashSecret(id, secret)
		return nil
	})
	return c, secret, err
}

// DeleteClient removes a client's credentials, and nothing of its book.
func (db *DB) DeleteClient(ctx context.Context, id string) error {
	err := db.admin(ctx, func(ctx context.Context, tx *Tx) error {
		_, err := tx.conn.exec(ctx, clientDelete, id)
		tx.changed++
		return tx.fail(err)
	})
	db.creds.drop(id)
	return err
}

// Erase deletes all rows of a book, a bounded number in each transaction, and
// tells progress of the contacts that are gone. It can be run again.
func (b *Book) Erase(ctx context.Context, progress func(contacts int64)) error {
	return b.erase(ctx, nil, progress)
}

// Empty is Erase of the records that clients see.
func (b *Book) Empty(ctx context.Context, progress func(contacts int64)) error {
	return b.erase(ctx, besideRecords, progress)
}

func (b *Book) erase(ctx context.Context, spared map[string]bool, progress func(contacts int64)) error {
	for _, table := range tenantTables {
		if spared[table] {
			continue
		}
		query := "/* " + table + " erase */ delete from " + table + " where " + OfBook + " and id in" +
			" (select id from " + table + " where " + OfBook + " order by id limit 1000)"
		for {
			var n int64
			err := b.Write(ctx, func(ctx context.Context, tx *Tx) (err error) {
				n, err = tx.Exec(ctx, query)
				return err
			})
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			if table == "contact" {
				progress(n)
			}
		}
	}
	return nil
}

func allowText(allow []netip.Prefix) string {
	var words []string
	for _, p := range allow {
		words = append(words, p.String())
	}
	return strings.Join(words, " ")
}

func parseAllow(text string) ([]netip.Prefix, error) {
	var allow []netip.Prefix
	for _, w := range strings.Fields(text) {
		p, err := netip.ParsePrefix(w)
		if err != nil {
			return nil, err
		}
		allow = append(allow, p)
	}
	return allow, nil
}

// RevocationLag is within what time every server follows a change of a client.
const RevocationLag = 5 * time.Second

// WriteTimeout is how long a write may take, from its admission to its commit.
const WriteTimeout = 10 * time.Second

// trusted is how long credentials are believed without asking the database
// again; what is left of the lag is for the asking.
const trusted = RevocationLag - time.Second

// clientCache keeps clients that were lately read. It never holds unknown ids,
// so that a new client works at once.
type clientCache struct {
	now     func() time.Time
	mu      sync.RWMutex
	clients map[string]cachedClient
}

type cachedClient struct {
	*Client
	at time.Time
}

const maxCachedClients = 1 << 17

func newClientCache(now func() time.Time) *clientCache {
	return &clientCache{now: now, clients: map[string]cachedClient{}}
}

func (k *clientCache) get(id string) *Client {
	k.mu.RLock()
	c := k.clients[id]
	k.mu.RUnlock()
	if age := k.now().Sub(c.at); c.Client == nil || age > trusted || age < 0 {
		return nil
	}
	return c.Client
}

func (k *clientCache) put(c *Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.clients) >= maxCachedClients {
		clear(k.clients)
	}
	k.clients[c.ID] = cachedClient{c, k.now()}
}

func (k *clientCache) drop(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.clients, id)
}

func (k *clientCache) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.clients)
}

// forget drops all that another process may have changed.
func (db *DB) forget() {
	db.known.clear()
	db.creds.clear()
}

// nobody stands in for an unknown client, so that its refusal takes the path of
// a wrong secret.
var nobody = &Client{hash: make([]byte, sha256.Size), oldHash: make([]byte, sha256.Size), Revoked: true}

// Authenticate returns the client of these credentials, disabled or not.
// ErrCredentials for an unknown id and a wrong secret alike; ErrUnavailable when
// the database cannot tell.
func (db *DB) Authenticate(ctx context.Context, id, secret string) (*Client, error) {
	hash := db.hashSecret(id, secret)
	if c := db.creds.get(id); c != nil && db.accepts(c, hash) {
		return c, nil
	}
	// Unknown here, or wrong by what is remembered: another server may have
	// created or rotated it since.
	c, err := db.Client(ctx, id)
	if errors.Is(err, ErrNotFound) {
		c = nobody
	} else if err != nil {
		return nil, db.class(err)
	} else {
		db.creds.put(c)
	}
	if !db.accepts(c, hash) {
		return nil, ErrCredentials
	}
	return c, nil
}

// accepts compares both hashes in constant time, whatever the first says.
func (db *DB) accepts(c *Client, hash []byte) bool {
	now := hmac.Equal(hash, c.hash)
	before := hmac.Equal(hash, c.oldHash) && int64(c.OldUntil) > db.now().UnixMilli()
	ended := c.Expires != 0 && int64(c.Expires) <= db.now().UnixMilli()
	return (now || before) && !c.Revoked && !ended
}
