package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// addContactPage cuts the two requests out of the page that the project started
// from: the curl command and the raw HTTP that follow each other there.
func addContactPage(t *testing.T) (curl, rawHTTP string) {
	t.Helper()
	page, err := os.ReadFile("testdata/add-contact.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok1 := strings.Cut(string(page), "Sample Request\n\n")
	curl, text, ok2 := strings.Cut(text, "\nPOST /contacts/profile")
	rawHTTP, _, ok3 := strings.Cut(text, "\n\nResponse Parameters")
	if !ok1 || !ok2 || !ok3 || !strings.HasPrefix(curl, "curl ") {
		t.Fatal("testdata/add-contact.txt is not the page that it was")
	}
	return curl, "POST /contacts/profile" + rawHTTP
}

// maskedEmail is what the page's publisher made of the address.
var maskedEmail = regexp.MustCompile(`\[email\W+protected\]`)

const documentedTag = "645b280e95335f08eb021aa2"

// placeholders fills in what the page leaves to its reader.
func placeholders(c creds) *strings.Replacer {
	return strings.NewReplacer("{{authCode}}", "1", "{{clientId}}", c.ID, "{{clientSecret}}", c.Secret, "{{endPointIP}}", "203.0.113.7")
}

// TestDocumentedCurl runs the documented command as it stands, but for the host
// and what the page leaves to its reader.
func TestDocumentedCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatalf("curl, which the documented command starts with, is not installed: %v", err)
	}
	command, _ := addContactPage(t)
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(189590, "LIVE")
		tag := s.tag(c, "Employee")
		masked := strings.ReplaceAll(command, "https://api.instantpay.in", s.url)
		masked = placeholders(c).Replace(strings.ReplaceAll(masked, documentedTag, tag))
		whole := maskedEmail.ReplaceAllString(masked, "help@instantpay.in")
		if whole == masked || strings.Contains(whole, "instantpay.in/") || strings.Contains(whole, "{{") {
			t.Fatalf("not everything was filled in:\n%s", whole)
		}

		r := shell(t, whole)
		if r.Code != "TXN" || r.Status != "Contact Added Successfully" || r.Environment != "LIVE" {
			t.Errorf("%s\nwas answered %s", whole, r.Raw)
		}
		wantFields(t, r.object(), m{"userId": 189590.0, "name": "Sample Name", "email": "help@instantpay.in", "mobile": "7428585742",
			"callingCode": "91", "companyName": "Business Name", "tagId": []any{tag}})
		wantIDs(t, s.ok(c, "GET", "/contacts/profile", nil), r.id())

		if r := shell(t, masked); r.Code != "RPI" || r.Status != "The email must be a valid email address." || string(r.Data) != "null" {
			t.Errorf("with its e-mail masked it was answered %s", r.Raw)
		}
		wantIDs(t, s.ok(c, "GET", "/contacts/profile", nil), r.id())
	})
}

// shell runs a command and takes the reply that it prints apart.
func shell(t *testing.T, command string) reply {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	// A proxy or a .curlrc of whoever runs the tests has no say in the request.
	cmd.Env = append(os.Environ(), "no_proxy=*", "NO_PROXY=*", "HOME="+t.TempDir(), "CURL_HOME=", "XDG_CONFIG_HOME=")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, errs.String(), command)
	}
	r := reply{Raw: out}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return r
}

// TestDocumentedRawHTTP sends the page's raw sample over a socket. Its
// Content-Length is shorter than its body, which has been masked and ends with a
// stray quote: what arrives as the body is JSON cut off.
func TestDocumentedRawHTTP(t *testing.T) {
	_, page := addContactPage(t)
	head, body, ok := strings.Cut(page, "\n\n")
	if !ok || !strings.HasSuffix(body, "}'") || !strings.Contains(head, "Content-Length: 225") || len(body) <= 225 {
		t.Fatal("the raw sample is not what it was")
	}
	head = strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" // a page does not show line ends
	const badBody = "The request body must be valid JSON."
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(189590, "LIVE")
		body := strings.ReplaceAll(body, documentedTag, s.tag(c, "Employee"))
		fill := placeholders(c)
		whole := strings.TrimSuffix(maskedEmail.ReplaceAllString(body, "help@instantpay.in"), "'")
		length := func(head, body string) string {
			return strings.Replace(head, "Content-Length: 225", "Content-Length: "+strconv.Itoa(len(body)), 1)
		}
		for _, v := range []struct{ name, request, status string }{
			{"as published", head + body, "The X-Ipay-Auth-Code header is invalid."}, // {{authCode}}
			{"credentials filled in", fill.Replace(head) + body, badBody},
			{"its length corrected too", length(fill.Replace(head), body) + body, badBody},
			{"without the quote", length(fill.Replace(head), whole) + whole, "Contact Added Successfully"},
		} {
			r, rest := overSocket(t, s, v.request)
			if r.HTTP != 200 || r.Status != v.status {
				t.Errorf("%s: HTTP %d %s", v.name, r.HTTP, r.Raw)
			}
			// What the length left over may be taken for a second request, which is none.
			if len(rest) > 0 && !bytes.HasPrefix(rest, []byte("HTTP/1.1 400 ")) {
				t.Errorf("%s: after the reply came %q", v.name, rest)
			}
			want := 0
			if v.status == "Contact Added Successfully" {
				want = 1
			}
			if got := len(rows(s.ok(c, "GET", "/contacts/profile", nil))); got != want {
				t.Errorf("%s: the book has %d contacts, want %d", v.name, got, want)
			}
		}
	})
}

// overSocket sends bytes as they are, and returns the first reply and what the
// server sent after it until it closed the connection.
func overSocket(t *testing.T, s *server, request string) (r reply, rest []byte) {
	t.Helper()
	conn := dial(t, s)
	defer conn.Close()
	// The server may answer, and close, before it has read everything; and a client
	// may say that it has nothing more to send and still wait for its answer.
	go func() {
		io.WriteString(conn, request)
		conn.CloseWrite()
	}()
	replies := bufio.NewReader(conn)
	res, err := http.ReadResponse(replies, nil)
	if err != nil {
		t.Fatalf("%v after %.200q", err, request)
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	r = reply{HTTP: res.StatusCode, Header: res.Header, Raw: raw}
	json.Unmarshal(raw, &r)
	rest, _ = io.ReadAll(replies) // an abrupt end is an end
	return r, rest
}

// dial is a connection to the server on which bytes can be sent as they are.
func dial(t *testing.T, s *server) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn.(*net.TCPConn)
}
