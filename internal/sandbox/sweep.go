package sandbox

import (
	"context"
	"errors"
	"time"

	"contactbook/internal/store"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 100 // books at a time

	// inFlight is how long after its end a client may still be at work: a server
	// may let it in for the lag, and what it let in may take its time.
	inFlight = store.RevocationLag + store.WriteTimeout
)

// Sweep erases throw-away books that have ended, until ctx does. db is nil as long
// as there is no database. Several servers may do so at the same time.
func (s *Service) Sweep(ctx context.Context, db func() *store.DB) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery):
		}
		if db := db(); db != nil {
			if err := s.SweepOnce(ctx, db); err != nil && ctx.Err() == nil {
				s.Log.Warn("erase throw-away books that have ended", "error", err)
			}
		}
	}
}

// SweepOnce erases those throw-away books that have ended by now. The book goes
// before the credentials, so that what is cut short is found again; a book that an
// operator has given another client is left to it.
func (s *Service) SweepOnce(ctx context.Context, db *store.DB) error {
	for {
		ended, err := db.ThrowawaysEnded(ctx, s.Now().Add(-inFlight), sweepBatch)
		if err != nil {
			return err
		}
		for i := range ended {
			err = errors.Join(err, s.throwAway(ctx, db, &ended[i]))
		}
		if err != nil || len(ended) < sweepBatch {
			return err
		}
	}
}

func (s *Service) throwAway(ctx context.Context, db *store.DB, c *store.Client) error {
	sharing, err := db.ClientsOf(ctx, c.UserID, c.Sandbox)
	if err != nil {
		return err
	}
	if len(sharing) == 1 && c.Sandbox {
		if err := db.Book(c.Tenant()).Erase(ctx, func(int64) {}); err != nil {
			return err
		}
	}
	s.forget(c)
	return db.DeleteClient(ctx, c.ID)
}
