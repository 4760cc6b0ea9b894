package verify

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var secret = []byte("a secret of thirty-two characters")

var asked = Question{Reference: "64539d5be8c166242100ce72", Kind: "ACCOUNT", Number: "000123456789", IFSC: "HDFC0001234", Name: "Asha Sample"}

// service answers with each of answers in turn, the last one for ever. An answer
// is a status and a body; status 0 cuts the connection.
func service(t *testing.T, answers ...string) (*Remote, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get(SignatureHeader) != Sign(secret, r.Header.Get(TimeHeader), body) || !strings.Contains(string(body), `"reference":"`+asked.Reference+`"`) {
			t.Errorf("asked with %v: %s", r.Header, body)
		}
		status, text, _ := strings.Cut(answers[min(n, len(answers))-1], " ")
		if status == "0" {
			panic(http.ErrAbortHandler)
		}
		if status[0] == '3' {
			w.Header().Set("Location", "/elsewhere")
		}
		var code int
		fmt.Sscan(status, &code)
		w.WriteHeader(code)
		io.WriteString(w, text)
	}))
	s.Config.ErrorLog = nil
	r := NewRemote(s.URL, secret, time.Minute)
	t.Cleanup(func() { r.Close(); s.Close() })
	return r, &calls
}

const good = `200 {"reference":"64539d5be8c166242100ce72","outcome":"verified","name":"ASHA SAMPLE","bankReference":"313016709903","value":"1.00",` +
	`"charge":"2.18","openingBalance":"73.33","closingBalance":"71.15","poolAccount":"7428585742","payerAccount":"7428585742","payerName":"Business Name"}`

func TestRemote(t *testing.T) {
	want := Answer{Outcome: Verified, Name: "ASHA SAMPLE", BankReference: "313016709903", Value: 100,
		Pool: Pool{"7428585742", 7333, 218, 7115}, Payer: Party{"7428585742", "Business Name"}}
	for name, c := range map[string]struct {
		answers []string
		want    Answer
		calls   int64
	}{
		"at once":          {[]string{good}, want, 1},
		"after a failure":  {[]string{"500 no", good}, want, 2},
		"after a cut":      {[]string{"0", "429 later", good}, want, 3},
		"pending":          {[]string{`200 {"reference":"64539d5be8c166242100ce72","outcome":"pending"}`}, Answer{Outcome: Pending}, 1},
		"there is no such": {[]string{`200 {"reference":"64539d5be8c166242100ce72","outcome":"invalid"}`}, Answer{Outcome: Invalid}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, calls := service(t, c.answers...)
			got, err := r.Ask(t.Context(), asked)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v, %s", err, diff)
			}
			if calls.Load() != c.calls {
				t.Errorf("asked %d times, want %d", calls.Load(), c.calls)
			}
		})
	}
}

// An outcome is unknown unless the question certainly did not arrive, and no error
// repeats what was asked or where.
func TestRemoteFails(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		calls  int64
		not    bool // certainly not asked
	}{
		"it fails":            {"503 no", tries, false},
		"it is cut":           {"0", tries, false},
		"too many":            {"429 later", tries, true},
		"refused":             {"401 000123456789", 1, true},
		"elsewhere":           {"307 ", 1, true},
		"no JSON":             {"200 Asha Sample", 1, false},
		"another's":           {`200 {"reference":"x","outcome":"verified"}`, 1, false},
		"an unknown outcome":  {`200 {"reference":"64539d5be8c166242100ce72","outcome":"Asha Sample"}`, 1, false},
		"no amount":           {`200 {"reference":"64539d5be8c166242100ce72","outcome":"verified","value":"1.005"}`, 1, false},
		"longer than allowed": {"200 " + strings.Repeat("Asha Sample ", maxAnswer/10), 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, calls := service(t, c.answer)
			_, err := r.Ask(t.Context(), asked)
			if err == nil || errors.Is(err, ErrNotAsked) != c.not || calls.Load() != c.calls {
				t.Errorf("asked %d times: %v", calls.Load(), err)
			}
			for _, said := range []string{"Asha", asked.Number, asked.IFSC, "127.0.0.1", "http:"} {
				if strings.Contains(fmt.Sprint(err), said) {
					t.Errorf("the error has %s: %v", said, err)
				}
			}
		})
	}
}

func TestRemoteUnreachable(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	r := NewRemote("http://"+ln.Addr().String()+"/?key=hidden", secret, time.Minute)
	defer r.Close()
	if _, err := r.Ask(t.Context(), asked); !errors.Is(err, ErrNotAsked) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%v", err)
	}
}

func TestRemoteInTime(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	r := NewRemote(s.URL, secret, 5*time.Second) // enough to reach it, on a busy machine too
	defer r.Close()
	if _, err := r.Ask(t.Context(), asked); err == nil || errors.Is(err, ErrNotAsked) {
		t.Errorf("it may have been asked: %v", err)
	}
}

// After failures in a row nobody is asked, for a while.
func TestBreaker(t *testing.T) {
	r, calls := service(t, "500 no")
	for range 3 {
		r.Ask(t.Context(), asked)
	}
	if n := calls.Load(); n != tripsAt {
		t.Errorf("asked %d times, want %d", n, tripsAt)
	}
	if _, err := r.Ask(t.Context(), asked); !errors.Is(err, ErrNotAsked) || calls.Load() != tripsAt {
		t.Errorf("asked %d times: %v", calls.Load(), err)
	}
}

func TestPaise(t *testing.T) {
	for text, want := range map[string]string{"": "0.00", "1": "1.00", "1.5": "1.50", "73.33": "73.33", "-0.05": "-0.05", "0.00": "0.00", "123456789012.34": "123456789012.34"} {
		if p, err := ParsePaise(text); err != nil || p.String() != want {
			t.Errorf("%q is %s, %v, want %s", text, p, err, want)
		}
	}
	for _, text := range []string{"1.005", "1,000", "x", ".", "1e3", "--1", "1.-5", "1234567890123456"} {
		if p, err := ParsePaise(text); err == nil {
			t.Errorf("%q is read as %s", text, p)
		}
	}
}

// Every identity has its magic values too.
func TestMagicIdentities(t *testing.T) {
	for kind, number := range map[string]string{
		PAN: "ZZZPZ9901Z", TAN: "ZZZZ09901Z", CIN: "U99999ZZ2000PTC009901", Udyam: "UDYAM-ZZ-00-0009901", GSTIN: "27ZZZPZ9901Z1ZZ",
	} {
		a, err := Simulator{}.Ask(t.Context(), Question{Kind: kind, Number: number})
		if err != nil || a.Outcome != Invalid {
			t.Errorf("%s %s: %v, %v", kind, number, a, err)
		}
	}
}

// docs/sandbox.md has a row for each magic value, and no other.
func TestMagicDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range MagicTable {
		row := fmt.Sprintf("| `%s%s` | `%s%s` | `%s%s` | `%s%s` |", MagicAccount, m.Code, m.VPA, MagicHandle, MagicPhone, m.Code, MagicIdentity, m.Code)
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/sandbox.md lacks %s", row)
		}
	}
	if n := strings.Count(string(text), MagicHandle+"` |"); n != len(MagicTable) {
		t.Errorf("docs/sandbox.md has %d rows, want %d", n, len(MagicTable))
	}
}
