package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"contactbook/internal/wire"
)

// await polls until it holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func (a *admission) waits() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.waiting.Len()
}

// idle fails the test unless every place is free again.
func (a *admission) idle(t *testing.T) {
	t.Helper()
	if load, n := a.load.Load(), a.waits(); load != 0 || n != 0 || a.spare != 0 {
		t.Errorf("at rest: load %d, %d wait, %d spare", load, n, a.spare)
	}
}

// queue has n requests wait for a full admission, one after another, and tells
// their numbers, from 0, as they are let in (true) or refused.
func queue(t *testing.T, a *admission, n int) (let, refused <-chan int) {
	in, out := make(chan int, n), make(chan int, n)
	before := a.load.Load()
	for i := range n {
		go func() {
			if a.enter() {
				in <- i
			} else {
				out <- i
			}
		}()
		await(t, "it waits", func() bool {
			return a.load.Load() == before+int64(i)+1 && a.waits() == int(a.load.Load()-a.limit) || len(out) > 0
		})
	}
	return in, out
}

// The newest that waits is let in first.
func TestNewestFirst(t *testing.T) {
	a := newAdmission(2, NewMetrics(), slog.New(slog.DiscardHandler))
	a.patience = time.Hour
	for range a.limit {
		if !a.enter() {
			t.Fatal("refused below the limit")
		}
	}
	in, _ := queue(t, a, 3)
	for want := 2; want >= 0; want-- {
		a.leave()
		if got := <-in; got != want {
			t.Errorf("number %d was let in, want %d", got, want)
		}
	}
	a.leave()
	a.leave()
	a.idle(t)
}

// When too many wait, the one that has waited longest is refused.
func TestOldestRefused(t *testing.T) {
	a := newAdmission(1, NewMetrics(), slog.New(slog.DiscardHandler))
	a.patience = time.Hour
	a.enter()
	in, out := queue(t, a, 3)
	if got := <-out; got != 0 || a.waits() != 2 {
		t.Errorf("number %d was refused, and %d wait; want 0 and 2", got, a.waits())
	}
	for _, want := range []int{2, 1} {
		a.leave()
		if got := <-in; got != want {
			t.Errorf("number %d was let in, want %d", got, want)
		}
	}
	a.leave()
	a.idle(t)
}

// Who waits for a place that does not come is refused in the end, and who comes
// soon after that at once.
func TestPatience(t *testing.T) {
	a := newAdmission(1, NewMetrics(), slog.New(slog.DiscardHandler))
	a.patience = 10 * time.Millisecond
	a.enter()
	if a.enter() {
		t.Fatal("let in beyond the limit")
	}
	a.patience = time.Hour
	if a.enter() { // or it waits for an hour
		t.Fatal("let in beyond the limit")
	}
	a.leave()
	if !a.enter() {
		t.Fatal("refused, and there is a place")
	}
	a.mu.Lock()
	a.refused = a.refused.Add(-2 * time.Hour) // the overload is over
	a.mu.Unlock()
	in, _ := queue(t, a, 1)
	a.leave()
	<-in
	a.leave()
	a.idle(t)
}

// One gives up waiting between the two steps of another that goes out and owes it a
// place: the place is free then, and is not given out twice.
func TestGiveUpOnHandOver(t *testing.T) {
	a := newAdmission(1, NewMetrics(), slog.New(slog.DiscardHandler))
	a.enter()
	a.load.Add(1)
	e := a.waiting.PushFront(&waiter{verdict: make(chan bool, 1)})
	if a.load.Add(-1) < a.limit { // the first step of leave
		t.Fatal("nothing is owed")
	}
	a.mu.Lock()
	a.remove(e)
	a.giveUp()
	a.mu.Unlock()
	a.handOver() // the second
	a.idle(t)
}

