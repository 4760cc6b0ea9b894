// Package e2e tests the real binary over HTTP, on both engines.
package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"contactbook/internal/pgtest"
	"contactbook/internal/proof"
)

// binary is the program under test, built once.
var binary string

// overlayEnv names a file for go build's -overlay: tools/proof puts faults into the program with it, for the tests to find.
const overlayEnv = "CONTACTBOOK_TEST_OVERLAY"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "contactbook-e2e-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "contactbook")
	args := append([]string{"build"}, buildFlags...)
	if overlay := os.Getenv(overlayEnv); overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	build := exec.Command("go", append(args, "-o", binary, "contactbook/cmd/contactbook")...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	code := 1
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the binary:", err)
	} else {
		if code = m.Run(); specBroken.Load() {
			code = 1
		}
	}
	pgtest.StopShared()
	os.RemoveAll(dir)
	os.Exit(code)
}

// exact tells whether figures are asserted: on a machine that does nothing else, by the program as it is shipped.
func exact() bool { return proof.Sized() != proof.Quick && len(buildFlags) == 0 }

// engines are the databases that every test of behaviour runs on.
var engines = pgtest.Engines()

// onEngines runs test on a fresh server on each engine, side by side.
func onEngines(t *testing.T, test func(t *testing.T, s *server)) { onEnginesWith(t, nil, test) }

// onEnginesWith is onEngines with more flags of serve.
func onEnginesWith(t *testing.T, flags []string, test func(t *testing.T, s *server)) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, engine, flags...))
		})
	}
}

// newDatabase is the --database value of a fresh database.
func newDatabase(t *testing.T, engine string) string {
	return pgtest.URL(t, engine, filepath.Join(t.TempDir(), "book.db"))
}

// server is one running binary with its database.
type server struct {
	t        *testing.T
	engine   string
	database string
	serving  string // what serve connects to; "": the same
	pepper   string // file
	flags    []string
	program  string // of another release, which has not all flags; "": the binary under test
	url      string

	cmd    *exec.Cmd
	exited chan error
	out    output
}

// output gathers what the binary prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// tail is the end of what was printed: enough for a stack.
func (o *output) tail() string {
	text := o.String()
	return text[max(0, len(text)-8<<10):]
}

// start runs serve on a fresh database of the engine.
func start(t *testing.T, engine string, flags ...string) *server {
	t.Helper()
	s := &server{t: t, engine: engine, database: newDatabase(t, engine), pepper: filepath.Join(t.TempDir(), "pepper.key"), flags: flags}
	s.start()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server said at last:\n%s", s.out.tail())
		}
	})
	return s
}

// start runs serve on the server's database and waits until it listens.
func (s *server) start() {
	s.t.Helper()
	database := s.database
	if s.serving != "" {
		database = s.serving
	}
	args := append([]string{"serve", "--log-level", "warn", "--listen", "127.0.0.1:0", "--database", database, "--pepper-file", s.pepper}, s.flags...)
	program := s.program
	if program == "" {
		program = binary
		args = slices.Insert(args, 1, "--auth-failures-per-minute", "0", // all tests come from one address
			"--verifier", "simulator") // what LIVE clients ask is answered, too
	}
	s.cmd = exec.Command(program, args...)
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Stderr = &s.out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	listens := make(chan string, 1)
	s.exited = make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			fmt.Fprintln(&s.out, lines.Text())
			if url, ok := strings.CutPrefix(lines.Text(), "contactbook listens on "); ok {
				listens <- url
			}
		}
		s.exited <- s.cmd.Wait()
	}()
	select {
	case s.url = <-listens:
	case err := <-s.exited:
		s.exited <- err
		s.t.Fatalf("serve ended: %v\n%s", err, &s.out)
	case <-time.After(time.Minute):
		s.t.Fatalf("serve does not listen:\n%s", &s.out)
	}
}

// kill ends the server as a power cut would end its process.
func (s *server) kill() {
	s.cmd.Process.Kill()
	err := <-s.exited
	s.exited <- err
}

// stop ends the server gracefully and returns how it exited.
func (s *server) stop() error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	err := <-s.exited
	s.exited <- err
	return err
}

// run runs another command of the binary on the server's database.
func (s *server) run(args ...string) (stdout, stderr string, code int) {
	args = append(args, "--database", s.database, "--pepper-file", s.pepper)
	if s.program != "" {
		return runProgram(s.program, args...)
	}
	return runBinary(args...)
}

