//go:build unix

package pgtest

import (
	"context"
	"sync"
	"testing"
)

// shared is the process's one server.
var shared struct {
	mu     sync.Mutex
	server *Server
	err    error
}

// Shared returns the process's one server, which the first call starts. Where there is none the test fails: a test
// skipped for a missing program is a test nobody knows is not run.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = Start(context.Background())
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// StopShared stops the server that Shared started, if it did. TestMain calls it after m.Run; forgotten, the server
// still ends with the process, and the next process that starts one removes its folder.
func StopShared() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server != nil {
		shared.server.Stop()
	}
	shared.server, shared.err = nil, nil
}
