//go:build unix

package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// child is a process that dies with this one.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it is gone
	err  error         // how it ended; read it after done
}

// spawn starts cmd so that it ends when this process does, even by kill -9.
func spawn(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Linux sends the parent-death signal when the THREAD that started the child ends, and Go ends idle
		// threads as it likes: this one is kept for the child's whole life.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tie(cmd.SysProcAttr)
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		release, err := watch(cmd.Process.Pid)
		if err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			started <- err
			return
		}
		started <- nil
		c.err = cmd.Wait()
		release()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// end signals the child and waits for its end.
func (c *child) end(ctx context.Context, sig os.Signal) error {
	if c.gone() {
		return nil
	}
	if err := c.cmd.Process.Signal(sig); err != nil && err != os.ErrProcessDone && err != syscall.ESRCH {
		return fmt.Errorf("pgtest: %w", err)
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pgtest: the server does not end: %w", ctx.Err())
	}
}

func (c *child) gone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
