package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"

	"contactbook/internal/proof"
)

// TestSmuggling (hostile HTTP) sends the bytes of each file of testdata/raw on a connection of its own: requests whose
// end one server sees here and another there, and others that are not as they should be. Each is answered once and in its
// turn, or the connection is closed; and the DELETE that many of them hide is never executed: the canary lives.
//
// A file begins with comments. "want" is what is answered, in order: a statuscode where the reply is an envelope (with
// its HTTP status where that is no 200), else an HTTP status; "refused" is one reply of 400 or more that net/http gives, or
// none. After that the connection must be closed. "book" is what may change, and nothing may otherwise. The rest are the
// bytes, with \r, \n, \t and \x.. for what cannot be seen, and no line ends but those; what {{ }} means is in rawBytes.
func TestSmuggling(t *testing.T) {
	files, err := filepath.Glob("testdata/raw/*.http")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	onEngines(t, func(t *testing.T, s *server) {
		b := &rawBook{server: s, c: s.client(1, "LIVE")}
		b.tag = s.tag(b.c, "Tag")
		wrong := 0
		for _, file := range files {
			section(t, s, strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
				b.try(t, file)
				if t.Failed() {
					wrong++
				}
			})
		}
		proof.Record(t, proof.Figure{ID: "HTTP", What: fmt.Sprintf("%s, raw requests of %d: answered wrongly, or a hidden one executed", s.engine, len(files)),
			Target: "0", Got: fmt.Sprint(wrong), Met: wrong == 0})
	})
}

// rawBook is a book with one tag and one contact, the canary.
type rawBook struct {
	*server
	c           creds
	tag, canary string
	state       string // all that the book holds
}

func (b *rawBook) try(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	directives := map[string]string{}
	for strings.HasPrefix(string(text), "# ") {
		line, rest, _ := strings.Cut(string(text), "\n")
		if key, value, ok := strings.Cut(line[2:], ": "); ok {
			directives[key] = value
		}
		text = []byte(rest)
	}
	if b.canary == "" {
		b.canary = b.contact(b.c, "Canary", b.tag)
		b.state = b.holds()
	}
	want := strings.Split(directives["want"], ", ")
	got := b.answers(t, b.rawBytes(t, string(text)))
	refused := len(want) == 1 && want[0] == "refused"
	if refused && (len(got) > 1 || len(got) == 1 && !slices.Contains([]string{"400", "417", "431", "501", "505"}, got[0])) || !refused && !slices.Equal(got, want) {
		t.Errorf("answered %q, want %q", got, want)
	}
	now := b.holds()
	gone := !strings.Contains(now, b.canary)
	switch {
	case gone != (directives["book"] == "canary gone"):
		t.Errorf("the canary is gone: %v", gone)
	case !gone && now != b.state:
		t.Errorf("the book was\n%s\nand is\n%s", b.state, now)
		b.state = now
	}
	if gone {
		b.canary = ""
	}
}

// holds is all that the book holds.
func (b *rawBook) holds() string {
	return string(b.ok(b.c, "GET", "/contacts/tag", nil).Data) + string(b.ok(b.c, "GET", "/contacts/profile", nil).Data)
}

var rawEscape = regexp.MustCompile(`\\(r|n|t|x[0-9a-f]{2})`)

// rawBytes are the bytes that a file's text stands for.
func (b *rawBook) rawBytes(t *testing.T, text string) string {
	t.Helper()
	auth := fmt.Sprintf("X-Ipay-Auth-Code: 1\r\nX-Ipay-Client-Id: %s\r\nX-Ipay-Client-Secret: %s\r\nX-Ipay-Endpoint-Ip: 203.0.113.7\r\n", b.c.ID, b.c.Secret)
	body := `{"contactId":"` + b.canary + `"}`
	request := func(route, more, body string) string {
		return fmt.Sprintf("%s HTTP/1.1\r\nHost: book\r\n%s%s\r\n%s", route, auth, more, body)
	}
	made, err := template.New("raw").Funcs(template.FuncMap{
		"add": func(a, b int) int { return a + b },
		"hex": func(n int) string { return strconv.FormatInt(int64(n), 16) },
		"pad": func(n int) string { return strings.Repeat("x", n) },
		"lf":  func(s string) string { return strings.ReplaceAll(s, "\r", "") },
	}).Parse(rawEscape.ReplaceAllStringFunc(strings.ReplaceAll(text, "\n", ""), func(e string) string {
		c, err := strconv.Unquote(`"` + e + `"`)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = made.Execute(&out, map[string]string{
		"Auth":    auth,     // the four mandatory headers
		"Contact": b.canary, // its id
		// A request of its own that deletes the canary: what would be smuggled.
		"Delete": request("DELETE /contacts/profile", fmt.Sprintf("Content-Length: %d\r\n", len(body)), body),
		// A last one that shows that the connection goes on, and where.
		"Last": request("GET /contacts/tag", "Connection: close\r\n", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// answers are all that is answered to bytes, until the connection is closed.
func (b *rawBook) answers(t *testing.T, raw string) (all []string) {
	t.Helper()
	conn := dial(t, b.server)
	defer conn.Close()
	go func() {
		io.WriteString(conn, raw)
		conn.CloseWrite()
	}()
	in := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			if strings.Contains(err.Error(), "timeout") {
				t.Errorf("the connection was not closed: %v", err)
			}
			return all
		}
		text, err := io.ReadAll(res.Body)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) { // so ends a connection that was closed before all was read
			t.Fatal(err)
		}
		var r reply
		answer := strconv.Itoa(res.StatusCode)
		if json.Unmarshal(text, &r) == nil && r.Code != "" {
			if answer = r.Code; res.StatusCode != 200 && r.Code != "OUE" {
				answer += strconv.Itoa(res.StatusCode)
			}
		}
		all = append(all, answer)
	}
}
