package server

import (
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"contactbook/internal/pgtest"
	"contactbook/internal/proof"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// TestSameTime (S5) sends credentials that are wrong in every way: an unknown client id, a known one with a wrong secret,
// clients that are disabled, revoked, deleted or of the other environment, secrets that have expired. All get one reply,
// to the byte, and at nightly size in one time: nobody learns which client ids exist.
func TestSameTime(t *testing.T) {
	t.Cleanup(pgtest.StopShared)
	for _, engine := range pgtest.Engines() {
		if engine == "postgres" && proof.Sized() == proof.Quick {
			continue // e2e has the replies
		}
		t.Run(engine, func(t *testing.T) {
			db, err := store.Open(t.Context(), store.Options{
				URL: pgtest.URL(t, engine, filepath.Join(t.TempDir(), "book.db")), Pepper: store.PepperSource{Value: store.Secret(strings.Repeat("p", 32))},
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			s := New(Options{DB: db, Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics()})
			add := func(userID int64, sandbox bool) (string, string) {
				t.Helper()
				c, secret, err := db.AddClient(t.Context(), store.Client{UserID: userID, Sandbox: sandbox, Name: "a"})
				if err != nil {
					t.Fatal(err)
				}
				return c.ID, secret
			}
			change := func(id string, edit func(*store.Client)) {
				t.Helper()
				if _, err := db.UpdateClient(t.Context(), id, func(c *store.Client) error { edit(c); return nil }); err != nil {
					t.Fatal(err)
				}
			}
			known, secret := add(1, false)
			_, sandboxSecret := add(1, true)
			off, _ := add(1, false)
			change(off, func(c *store.Client) { c.Enabled = false })
			gone, goneSecret := add(1, false)
			change(gone, func(c *store.Client) { c.Revoked = true })
			deleted, deletedSecret := add(1, false)
			if err := db.DeleteClient(t.Context(), deleted); err != nil {
				t.Fatal(err)
			}
			rotated, expired := add(1, false)
			if _, _, err := db.Rotate(t.Context(), rotated, 0); err != nil {
				t.Fatal(err)
			}
			wrong := strings.Repeat("0", 64)
			unknown := strings.Repeat("A", 43) + "="
			cases := []struct{ name, id, secret string }{
				{"an unknown client", unknown, wrong}, // the others are compared with it
				{"an unknown client, a secret that exists", unknown, secret},
				{"a wrong secret", known, wrong},
				{"the secret of the other environment", known, sandboxSecret},
				{"a disabled client's wrong secret", off, wrong},
				{"a revoked client", gone, goneSecret},
				{"a deleted client", deleted, deletedSecret},
				{"an expired secret", rotated, expired},
			}
			ask := func(id, secret string) (string, time.Duration) {
				r := httptest.NewRequest("GET", "/contacts/tag", nil)
				for name, v := range map[string]string{headerAuthCode: "1", headerClient: id, headerSecret: secret, headerEndpoint: "::1"} {
					r.Header.Set(name, v)
				}
				rec := httptest.NewRecorder()
				began := time.Now()
				s.ServeHTTP(rec, r)
				took := time.Since(began)
				return reply(rec), took
			}
			if got, _ := ask(known, secret); !strings.Contains(got, `"TXN"`) {
				t.Fatalf("the right secret: %s", got)
			}
			want, _ := ask(unknown, wrong)
			if !strings.HasPrefix(want, "200 ") || !strings.Contains(want, `"statuscode":"IAC"`) {
				t.Fatalf("an unknown client: %s", want)
			}
			random, seed := proof.Rand(t)
			times := make([][]time.Duration, len(cases))
			for range proof.Pick(2, 800, 5000) {
				for _, i := range random.Perm(len(cases)) {
					got, took := ask(cases[i].id, cases[i].secret)
					if got != want {
						t.Fatalf("%s is answered\n%s\nand an unknown client\n%s", cases[i].name, got, want)
					}
					times[i] = append(times[i], took)
				}
			}
			if proof.Sized() == proof.Quick {
				return
			}
			worst := 0.0
			for i := 1; i < len(cases); i++ {
				score := welch(times[0], times[i])
				t.Logf("%s: |t| = %.2f", cases[i].name, score)
				worst = max(worst, score)
			}
			if worst >= 4.5 {
				t.Errorf("|t| is %.2f: the time tells one from another", worst)
			}
			proof.Record(t, proof.Figure{ID: "S5", What: fmt.Sprintf("%s, %d ways to be refused against an unknown client, %d times each: largest Welch |t|", engine, len(cases)-1, len(times[0])),
				Target: "< 4.5", Got: fmt.Sprintf("%.2f", worst), Met: worst < 4.5, Seed: seed})
		})
	}
}

// reply is all of a reply but what differs between any two.
func reply(rec *httptest.ResponseRecorder) string {
	h := rec.Header().Clone()
	body := rec.Body.String()
	for _, key := range []string{`"timestamp":"`, `"ipay_uuid":"`} {
		before, rest, _ := strings.Cut(body, key)
		_, after, _ := strings.Cut(rest, `"`)
		body = before + key + `"` + after
	}
	var b strings.Builder
	h.Write(&b)
	return fmt.Sprintln(rec.Code, body, b.String())
}

// welch is the absolute value of Welch's t of two sets of times, without the slowest tenth of both together, which is
// the machine's doing and would hide what is the server's.
func welch(a, b []time.Duration) float64 {
	all := slices.Sorted(slices.Values(append(slices.Clone(a), b...)))
	bound := all[len(all)*9/10]
	mean := func(of []time.Duration) (n, m, v float64) {
		for _, d := range of {
			if d <= bound {
				n++
				m += float64(d)
			}
		}
		m /= n
		for _, d := range of {
			if d <= bound {
				v += (float64(d) - m) * (float64(d) - m)
			}
		}
		return n, m, v / (n - 1)
	}
	n1, m1, v1 := mean(a)
	n2, m2, v2 := mean(b)
	return math.Abs(m1-m2) / math.Sqrt(v1/n1+v2/n2)
}

// TestWelch shows that a difference of a third of the noise is seen, and none where there is none.
func TestWelch(t *testing.T) {
	random, _ := proof.Rand(t)
	draw := func(shift float64) (times []time.Duration) {
		for range 10_000 {
			times = append(times, time.Duration(100_000+shift+10_000*random.NormFloat64()))
		}
		return times
	}
	if got := welch(draw(0), draw(3_000)); got < 4.5 {
		t.Errorf("a difference has |t| = %.2f", got)
	}
	if got := welch(draw(0), draw(0)); got > 6 {
		t.Errorf("no difference has |t| = %.2f", got)
	}
}

// TestPanicShowsNothing (S6) panics in the middle of a request: the log has the stack, and nothing of what was sent.
func TestPanicShowsNothing(t *testing.T) {
	w := newWorld(t)
	defer func(now func() time.Time) { w.Now = now }(w.Now)
	for n := 1; n <= 6; n++ { // wherever it asks the time
		left := n
		w.Now = func() time.Time {
			if left--; left == 0 {
				var nothing *wire.Envelope
				_ = nothing.Code
			}
			return time.Now()
		}
		r := w.request("POST", "/contacts/tag?q=canary-query", `{"name":"canary-name","hexColorCode":"#123456"}`, "User-Agent", "canary-agent")
		func() {
			defer func() { recover() }() // as net/http does
			w.do(r)
		}()
	}
	log := w.log.String()
	if !strings.Contains(log, "goroutine") || !strings.Contains(log, "nil pointer") {
		t.Errorf("nothing has panicked: %s", log)
	}
	for _, never := range []string{"canary", w.secret, w.client.ID[:20] + "\\"} {
		if strings.Contains(log, never) {
			t.Errorf("%s in %s", never, log)
		}
	}
}
