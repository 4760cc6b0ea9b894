package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestUnknownMethod is the matrix of methods and paths.
func TestUnknownMethod(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		allowed := map[string][]string{}
		for _, op := range documentedOps {
			if list := allowed[pathOf(op.route)]; !slices.Contains(list, methodOf(op.route)) {
				allowed[pathOf(op.route)] = append(list, methodOf(op.route))
			}
		}
		for path, methods := range allowed {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get"} {
				r := s.request(b.c, method, path, "{}")
				if slices.Contains(methods, method) {
					if r := s.do(r); r.Code == "OUE" || r.HTTP != 200 {
						t.Errorf("%s %s: HTTP %d %s", method, path, r.HTTP, r.Raw)
					}
					continue
				}
				var a reply
				if method == "HEAD" { // its reply has no body
					if a = s.do(r); a.HTTP != 405 {
						t.Errorf("HEAD %s: HTTP %d", path, a.HTTP)
					}
				} else {
					b.refuseOnly(t, method+" "+path, r, noMethod, unknownMethod)
					a = s.call(b.c, method, path, "{}")
				}
				got := strings.FieldsFunc(strings.Join(a.Header.Values("Allow"), ","), func(c rune) bool { return c == ',' || c == ' ' })
				slices.Sort(got)
				if want := slices.Sorted(slices.Values(methods)); !slices.Equal(got, want) {
					t.Errorf("%s %s: Allow is %q, want %q", method, path, got, want)
				}
			}
			b.unchanged(t, path)
		}
		for _, path := range []string{"/", "/contacts", "/contacts/", "/contacts/tag/", "/contacts/tags", "/Contacts/Tag", "//contacts/tag",
			"/contacts/../contacts/tag", "/contacts/tag/" + b.tagID, "/contacts/payment/secondary"} {
			for _, method := range []string{"GET", "POST", "DELETE"} {
				b.refuseOnly(t, method+" "+path, s.request(b.c, method, path, "{}"), noPath, unknownMethod)
			}
			b.unchanged(t, path)
		}
	})
}

// TestTooLarge has bodies and headers over the limits.
func TestTooLarge(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		section(t, s, "body", func(t *testing.T) {
			pad := func(size int, body string) string { return strings.Repeat(" ", size-len(body)) + body }
			r := s.call(b.c, "POST", "/contacts/tag", pad(250<<10, `{"name":"Padded","hexColorCode":"#FF1934"}`))
			if r.Code != "TXN" {
				t.Errorf("250 KB: %s", r.Raw)
			}
			b.state = b.snapshot()
			for _, v := range []struct{ route, body string }{
				{"POST /contacts/tag", `{"name":"Large","hexColorCode":"#FF1934"}`},
				{"PATCH /contacts/tag", `{"tagId":"` + b.tagID + `","name":"Large","hexColorCode":"#FF1934"}`},
				{"DELETE /contacts/tag", `{"tagId":"` + b.tagID + `"}`},
				{"GET /contacts/tag", `{}`},
			} {
				b.refuse(t, v.route, s.request(b.c, methodOf(v.route), pathOf(v.route), pad(257<<10, v.body)), bigBody, anyMessage)
				chunked := s.request(b.c, methodOf(v.route), pathOf(v.route), pad(257<<10, v.body))
				chunked.ContentLength = -1
				b.refuse(t, v.route+" in chunks", chunked, bigBody, anyMessage)
			}
		})
		// Only the beginning of a gigabyte is ever sent: the answer does not wait for the rest.
		section(t, s, "body read no further", func(t *testing.T) {
			head := fmt.Sprintf("POST /contacts/tag HTTP/1.1\r\nHost: book\r\nX-Ipay-Auth-Code: 1\r\nX-Ipay-Client-Id: %s\r\nX-Ipay-Client-Secret: %s\r\n"+
				"X-Ipay-Endpoint-Ip: 203.0.113.7\r\n", b.c.ID, b.c.Secret)
			chunk := strings.Repeat("x", 257<<10)
			for _, request := range []string{
				fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, 1<<30, chunk),
				fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", head, 1<<30, chunk),
			} {
				r, rest := overSocket(t, s, request)
				checkRefusal(t, request[len(head):len(head)+30], r, bigBody, anyMessage)
				if len(rest) > 0 {
					t.Errorf("after the reply came %.100q", rest)
				}
			}
		})
		section(t, s, "headers", func(t *testing.T) {
			big := s.request(b.c, "GET", "/contacts/tag", nil, "X-Padding", strings.Repeat("x", 40<<10))
			b.refuse(t, "40 KB", big, bigHeaders, anyMessage)
			many := s.request(b.c, "DELETE", "/contacts/tag", m{"tagId": b.tagID})
			for i := range 400 {
				many.Header.Set(fmt.Sprint("X-Padding-", i), strings.Repeat("x", 80))
			}
			b.refuse(t, "400 headers", many, bigHeaders, anyMessage)
			if r := s.call(b.c, "GET", "/contacts/tag", nil, "X-Padding", strings.Repeat("x", 4<<10)); r.Code != "TXN" {
				t.Errorf("4 KB: %s", r.Raw)
			}
			// What is over the limit of net/http is its own to answer.
			if status := firstLine(t, s, "GET /contacts/tag HTTP/1.1\r\nHost: book\r\nX-Padding: "+strings.Repeat("x", 1<<20)+"\r\n\r\n"); !strings.HasPrefix(status, "HTTP/1.1 431 ") {
				t.Errorf("1 MB: %q", status)
			}
		})
	})
}

