//go:build !unix

package main

import "os/exec"

// together has the command end when it is told to.
func together(cmd *exec.Cmd) { cmd.Cancel = cmd.Process.Kill }
