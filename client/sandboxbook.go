package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Seeded is what a fixture was made of: ids and names in its order.
type Seeded struct {
	Seed     int            `json:"seed"`
	Tags     []SeededRecord `json:"tags"`
	Contacts []SeededRecord `json:"contacts"`
}

// SeededRecord is a record of a fixture.
type SeededRecord struct {
	ID   string `json:"_id"`
	Name string `json:"name"`
}

// Seed empties the book and fills it with a fixture, which is a JSON object; ids
// and dates are the same each time. ErrInvalidInput says by its place what is wrong
// with the fixture.
func (s *SandboxService) Seed(ctx context.Context, fixture json.RawMessage) (*Seeded, error) {
	return fetch[Seeded](ctx, s.c, &call{method: http.MethodPost, path: sandboxPath + "/seed", input: fixture})
}

// Snapshot is a copy of a book, by its name.
type Snapshot struct {
	Name      string    `json:"name"`
	Records   int64     `json:"records"`
	CreatedAt time.Time `json:"created_at"`
}

type snapshotRef struct {
	Name string `json:"name"`
}

const snapshotPath = sandboxPath + "/snapshot"

// Snapshot copies the book under a name, and replaces the one of that name.
func (s *SandboxService) Snapshot(ctx context.Context, name string) (*Snapshot, error) {
	return fetch[Snapshot](ctx, s.c, &call{method: http.MethodPost, path: snapshotPath, input: snapshotRef{name}, again: true})
}

// Snapshots returns the book's snapshots, oldest first.
func (s *SandboxService) Snapshots(ctx context.Context) ([]Snapshot, error) {
	return list[Snapshot](ctx, s.c, &call{method: http.MethodGet, path: snapshotPath, again: true})
}

// DropSnapshot deletes a snapshot. ErrNotFound when there is none of that name.
func (s *SandboxService) DropSnapshot(ctx context.Context, name string) error {
	return s.c.run(ctx, &call{method: http.MethodDelete, path: snapshotPath, input: snapshotRef{name}, again: true})
}

// Rewind makes the book what it was when it was copied. ErrNotFound when there is
// no snapshot of that name.
func (s *SandboxService) Rewind(ctx context.Context, name string) (*Snapshot, error) {
	return fetch[Snapshot](ctx, s.c, &call{method: http.MethodPost, path: sandboxPath + "/rewind", input: snapshotRef{name}, again: true})
}