// firstLine is the status line that answers bytes sent as they are.
func firstLine(t *testing.T, s *server, request string) string {
	t.Helper()
	conn := dial(t, s)
	defer conn.Close()
	go io.WriteString(conn, request)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// TestOneReplyEach sends bytes that server and proxy might cut into requests in
// two ways: each request is answered once, in its turn, or the connection closed.
func TestOneReplyEach(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		head := func(route string, more ...string) string {
			return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: book\r\nX-Ipay-Auth-Code: 1\r\nX-Ipay-Client-Id: %s\r\nX-Ipay-Client-Secret: %s\r\n"+
				"X-Ipay-Endpoint-Ip: 203.0.113.7\r\n%s\r\n\r\n", methodOf(route), pathOf(route), b.c.ID, b.c.Secret, strings.Join(more, "\r\n"))
		}
		length := func(body string) string { return fmt.Sprint("Content-Length: ", len(body)) }
		list, remove := `{"gcId":"`+b.contactID+`"}`, `{"gcId":"`+b.contactID+`","personId":"`+documentedTag+`"}`
		last := head("GET /contacts/tag", "Connection: close")
		// What would be a request of its own, were the body cut wrongly.
		hidden := head("DELETE /contacts/tag", length(`{"tagId":"`+b.tagID+`"}`)) + `{"tagId":"` + b.tagID + `"}`
		for _, v := range []struct {
			name, bytes string
			want        []string // statuses in order; 400 for what net/http refuses, after which nothing may come
		}{
			{"pipelined with bodies", head("GET /contacts/person", length(list)) + list + head("DELETE /contacts/person", length(remove)) + remove +
				last, []string{"Transaction Successful", noRecordFound, "Transaction Successful"}},
			{"GET with a body in chunks", head("GET /contacts/person", "Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(list), list) +
				last, []string{"Transaction Successful", "Transaction Successful"}},
			{"refused before its body is read", strings.Replace(head("DELETE /contacts/person", length(hidden)), "Auth-Code: 1", "Auth-Code: 2", 1) + hidden + last,
				[]string{"The X-Ipay-Auth-Code header is invalid.", "Transaction Successful"}},
			{"unknown path with a body", head("GET /contacts/nothing", length(hidden)) + hidden + last, []string{unknownMethod, "Transaction Successful"}},
			{"a request as body", head("GET /contacts/person", length(hidden)) + hidden + last, []string{notJSON, "Transaction Successful"}},
			// The chunks are what counts (RFC 9112, section 6.3), the length is not.
			{"a length beside chunks", head("GET /contacts/person", "Content-Length: 3", "Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden) +
				last, []string{notJSON, "Transaction Successful"}},
			{"two lengths", head("GET /contacts/person", length(list), "Content-Length: 0") + list + hidden, []string{"400"}},
			{"a list of lengths", head("GET /contacts/person", "Content-Length: 0, 41") + list + hidden, []string{"400"}},
			{"a negative length", head("GET /contacts/person", "Content-Length: -1") + hidden, []string{"400"}},
			{"a length with a sign", head("GET /contacts/person", "Content-Length: +41") + list + hidden, []string{"400"}},
			{"an unknown coding", head("GET /contacts/person", "Transfer-Encoding: xchunked") + hidden, []string{"400"}},
			{"a blank before the colon", head("GET /contacts/person", "Content-Length : 0") + hidden, []string{"400"}},
		} {
			section(t, s, v.name, func(t *testing.T) {
				got := b.replies(t, v.bytes)
				// What net/http refuses it may also close without a word; after a length
				// beside chunks it may close, too.
				closed := v.want[0] == "400" && (len(got) == 0 || slices.Equal(got, []string{"501"})) ||
					strings.HasSuffix(v.name, "chunks") && slices.Equal(got, v.want[:1])
				if !slices.Equal(got, v.want) && !closed {
					t.Errorf("answered %q, want %q", got, v.want)
				}
				b.unchanged(t, "it")
			})
		}
	})
}

// replies are the statuses of all that is answered to bytes sent as they are, in
// order; the HTTP status where the reply is no envelope.
func (b *errorBook) replies(t *testing.T, request string) (statuses []string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	go io.WriteString(conn, request)
	in := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return statuses
		}
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		var r reply
		if json.Unmarshal(raw, &r) != nil {
			r.Status = fmt.Sprint(res.StatusCode)
		}
		statuses = append(statuses, r.Status)
	}
}