func runBinary(args ...string) (stdout, stderr string, code int) { return runProgram(binary, args...) }

func runProgram(program string, args ...string) (stdout, stderr string, code int) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // else each command of a race binary rests a second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		panic(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// creds are a client's credentials.
type creds struct {
	ID          string `json:"clientId"`
	Secret      string `json:"clientSecret"`
	UserID      int64  `json:"userId"`
	Environment string `json:"environment"`
}

// client makes a client; flags are more flags of client create.
func (s *server) client(userID int64, environment string, flags ...string) creds {
	s.t.Helper()
	args := []string{"client", "create", "--json", "--name", "test", "--user-id", strconv.FormatInt(userID, 10), "--environment", environment}
	stdout, stderr, code := s.run(append(args, flags...)...)
	var c creds
	if err := json.Unmarshal([]byte(stdout), &c); err != nil || code != 0 {
		s.t.Fatalf("client create: exit %d, %v\n%s%s", code, err, stdout, stderr)
	}
	return c
}

// reply is one answer, with its envelope taken apart.
type reply struct {
	HTTP   int
	Header http.Header
	Raw    []byte

	Code        string          `json:"statuscode"`
	Status      string          `json:"status"`
	Data        json.RawMessage `json:"data"`
	Timestamp   string          `json:"timestamp"`
	Reference   string          `json:"ipay_uuid"`
	Environment string          `json:"environment"`
	OrderID     *string         `json:"orderid"`
}

// object is the reply's data as an object.
func (r reply) object() map[string]any {
	var m map[string]any
	json.Unmarshal(r.Data, &m)
	return m
}

// id is the _id in the reply's data.
func (r reply) id() string { id, _ := r.object()["_id"].(string); return id }

// stable is the reply without what differs between two equal ones.
func (r reply) stable() string {
	s := strings.ReplaceAll(string(r.Raw), r.Reference, "UUID")
	return fmt.Sprint(r.HTTP, " ", strings.ReplaceAll(s, `"timestamp":"`+r.Timestamp+`"`, `"timestamp":"TIME"`))
}

// request makes a request with the four mandatory headers.
func (s *server) request(c creds, method, path string, body any, more ...string) *http.Request {
	s.t.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		text = b
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(b); err != nil {
			s.t.Fatal(err)
		}
	}
	r, err := http.NewRequest(method, s.url+path, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-Ipay-Auth-Code", "1")
	r.Header.Set("X-Ipay-Client-Id", c.ID)
	r.Header.Set("X-Ipay-Client-Secret", c.Secret)
	r.Header.Set("X-Ipay-Endpoint-Ip", "203.0.113.7")
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	return r
}

// call sends a request; body is nil, text, or a value to be encoded; more are
// header names and values.
func (s *server) call(c creds, method, path string, body any, more ...string) reply {
	s.t.Helper()
	return s.do(s.request(c, method, path, body, more...))
}

func (s *server) do(r *http.Request) reply {
	s.t.Helper()
	a, err := send(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// send sends a request and takes its reply apart; an error is the connection's.
func send(r *http.Request) (reply, error) {
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	a := reply{HTTP: res.StatusCode, Header: res.Header, Raw: raw}
	if err == nil {
		json.Unmarshal(raw, &a)
		err = checkSpec(r, a)
	}
	return a, err
}

// ok is call that must succeed.
func (s *server) ok(c creds, method, path string, body any) reply {
	s.t.Helper()
	r := s.call(c, method, path, body)
	if r.Code != "TXN" {
		s.t.Fatalf("%s %s: %d %s", method, path, r.HTTP, r.Raw)
	}
	return r
}

type m = map[string]any

// tag adds a tag and returns its id.
func (s *server) tag(c creds, name string) string {
	s.t.Helper()
	return s.ok(c, "POST", "/contacts/tag", m{"name": name, "hexColorCode": "#FF1934"}).id()
}

// contact adds a contact and returns its id.
func (s *server) contact(c creds, name string, tags ...string) string {
	s.t.Helper()
	return s.ok(c, "POST", "/contacts/profile", contactBody(name, tags...)).id()
}

func contactBody(name string, tags ...string) m {
	details := []m{}
	for _, id := range tags {
		details = append(details, m{"tagId": id})
	}
	return m{"name": name, "email": "sample@example.com", "mobile": "7428585742", "companyName": "Business Name", "tagDetails": details}
}
