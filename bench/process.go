package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a server that runs.
type process struct {
	cmd     *exec.Cmd
	started chan struct{}
	exited  chan struct{}
	err     error // once exited
	out     output
}

// output keeps the beginning of what a server prints, to show when it fails, and
// hands its lines on.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const maxOutput = 16 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p[:min(len(p), maxOutput-o.text.Len())])
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

const startTimeout = 2 * time.Minute

// startProcess runs a command and waits until it has printed a line with each of
// the prefixes; it returns what followed them.
func startProcess(cmd *exec.Cmd, prefixes ...string) (*process, []string, error) {
	p := &process{cmd: cmd, started: make(chan struct{}), exited: make(chan struct{})}
	lines := make(chan string, 64)
	go p.run(lines)
	select {
	case <-p.started:
	case <-p.exited:
		return nil, nil, p.err
	}
	found := make([]string, len(prefixes))
	timeout := time.After(startTimeout)
	for missing := len(prefixes); missing > 0; {
		select {
		case line := <-lines:
			for i, prefix := range prefixes {
				if rest, ok := strings.CutPrefix(line, prefix); ok && found[i] == "" {
					found[i] = rest
					missing--
				}
			}
		case <-p.exited:
			return nil, nil, fmt.Errorf("%s ended: %v\n%s", cmd.Path, p.err, &p.out)
		case <-timeout:
			p.kill()
			return nil, nil, fmt.Errorf("%s did not start\n%s", cmd.Path, &p.out)
		}
	}
	return p, found, nil
}

// run starts the process and stays with it until it ends.
func (p *process) run(lines chan<- string) {
	defer close(p.exited)
	// The kernel kills the child when the thread that started it ends, which
	// must not happen before this process does.
	runtime.LockOSThread()
	// Its own group: a signal from the terminal is for this process, which ends
	// its children in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = &p.out
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		p.err = err
		return
	}
	if p.err = p.cmd.Start(); p.err != nil {
		return
	}
	close(p.started)
	scanner := bufio.NewScanner(stdout)
	for scanner.Scan() {
		fmt.Fprintln(&p.out, scanner.Text())
		select {
		case lines <- scanner.Text():
		default: // nobody reads them any more
		}
	}
	p.err = p.cmd.Wait()
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.exited
}

// stop ends the process as an operator would.
func (p *process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(time.Minute):
		p.kill()
		return errors.New(p.cmd.Path + " did not stop")
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", p.cmd.Path, p.err, &p.out)
	}
	return nil
}

// self is this program's file, which also is the ceiling and the naive server.
func self(args ...string) (*exec.Cmd, error) {
	path, err := os.Executable()
	return exec.Command(path, args...), err
}
