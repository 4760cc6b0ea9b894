//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// initdb makes the cluster's folder. It lies right under /tmp because a socket's path must stay under 100 bytes,
// and because an ordinary user must be able to reach it when the tests run as root.
func (s *Server) initdb(ctx context.Context) error {
	dir, err := os.MkdirTemp(tempRoot, tempPrefix)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	s.dir = dir
	if s.lock, err = claim(dir); err != nil {
		return err
	}
	if s.owner != nil {
		if err := os.Chown(dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return fmt.Errorf("pgtest: %w", err)
		}
	}

	// --no-sync saves only initdb's own flush at its end, which matters when the machine loses power in this
	// second; what the server writes later is flushed as always.
	var out bytes.Buffer
	cmd := s.command("initdb", "--pgdata", s.data(), "--username=postgres", "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync")
	cmd.Stdout, cmd.Stderr = &out, &out
	c, err := spawn(cmd)
	if err != nil {
		return fmt.Errorf("pgtest: %s: %w", cmd.Path, err)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		<-c.done
		return fmt.Errorf("pgtest: initdb: %w", ctx.Err())
	}
	if c.err != nil {
		return fmt.Errorf("pgtest: %s: %w\n%s", cmd.Path, c.err, tail(out.Bytes()))
	}

	// fsync, synchronous_commit and full_page_writes are not here on purpose: the tests run on what users run on.
	// The file, not the command line, so that a test may override a setting by ALTER SYSTEM.
	conf := fmt.Sprintf(`
listen_addresses = ''
unix_socket_directories = '%s'
unix_socket_permissions = 0700
port = %s
max_connections = 100
shared_buffers = 16MB
cluster_name = 'contactbook-test'
`, s.dir, port)
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	_, err = f.WriteString(conf)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command prepares one of PostgreSQL's programs: as the user who may run it, in a folder that this user can
// enter, free of our own settings for PostgreSQL, and with messages in English.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG") {
			continue
		}
		cmd.Env = append(cmd.Env, kv)
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	return cmd
}

// tail keeps the end of a program's output, where the reason stands.
func tail(b []byte) string {
	const most = 2000
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return strings.TrimSpace(string(b))
}
