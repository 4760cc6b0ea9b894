package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patience bounds what a machine that is busy may take.
const patience = time.Minute

func listenLimited(t *testing.T, n int) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln = limit(ln, n)
	t.Cleanup(func() { ln.Close() })
	return ln
}

func dial(t *testing.T, ln net.Listener) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", ln.Addr().String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// A header that net/http refuses by itself, without reading it to its end, is answered, and the connection ended: it is
// not reset, which could take the answer with it.
func TestRefusalIsNotReset(t *testing.T) {
	t.Parallel()
	ln := listenLimited(t, 4)
	srv := &http.Server{MaxHeaderBytes: 4 << 10}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })
	c := dial(t, ln)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: book\r\nX-Padding: "+strings.Repeat("x", 64<<10)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") {
		t.Errorf("%v after %q", err, answer)
	}
}

// A connection waits until another has gone, and one that waits when the listener is closed is not taken.
func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	ln := listenLimited(t, 2)
	taken, ended := make(chan net.Conn), make(chan error, 1)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				ended <- err
				return
			}
			taken <- c
		}
	}()
	next := func() net.Conn {
		t.Helper()
		select {
		case c := <-taken:
			return c
		case <-time.After(patience):
			t.Fatal("no connection is taken")
			return nil
		}
	}
	for range 4 {
		dial(t, ln)
	}
	first, second := next(), next()
	if used := len(ln.(*connections).places); used != 2 {
		t.Errorf("%d places are taken by 2", used)
	}
	select {
	case <-taken:
		t.Fatal("a third is taken beside two")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	first.Close() // frees no second place
	third := next()
	select {
	case <-taken:
		t.Fatal("a fourth is taken beside two")
	case <-time.After(50 * time.Millisecond):
	}
	ln.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(patience):
		t.Error("it waits for a place still")
	}
	second.Close()
	third.Close()
}
