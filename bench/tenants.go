package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"contactbook/internal/store"
)

// pepper is of every database here; the servers get it in their environment.
const pepper = "benchmark-pepper-benchmark-pepper"

// makeTenants makes the schema and the clients of a new database through the
// store itself, so that they are what the server expects.
func makeTenants(ctx context.Context, url string) ([]tenant, error) {
	db, err := store.Open(ctx, store.Options{URL: url, Pepper: store.PepperSource{Value: pepper}})
	if err != nil {
		return nil, err
	}
	all := make([]tenant, tenants)
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for w := range errs { // side by side, to share commits
		wg.Go(func() {
			for i := w; i < len(all) && errs[w] == nil; i += len(errs) {
				all[i], errs[w] = makeTenant(ctx, db, i)
			}
		})
	}
	wg.Wait()
	for _, err := range append(errs, db.Close()) {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func makeTenant(ctx context.Context, db *store.DB, i int) (tenant, error) {
	c, secret, err := db.AddClient(ctx, store.Client{UserID: int64(i + 1), Name: "bench"})
	t := tenant{userID: c.UserID, clientID: c.ID, secret: secret}
	for n := range t.tags {
		t.tags[n] = makeID(time.Now().Add(-24*time.Hour), 't', i*tagsEach+n)
	}
	t.auth = fmt.Appendf(nil, "Host: 127.0.0.1\r\nX-Ipay-Auth-Code: 1\r\nX-Ipay-Client-Id: %s\r\nX-Ipay-Client-Secret: %s\r\n"+
		"X-Ipay-Endpoint-Ip: 203.0.113.7\r\nContent-Type: application/json\r\n", t.clientID, t.secret)
	return t, err
}
