//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Archive makes the server keep its WAL in a folder of its own, which it returns, once it is restarted.
func (s *Server) Archive() (dir string, err error) {
	if s.given != "" {
		return "", ErrGiven
	}
	dir = filepath.Join(s.dir, "archive")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	return dir, errors.Join(s.give(dir), s.configure("archive_mode = on\narchive_command = 'test ! -f "+dir+"/%f && cp %p "+dir+"/%f.part && sync "+dir+"/%f.part && mv "+dir+"/%f.part "+dir+"/%f'\n"))
}

// Base takes a base backup with pg_basebackup, while the server runs, and returns its folder.
func (s *Server) Base(ctx context.Context) (dir string, err error) {
	if s.given != "" {
		return "", ErrGiven
	}
	dir = filepath.Join(s.dir, "base")
	cmd := s.command("pg_basebackup", "-D", dir, "-X", "stream", "-c", "fast", "-h", s.dir, "-p", port, "-U", "postgres")
	c, err := spawn(cmd)
	if err != nil {
		return "", fmt.Errorf("pgtest: %s: %w", cmd.Path, err)
	}
	select {
	case <-c.done:
		return dir, c.err
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		<-c.done
		return "", ctx.Err()
	}
}

// Rewind puts a base backup in the place of the data of a server that is down: its next start recovers from the
// archived WAL up to the time, in PostgreSQL's words.
func (s *Server) Rewind(base, archive, until string) error {
	if err := os.Rename(s.data(), s.data()+".before"); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	if err := os.Rename(base, s.data()); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	signal := filepath.Join(s.data(), "recovery.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return errors.Join(s.give(signal), s.configure("restore_command = 'cp "+archive+"/%f %p'\nrecovery_target_time = '"+until+"'\nrecovery_target_action = 'promote'\n"))
}

// configure adds lines to postgresql.conf.
func (s *Server) configure(lines string) error {
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	_, err = f.WriteString(lines)
	return errors.Join(err, f.Close())
}

// give makes a file the one's who runs the server.
func (s *Server) give(path string) error {
	if s.owner == nil {
		return nil
	}
	return os.Chown(path, int(s.owner.Uid), int(s.owner.Gid))
}
