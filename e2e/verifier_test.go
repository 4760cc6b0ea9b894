package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"contactbook/internal/verify"
)

const verifierSecret = "a secret of thirty-two characters"

// bank is a verifier over HTTP that moves money once for each reference.
type bank struct {
	*httptest.Server
	mu    sync.Mutex
	moved map[string]int // reference to how often it was asked
	asked chan struct{}  // one for each question
	hold  chan struct{}  // closed: answers come
}

func newBank(t *testing.T) *bank {
	b := &bank{moved: map[string]int{}, asked: make(chan struct{}, 1000), hold: make(chan struct{})}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		var q struct{ Reference, Kind, Number, Name string }
		if err != nil || json.Unmarshal(text, &q) != nil || r.Header.Get(verify.SignatureHeader) != verify.Sign([]byte(verifierSecret), r.Header.Get(verify.TimeHeader), text) {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		b.mu.Lock()
		b.moved[q.Reference]++
		b.mu.Unlock()
		b.asked <- struct{}{}
		select {
		case <-b.hold:
		case <-r.Context().Done():
			return
		}
		json.NewEncoder(w).Encode(m{"reference": q.Reference, "outcome": "verified", "name": strings.ToUpper(q.Name), "value": "1.00"})
	}))
	t.Cleanup(b.Close)
	return b
}

// references is how many questions the bank knows.
func (b *bank) references() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.moved)
}

func (b *bank) flags(t *testing.T) []string {
	file := filepath.Join(t.TempDir(), "verifier.key")
	if err := os.WriteFile(file, []byte(verifierSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--verifier", "http", "--verifier-url", b.URL, "--verifier-secret-file", file, "--verifier-timeout", "1m"}
}

// TestVerifierHolds asks a verifier that takes its time: neither a transaction nor one of the places for requests is held
// meanwhile, an equal request is told that it is pending, and SANDBOX never asks it.
func TestVerifierHolds(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := newBank(t)
			s := start(t, engine, append(b.flags(t), "--max-requests", "1")...)
			c := s.client(1, "LIVE")
			p := s.payee(c, m{"accountType": "VPA", "upiId": "asha@ybl"})
			first := make(chan reply)
			go func() {
				r, err := send(s.request(c, "POST", "/contacts/payment/verify", with(question("one"), "gcId", p.contact, "paymentId", p.payment)))
				if err != nil {
					t.Error(err)
				}
				first <- r
			}()
			<-b.asked
			s.ok(c, "POST", "/contacts/payment/primary", m{"gcId": p.contact, "paymentId": p.payment})
			wantRefused(t, "an equal one meanwhile", s.verify(c, p, "one"), "TUP", "Transaction Under Process")
			sandbox := s.client(1, "SANDBOX")
			wantVerified(t, "in the sandbox", s.verify(sandbox, s.payee(sandbox, m{"accountType": "VPA", "upiId": "asha@ybl"}), "one"))
			close(b.hold)
			wantVerified(t, "the first", <-first)
			if d := s.detail(c, p); d["isPrimary"] != true || d["isVerified"] != true {
				t.Errorf("the method is %v", d)
			}
			if n := b.references(); n != 1 {
				t.Errorf("the bank knows %d questions", n)
			}
		})
	}
}

// TestVerifierKilled kills the server between asking and storing: what is asked after it has the same reference, so that
// nothing moves twice.
func TestVerifierKilled(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := newBank(t)
			s := start(t, engine, b.flags(t)...)
			c := s.client(1, "LIVE")
			p := s.payee(c, m{"accountType": "VPA", "upiId": "asha@ybl"})
			lost := make(chan struct{})
			go func() {
				defer close(lost)
				http.DefaultClient.Do(s.request(c, "POST", "/contacts/payment/verify", with(question("one"), "gcId", p.contact, "paymentId", p.payment)))
			}()
			<-b.asked
			s.kill()
			<-lost
			close(b.hold)
			s.start()
			if d := s.detail(c, p); d["isVerified"] != false {
				t.Errorf("after the kill the method is %v", d)
			}
			wantVerified(t, "asked again", s.verify(c, p, "one"))
			if r := s.verify(c, p, "one"); r.Code != "DTX" {
				t.Errorf("a repeat: %s", r.Raw)
			}
			if n := b.references(); n != 1 {
				t.Errorf("the bank knows %d questions", n)
			}
		})
	}
}

// TestVerifierAway has the answers when nobody verifies: not configured, not reachable, and a person who decides later.
func TestVerifierAway(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	gone := b.flags(t)
	b.Close()
	for _, v := range []struct {
		name         string
		flags        []string
		code, status string
	}{
		{"none", []string{"--verifier", "none"}, "SNA", "Service not available"},
		{"unreachable", gone, "SPD", "Service Provider Downtime"},
		{"manual", []string{"--verifier", "manual"}, "TUP", "Transaction Under Process"},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "sqlite", v.flags...)
			c := s.client(1, "LIVE")
			p := s.payee(c, m{"accountType": "VPA", "upiId": "asha@ybl"})
			for range 2 {
				wantRefused(t, "verify", s.verify(c, p, "one"), v.code, v.status)
			}
			wantRefused(t, "no such method", s.verify(c, payee{p.contact, p.contact}, "one"), "ERR", "No Record Found")
			r := s.call(c, "POST", "/contacts/payment", with(question("two"), "gcId", p.contact, "accountType", "VPA", "upiId", "other@ybl", "isVerificationOn", true))
			want := 2
			if v.code == "SNA" {
				want = 1
			}
			if n := len(rows(s.ok(c, "GET", "/contacts/payment", m{"gcId": p.contact}))); r.Code != v.code || n != want {
				t.Errorf("add and verify: %d methods, %s", n, r.Raw)
			}
		})
	}
}
