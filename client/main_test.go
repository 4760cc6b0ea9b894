package client_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"contactbook/client"
	"contactbook/internal/cli"
)

// Where the program under test listens, and credentials for the examples.
var baseURL, clientID, clientSecret string

// flags name the program's database.
var flags []string

// said is what the program printed to standard error.
var said lockedBuffer

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func TestMain(m *testing.M) {
	code, err := serve(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// serve runs the real program in this process while fn runs.
func serve(fn func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "contactbook-client-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	flags = []string{"--database", "sqlite:" + filepath.Join(dir, "book.db"), "--pepper-file", filepath.Join(dir, "pepper.key")}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out, stdout := io.Pipe()
	exit := make(chan int, 1)
	go func() {
		exit <- program(ctx, stdout, append([]string{"serve", "--listen", "127.0.0.1:0", "--auth-failures-per-minute", "0"}, flags...)...)
		stdout.Close()
	}()
	lines := bufio.NewScanner(out)
	for baseURL == "" && lines.Scan() {
		baseURL, _ = strings.CutPrefix(lines.Text(), "contactbook listens on ")
		if !strings.HasPrefix(baseURL, "http") {
			baseURL = ""
		}
	}
	if baseURL == "" {
		return 0, fmt.Errorf("serve ended with %d before it listened:\n%s", <-exit, &said)
	}
	go io.Copy(io.Discard, out)
	c, err := newBook()
	if err != nil {
		return 0, err
	}
	clientID, clientSecret = c.ID, c.Secret
	code = fn()
	stop()
	if n := <-exit; n != 0 {
		return code, fmt.Errorf("serve ended with %d:\n%s", n, &said)
	}
	return code, nil
}

func program(ctx context.Context, stdout io.Writer, args ...string) int {
	return cli.Run(ctx, args, func(string) string { return "" }, strings.NewReader(""), stdout, &said)
}

// creds are the credentials of a book.
type creds struct {
	ID     string `json:"clientId"`
	Secret string `json:"clientSecret"`
	UserID int64  `json:"userId"`
}

var users atomic.Int64

// newBook makes a client of a new user, whose book is empty; more are flags of
// client create.
func newBook(more ...string) (c creds, err error) {
	var out bytes.Buffer
	args := []string{"client", "create", "--json", "--name", "test", "--environment", "SANDBOX", "--user-id", fmt.Sprint(users.Add(1))}
	if code := program(context.Background(), &out, append(append(args, more...), flags...)...); code != 0 {
		return c, fmt.Errorf("client create ended with %d", code)
	}
	return c, json.Unmarshal(out.Bytes(), &c)
}

func newCreds(t *testing.T, more ...string) creds {
	t.Helper()
	c, err := newBook(more...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at is a client of the book c at url.
func at(t *testing.T, url string, c creds, opts ...client.Option) *client.Client {
	t.Helper()
	cl, err := client.New(url, c.ID, c.Secret, append([]client.Option{client.EndpointIP("203.0.113.7")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// fresh is a client of an empty book.
func fresh(t *testing.T, opts ...client.Option) *client.Client {
	t.Helper()
	c := newCreds(t)
	cl := at(t, baseURL, c, opts...)
	remembered.Store(cl, c)
	return cl
}

// remembered are the credentials of fresh clients, which do not tell them.
var remembered sync.Map

// sameBook is a client of c's book at another URL.
func sameBook(t *testing.T, c *client.Client, url string, opts ...client.Option) *client.Client {
	t.Helper()
	cr, ok := remembered.Load(c)
	if !ok {
		t.Fatal("not a client of fresh")
	}
	return at(t, url, cr.(creds), opts...)
}

// must is for calls that are not what is tested.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// addTag adds a tag and returns its id.
func addTag(t *testing.T, c *client.Client, name string) string {
	t.Helper()
	return must[*client.Tag](t)(c.Tags.Add(t.Context(), client.TagInput{Name: name, HexColorCode: "#FF1934"})).ID
}

func contactInput(name string, tags ...string) client.ContactInput {
	return client.ContactInput{Name: name, Email: "sample@example.com", Mobile: "7428585742", CompanyName: "Business Name", TagIDs: tags}
}

// addContacts adds n contacts with the tag, and returns their ids, newest first.
func addContacts(t *testing.T, c *client.Client, n int, tag string) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		p := must[*client.Contact](t)(c.Contacts.Add(t.Context(), contactInput(fmt.Sprint("Contact ", i), tag)))
		ids[n-1-i] = p.ID
	}
	return ids
}

// trouble does something to the nth request, from 1, instead of forwarding it.
type trouble func(n int, w http.ResponseWriter, r *http.Request, forward http.Handler)

// proxy stands before the real server and makes trouble.
type proxy struct {
	*httptest.Server
	requests atomic.Int64
}

func newProxy(t *testing.T, make trouble) *proxy {
	t.Helper()
	target, err := url.Parse(baseURL)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	p := new(proxy)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		make(int(p.requests.Add(1)), w, r, forward)
	}))
	t.Cleanup(p.Close)
	return p
}

// first makes trouble for the first n requests and forwards the others.
func first(n int, make trouble) trouble {
	return func(i int, w http.ResponseWriter, r *http.Request, forward http.Handler) {
		if i <= n {
			make(i, w, r, forward)
			return
		}
		forward.ServeHTTP(w, r)
	}
}

// dropped closes the connection on a request that the server never sees.
func dropped(_ int, _ http.ResponseWriter, r *http.Request, _ http.Handler) {
	io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

// lost closes the connection on a request that the server has processed.
func lost(_ int, _ http.ResponseWriter, r *http.Request, forward http.Handler) {
	forward.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// cut closes the connection in the middle of the reply.
func cut(_ int, w http.ResponseWriter, r *http.Request, forward http.Handler) {
	whole := httptest.NewRecorder()
	forward.ServeHTTP(whole, r)
	text := whole.Body.Bytes()
	for name, values := range whole.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.Write(text[:len(text)/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// answers answers by itself; headers are names and values.
func answers(status int, body string, headers ...string) trouble {
	return func(_ int, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// refusal is an envelope as the server writes it.
func refusal(code, status string) string {
	return `{"statuscode":"` + code + `","actcode":null,"status":"` + status + `","data":null,"timestamp":"2026-11-23 04:42:15",` +
		`"ipay_uuid":"h000a34a292a-5717-47f2-8c1c-f7bd8940fb0b-VkV2k04wPdrX","orderid":null,"environment":"LIVE","internalCode":null}`
}

// deaf hides from the server what only contactbook knows: it lists the whole book,
// as the documented API does.
func deaf(_ int, w http.ResponseWriter, r *http.Request, forward http.Handler) {
	if r.Method == http.MethodGet {
		dropBody(r)
	}
	forward.ServeHTTP(w, r)
}

func dropBody(r *http.Request) {
	io.Copy(io.Discard, r.Body)
	r.Body, r.ContentLength = http.NoBody, 0
}
