package load

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// conn is one keep-alive HTTP/1.1 connection. It is written by hand because
// net/http's client takes as much CPU as the servers that are measured, on the
// same cores. It sends one request at a time, so a reply ends what it reads.
type conn struct {
	net.Conn
	in   []byte
	have int    // bytes of in that were read
	body []byte // of a chunked reply
}

// maxReply bounds what a broken server can make this process hold.
const maxReply = 64 << 20

func dial(addr string, until time.Time) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, in: make([]byte, 64<<10)}, c.SetDeadline(until)
}

var (
	blankLine     = []byte("\r\n\r\n")
	newline       = []byte("\r\n")
	contentLength = []byte("\r\nContent-Length: ")
	chunked       = []byte("\r\nTransfer-Encoding: chunked\r\n")
	closes        = []byte("\r\nConnection: close\r\n")
)

var errClosing = errors.New("the server closes the connection")

// roundTrip sends a request and returns the reply's status and body, which is
// good until the next call.
func (c *conn) roundTrip(request []byte) (status int, body []byte, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, nil, err
	}
	c.have = 0
	end := -1
	for seen := 0; end < 0; {
		if err := c.read(); err != nil {
			return 0, nil, err
		}
		if end = bytes.Index(c.in[seen:c.have], blankLine); end >= 0 {
			end += seen
		}
		seen = max(0, c.have-len(blankLine))
	}
	head := c.in[:end+len(newline)] // every header line is between two newlines
	start := end + len(blankLine)
	if len(head) < len("HTTP/1.1 200") || !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) {
		return 0, nil, fmt.Errorf("not HTTP/1.1: %.40q", head)
	}
	if status, err = strconv.Atoi(string(head[9:12])); err != nil {
		return 0, nil, err
	}
	switch i := bytes.Index(head, contentLength); {
	case i >= 0:
		text, _, _ := bytes.Cut(head[i+len(contentLength):], newline)
		size, err := strconv.Atoi(string(text))
		if err != nil || size > maxReply {
			return 0, nil, fmt.Errorf("content length %q", text)
		}
		if err := c.need(start + size); err != nil {
			return 0, nil, err
		}
		body = c.in[start : start+size]
	case bytes.Contains(head, chunked):
		if body, err = c.chunks(start); err != nil {
			return 0, nil, err
		}
	case status != 204:
		return 0, nil, fmt.Errorf("a reply without a length: %.200q", head)
	}
	if bytes.Contains(c.in[:end+len(newline)], closes) {
		err = errClosing
	}
	return status, body, err
}

// chunks puts a chunked body together.
func (c *conn) chunks(at int) ([]byte, error) {
	c.body = c.body[:0]
	for {
		var size, length int
		for { // the line with the chunk's size
			if i := bytes.Index(c.in[at:c.have], newline); i >= 0 {
				n, err := strconv.ParseUint(string(c.in[at:at+i]), 16, 31)
				if err != nil {
					return nil, err
				}
				size, length = int(n), i
				break
			}
			if err := c.read(); err != nil {
				return nil, err
			}
		}
		at += length + len(newline)
		if err := c.need(at + size + len(newline)); err != nil {
			return nil, err
		}
		if size == 0 {
			return c.body, nil
		}
		c.body = append(c.body, c.in[at:at+size]...)
		at += size + len(newline)
	}
}

// need reads until n bytes of the reply are there.
func (c *conn) need(n int) error {
	for c.have < n {
		if err := c.read(); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) read() error {
	if c.have == len(c.in) {
		if len(c.in) >= maxReply {
			return errors.New("the reply is too large")
		}
		c.in = append(c.in, make([]byte, len(c.in))...)
	}
	n, err := c.Read(c.in[c.have:])
	c.have += n
	if n > 0 {
		return nil
	}
	return err
}
