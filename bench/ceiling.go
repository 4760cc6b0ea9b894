package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"contactbook/bench/load"
)

const nameCeiling = "ceiling"

const ceilingCommand = "ceiling" // the first argument that makes this program one

// runCeiling is the least that a Go server can do: read the request's body and
// send a reply that it has ready.
func runCeiling(args []string) error {
	flags := flag.NewFlagSet(ceilingCommand, flag.ContinueOnError)
	file := flags.String("reply", "", "file with the reply's body")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reply, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	length := strconv.Itoa(len(reply))
	return listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", length)
		w.Write(reply)
	}))
}

// listening is what a server of this program prints before its address.
const listening = "listens on "

// listen serves h on a free port until the process is told to stop.
func listen(h http.Handler) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listening + ln.Addr().String())
	srv := &http.Server{Handler: h}
	stopped := make(chan error, 1)
	go func() {
		<-stopSignal().Done()
		stopped <- srv.Shutdown(context.Background())
	}()
	if err := srv.Serve(ln); err != http.ErrServerClosed {
		return err
	}
	return <-stopped
}

// ceilings know what contactbook answers to each operation in each size of book.
type ceilings struct {
	dir   string
	books *sqliteBooks
}

func (c *ceilings) file(rows int, op string) string {
	return filepath.Join(c.dir, fmt.Sprintf("%s-%s.reply", op, sizeText(rows)))
}

// learn asks a contactbook for one reply to each operation.
func (c *ceilings) learn(ctx context.Context, s *subject, rows int, ops []string) error {
	in, err := s.start(ctx, rows)
	if err != nil {
		return err
	}
	defer in.stop()
	for _, op := range ops {
		body, err := load.Once(in.addr, s.sources(rows, op, 1)[0])
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.file(rows, op), body, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// subject is the ceiling of one operation: the same requests, a reply of the
// same size, and no work.
func (c *ceilings) subject(rows int, op string) *subject {
	return &subject{
		name: nameCeiling, ops: []string{op}, sources: c.books.sources,
		start: func(context.Context, int) (*instance, error) {
			cmd, err := self(ceilingCommand, "-reply", c.file(rows, op))
			if err != nil {
				return nil, err
			}
			return serveSelf(cmd)
		},
	}
}

// serveSelf runs a server of this program.
func serveSelf(cmd *exec.Cmd) (*instance, error) {
	p, said, err := startProcess(cmd, listening)
	if err != nil {
		return nil, err
	}
	return &instance{addr: said[0], pid: p.pid(), stop: p.stop}, nil
}