// Many come and go at once, wait, give up and resume: never do more work than may,
// but for those that resume, and no place is lost.
func TestAdmissionRaces(t *testing.T) {
	a := newAdmission(3, NewMetrics(), slog.New(slog.DiscardHandler))
	a.maxWait, a.patience = 4, 200*time.Microsecond
	var working, resumed, rested, let, refused atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 200 {
				if !a.enter() {
					refused.Add(1)
					continue
				}
				let.Add(1)
				before := rested.Load()
				if n := working.Add(1); n > a.limit+resumed.Load()-before {
					t.Errorf("%d work", n)
				}
				if rand.IntN(4) == 0 {
					time.Sleep(50 * time.Microsecond)
				}
				working.Add(-1)
				a.leave()
				if rand.IntN(8) == 0 {
					resumed.Add(1)
					a.reenter()
					working.Add(1)
					working.Add(-1)
					a.leave()
					rested.Add(1)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d let in, %d refused", let.Load(), refused.Load())
	if let.Load() == 0 || refused.Load() == 0 {
		t.Error("nothing was tried")
	}
	a.idle(t)
	for range a.limit {
		if !a.enter() {
			t.Fatal("a place is lost")
		}
	}
	if a.enter() {
		t.Error("a place is gained")
	}
}

// A server with room pays nothing that the garbage collector would have to find.
func TestAdmissionAllocates(t *testing.T) {
	a := newAdmission(1, NewMetrics(), slog.New(slog.DiscardHandler))
	if n := testing.AllocsPerRun(100, func() { a.enter(); a.leave() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// untouched is a body that must not be read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body of a refused request was read")
	return 0, errors.New("refused")
}

// refused checks a refusal in the envelope: all nine keys, and how long to wait.
func refused(t *testing.T, rec *httptest.ResponseRecorder, status int, code wire.Code, message string) {
	t.Helper()
	var e wire.Envelope
	if err := json.Unmarshal(rec.Body.Bytes(), &e); err != nil {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	if n := strings.Count(rec.Body.String(), `":`); n != 9 || rec.Code != status || e.Code != code || e.Status != message {
		t.Errorf("%d %s, want %d %s %s", rec.Code, rec.Body, status, code, message)
	}
	if rec.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// TestOverload (O4) asks a full server: it refuses unread, and without its
// database, which is closed; what needs no place is answered.
func TestOverload(t *testing.T) {
	w := newWorld(t)
	w.admission = newAdmission(1, w.Metrics, w.Log)
	w.admission.patience = time.Millisecond
	w.admission.enter()
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, w.do(httptest.NewRequest("POST", "/contacts/profile", untouched{t})), 503, wire.SPD, "Service Provider Downtime")
	problem := w.do(w.request("GET", "/contacts/tag", "", "Accept", wire.ProblemType))
	if problem.Code != 503 || problem.Header().Get("Retry-After") != "1" || !strings.Contains(problem.Body.String(), `"statuscode":"SPD"`) {
		t.Errorf("problem details: %d %v %s", problem.Code, problem.Header(), problem.Body)
	}
	for path, want := range map[string]int{"/livez": 200, "/openapi.yaml": 200, "/docs": 200, "/nowhere": 404} {
		if rec := w.do(httptest.NewRequest("GET", path, nil)); rec.Code != want {
			t.Errorf("GET %s of a full server: %d", path, rec.Code)
		}
	}
	w.admission.leave()
	w.admission.idle(t)
}

// slowWriter is a connection whose reader lets each write wait.
type slowWriter struct {
	*httptest.ResponseRecorder
	writing chan bool
}

func (s *slowWriter) Write(p []byte) (int, error) {
	s.writing <- true
	s.writing <- true
	return s.ResponseRecorder.Write(p)
}

// Clients that send or read slowly take nobody's place.
func TestSlowClientsTakeNoPlace(t *testing.T) {
	w := newWorld(t)
	w.admission = newAdmission(1, w.Metrics, w.Log)
	list := func() *http.Request { return w.request("GET", "/contacts/tag", "") }
	served := func(what string) {
		t.Helper()
		if rec := w.do(list()); rec.Code != 200 {
			t.Errorf("%s: %d %s", what, rec.Code, rec.Body)
		}
	}
	var wg sync.WaitGroup
	body, sender := io.Pipe()
	slow := w.request("POST", "/contacts/tag", "")
	slow.Body, slow.ContentLength = body, -1
	wg.Go(func() {
		if rec := w.do(slow); !bytes.Contains(rec.Body.Bytes(), []byte("Tag Added Successfully")) {
			t.Errorf("the slow body: %s", rec.Body)
		}
	})
	io.WriteString(sender, `{"name":"a",`) // it is read, so the request is at its body
	served("beside a slow body")
	io.WriteString(sender, `"hexColorCode":"#123456"}`)
	sender.Close()
	wg.Wait()

	reader := &slowWriter{httptest.NewRecorder(), make(chan bool)}
	wg.Go(func() { w.ServeHTTP(reader, list()) })
	<-reader.writing
	served("beside a slow reader")
	<-reader.writing
	wg.Wait()
	if !strings.HasSuffix(reader.Body.String(), `"internalCode":null}`) {
		t.Errorf("the slow reader's list: %s", reader.Body)
	}
	w.admission.idle(t)
}
