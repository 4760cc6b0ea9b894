package store

import (
	"context"
	"errors"
	"fmt"
)

// lostTry is a try of a write whose connection was lost at its commit. What it
// sent may be on its way to PostgreSQL still, and be done whenever it arrives:
// after the write was tried again, acknowledged, and what it added deleted.
type lostTry struct {
	backend     int64  // PostgreSQL's process of the lost connection; 0: unknown, nothing was sent
	transaction string // its id; "": unknown, as that of a batch of adds
}

// knownBy asks PostgreSQL for what makes a lostTry.
const knownBy = "/* known by */ select pg_backend_pid()::bigint, pg_current_xact_id()::text"

const (
	// endBackend waits for a process to be gone, and what it had not read with it;
	// no row: it is. Behind a pooler the number of an add's is the pooler's own, and
	// nobody has it.
	endBackend = "/* end lost try */ select pg_terminate_backend(pid, 1000) from pg_stat_activity where pid = $1 and usename = current_user"

	askOutcome = "/* outcome */ select coalesce(pg_xact_status($1::text::xid8), '')"
)

var errStillOut = errors.New("a lost try of this write could not be ended")

// learn sees to it that the try does nothing any more, and tells whether it was
// committed; of one whose transaction is unknown the write must find out itself.
func (db *DB) learn(ctx context.Context, l lostTry) (committed bool, err error) {
	all := sqlConn{db.pool}
	if l.backend != 0 {
		ended := true
		if err := queryRow(ctx, all, endBackend, []any{l.backend}, &ended); err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
		if !ended {
			return false, errStillOut
		}
	}
	if l.transaction == "" {
		return false, nil
	}
	var outcome string
	if err := queryRow(ctx, all, askOutcome, []any{l.transaction}, &outcome); err != nil {
		return false, err
	}
	switch outcome {
	case "committed":
		return true, nil
	case "aborted":
		return false, nil
	}
	return false, fmt.Errorf("%w: its transaction is %q", errStillOut, outcome)
}
