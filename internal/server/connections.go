package server

import (
	"errors"
	"net"
	"sync"
)

// connections takes no more of them than there are places. netutil's listener does the same, but hides CloseWrite, with
// which net/http ends an answer to a request that it has not read to its end: the client then sees the end of the answer,
// where closing alone resets the connection.
type connections struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	close  func() error
}

func limit(ln net.Listener, n int) net.Listener {
	l := &connections{Listener: ln, places: make(chan struct{}, n), closed: make(chan struct{})}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return ln.Close()
	})
	return l
}

// Accept waits for a place, and then for a connection.
func (l *connections) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placed{Conn: c, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *connections) Close() error { return l.close() }

// placed is a connection that frees its place when it is closed.
type placed struct {
	net.Conn
	leave func()
}

func (c *placed) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}

// CloseWrite tells the other side that nothing follows.
func (c *placed) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
