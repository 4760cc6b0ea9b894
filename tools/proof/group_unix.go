//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// together has the command end with all that it started, which may not end by itself.
func together(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}
