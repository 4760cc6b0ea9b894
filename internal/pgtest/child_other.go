//go:build unix && !linux

package pgtest

import (
	"os/exec"
	"strconv"
	"syscall"
)

func tie(*syscall.SysProcAttr) {}

// watch stands in for Linux's parent-death signal: a shell that reads from a pipe which only this process holds
// open. When we die, however, the pipe closes and the shell ends the child.
func watch(pid int) (release func(), err error) {
	cmd := exec.Command("/bin/sh", "-c", `trap '' HUP INT QUIT TERM; read -r _; kill -QUIT "$1"`, "sh", strconv.Itoa(pid))
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		// Killed before the pipe closes: the child is gone and its number may be another's.
		_ = cmd.Process.Kill()
		_ = pipe.Close()
		_ = cmd.Wait()
	}, nil
}
