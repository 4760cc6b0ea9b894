package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// pgProxy stands between a server and PostgreSQL, understands just enough of what they say to know when a commit is
// under way, and cuts connections there: before PostgreSQL gets it, after, or in the middle of its answer. A commit may
// also arrive after the server has lost its connection, as packets do that were on their way.
type pgProxy struct {
	network, address string // of PostgreSQL
	listener         net.Listener
	on               atomic.Bool // cuts connections
	wg               sync.WaitGroup

	mu    sync.Mutex
	rand  *rand.Rand
	cuts  map[string]int // how often each kind was done
	tries map[string]int // writes sent, by the word that marks a request
	open  map[net.Conn]bool
	ended bool
}

// marks are the words by which a test knows its requests again on the way to the database.
var marks = regexp.MustCompile(`mark[0-9]+x`)

// proxied starts a proxy to the database and returns the address through it.
func proxied(t *testing.T, database string, r *rand.Rand) (*pgProxy, string) {
	t.Helper()
	config, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	p := &pgProxy{network: "tcp", address: net.JoinHostPort(config.Host, fmt.Sprint(config.Port)), rand: r,
		cuts: map[string]int{}, tries: map[string]int{}, open: map[net.Conn]bool{}}
	if strings.HasPrefix(config.Host, "/") {
		p.network, p.address = "unix", fmt.Sprintf("%s/.s.PGSQL.%d", config.Host, config.Port)
	}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	p.wg.Go(p.accept)
	u := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: p.listener.Addr().String(),
		Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	return p, u.String()
}

func (p *pgProxy) stop() {
	p.listener.Close()
	p.mu.Lock()
	p.ended = true
	for c := range p.open {
		c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *pgProxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.draw("connect", 50) {
			client.Close()
			continue
		}
		server, err := net.Dial(p.network, p.address)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		if p.ended {
			client.Close()
			server.Close()
		} else {
			p.open[client], p.open[server] = true, true
		}
		p.mu.Unlock()
		s := &pgSession{pgProxy: p, client: client, server: server, texts: map[string]string{}, done: make(chan struct{})}
		p.wg.Go(s.up)
		p.wg.Go(s.down)
	}
}

// draw is true once in so many times, if the proxy cuts connections now, and counts what that is good for.
func (p *pgProxy) draw(kind string, once int) bool {
	if !p.on.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rand.IntN(once) != 0 {
		return false
	}
	p.cuts[kind]++
	return true
}

// pgSession is one connection through the proxy.
type pgSession struct {
	*pgProxy
	client, server net.Conn
	texts          map[string]string // of prepared statements, by name
	inside         atomic.Bool       // a transaction
	answer         atomic.Bool       // is to be cut in its middle
	lost           atomic.Bool       // the client is gone, and PostgreSQL does not know yet
	done           chan struct{}     // down has ended
}

func (s *pgSession) close() {
	s.client.Close()
	s.server.Close()
	s.mu.Lock()
	delete(s.open, s.client)
	delete(s.open, s.server)
	s.mu.Unlock()
}

// lose ends the client's connection alone, orderly or not.
func (s *pgSession) lose() {
	s.mu.Lock()
	if c, ok := s.client.(*net.TCPConn); ok && s.rand.IntN(2) == 0 {
		c.SetLinger(0)
	}
	s.mu.Unlock()
	s.client.Close()
}

// message reads one message: the first of a connection has no type.
func message(r *bufio.Reader, typed bool) ([]byte, error) {
	head := 4
	if typed {
		head = 5
	}
	b, err := r.Peek(head)
	if err != nil {
		return nil, err
	}
	n := b[head-4:]
	size := int(n[0])<<24 + int(n[1])<<16 + int(n[2])<<8 + int(n[3]) + head - 4
	if size < head || size > 1<<26 {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	all := make([]byte, size)
	_, err = io.ReadFull(r, all)
	return all, err
}

// up carries what the server says to PostgreSQL.
func (s *pgSession) up() {
	defer s.close()
	from, to := bufio.NewReader(s.client), bufio.NewWriter(s.server)
	writes := false // since the last sync
	for typed := false; ; typed = true {
		msg, err := message(from, typed)
		if err != nil {
			return
		}
		commit := false
		if typed {
			body := msg[5:]
			switch msg[0] {
			case 'P':
				name, rest, _ := bytes.Cut(body, []byte{0})
				text, _, _ := bytes.Cut(rest, []byte{0})
				s.texts[string(name)] = string(text)
			case 'B':
				_, rest, _ := bytes.Cut(body, []byte{0})
				name, rest, _ := bytes.Cut(rest, []byte{0})
				if isWrite(s.texts[string(name)]) {
					writes = true
					s.count(rest)
				}
			case 'S':
				commit, writes = writes && !s.inside.Load(), false
			case 'Q':
				commit = strings.HasPrefix(strings.ToLower(string(body)), "commit")
			}
		}
		switch {
		case commit && s.draw("before", 16):
			s.lose()
			return
		case commit && s.draw("late", 16):
			s.mu.Lock()
			wait := time.Duration(s.rand.IntN(200)) * time.Millisecond
			s.mu.Unlock()
			s.deliver(to, msg, wait)
			return
		case commit && s.draw("after", 16):
			s.deliver(to, msg, 0)
			return
		case commit && s.draw("answer", 16):
			s.answer.Store(true)
		}
		if _, err := to.Write(msg); err != nil {
			return
		}
		if from.Buffered() == 0 && to.Flush() != nil {
			return
		}
	}
}

// deliver ends the client's connection and gives PostgreSQL the message all the same, some time later.
func (s *pgSession) deliver(to *bufio.Writer, msg []byte, later time.Duration) {
	s.lost.Store(true)
	s.lose()
	time.Sleep(later)
	to.Write(msg)
	to.Flush()
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
	}
}

// down carries PostgreSQL's answers.
func (s *pgSession) down() {
	defer close(s.done)
	defer s.client.Close()
	from := bufio.NewReader(s.server)
	for {
		msg, err := message(from, true)
		if err != nil {
			return
		}
		if msg[0] == 'Z' {
			s.inside.Store(msg[5] != 'I')
		}
		if s.lost.Load() {
			if msg[0] == 'Z' {
				return
			}
			continue
		}
		if s.answer.Swap(false) || msg[0] == 'D' && s.draw("row", 300) {
			s.client.Write(msg[:len(msg)/2])
			s.lose()
			return
		}
		if _, err := s.client.Write(msg); err != nil && !s.lost.Load() {
			return
		}
	}
}

func isWrite(text string) bool {
	_, after, ok := strings.Cut(text, "*/")
	if !ok {
		after = text
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(strings.ToLower(after)), " ")
	return verb == "insert" || verb == "update" || verb == "delete"
}

// count notes the try of a request that its values name.
func (s *pgSession) count(values []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if mark := marks.Find(values); mark != nil {
		s.tries[string(mark)]++
	}
}
