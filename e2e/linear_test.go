package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"contactbook/internal/proof"
)

// TestLinearizable (M2) has 16 clients read and change the same few contacts while the server is killed again and again:
// of each contact there must be one order of all that was asked, true to when it was asked and answered, in which every
// answer is right. What was not answered may have happened at any time after, or not at all.
func TestLinearizable(t *testing.T) {
	rounds := proof.Pick(1, 25, 300)
	onEngines(t, func(t *testing.T, s *server) {
		h := newHistory(t, s)
		for round := range rounds {
			h.run(proof.Pick(250, 3000, 3000))
			h.judge(round == rounds-1)
		}
		proof.Record(t, proof.Figure{
			ID: "M2", Target: "0", Got: fmt.Sprint(h.wrong), Met: h.wrong == 0, Seed: h.seed,
			What: fmt.Sprintf("%s, %d kills under 16 clients, %d requests about %d contacts, %d of them never answered: contacts without a right order",
				s.engine, rounds, h.steps, h.judged, h.lost),
		})
	})
}

const (
	subjects = 4   // contacts that the clients share at a time
	lifetime = 150 // about as many requests later a contact is deleted
)

// history asks, and writes down what was asked and answered.
type history struct {
	*testing.T
	s     *server
	creds creds
	tags  []string
	http  *http.Client
	rand  *rand.Rand
	seed  uint64
	began time.Time

	serial atomic.Int64
	acks   atomic.Int64
	target int64

	mu       sync.Mutex
	open     []*subject // that the clients share
	adding   int        // more of them on their way
	closed   []*subject // that nobody asks about any more
	steps    int
	lost     int
	judged   int
	wrong    int
	reported int
}

// subject is one contact: what was asked about it, and the payment methods that anybody has seen.
type subject struct {
	id    string
	steps []porcupine.Operation
	known []string
}

func newHistory(t *testing.T, s *server) *history {
	h := &history{T: t, s: s, creds: s.client(7, "LIVE"), began: time.Now()}
	h.rand, h.seed = proof.Rand(t)
	h.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}, Timeout: time.Minute}
	t.Cleanup(h.http.CloseIdleConnections)
	for i := range 3 {
		h.tags = append(h.tags, s.tag(h.creds, fmt.Sprint("tag ", i)))
	}
	return h
}

// run has the clients at work until the server is killed, at one of their last requests, and starts it again.
func (h *history) run(requests int) {
	half := len(h.open) / 2 // the others go on living
	h.closed, h.open = append(h.closed, h.open[:half]...), h.open[half:]
	h.acks.Store(0)
	h.target = int64(requests)/2 + h.rand.Int64N(int64(requests)/2)
	ctx, cancel := context.WithTimeout(h.Context(), 2*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for i := range workers {
		r := rand.New(rand.NewPCG(h.seed, h.rand.Uint64()))
		all.Go(func() {
			for ctx.Err() == nil && h.step(r, i) {
			}
		})
	}
	all.Wait()
	if h.acks.Load() < h.target {
		h.Fatalf("only %d of %d requests were answered", h.acks.Load(), h.target)
	}
	h.s.kill()
	h.s.start()
	awaitReady(h.T, h.s)
	for _, c := range h.open {
		for _, do := range []string{"get", "business.list", "payment.list"} {
			if !h.ask(c, step{Contact: c.id, Do: do}, 0) {
				h.Errorf("%s is not answered after the kill", do)
			}
		}
	}
}

// step makes one request; false when no answer came.
func (h *history) step(r *rand.Rand, client int) bool {
	h.mu.Lock()
	if len(h.open)+h.adding < subjects {
		h.adding++
		h.mu.Unlock()
		return h.add(r, client)
	}
	if len(h.open) == 0 { // they are on their way
		h.mu.Unlock()
		time.Sleep(time.Millisecond)
		return true
	}
	c := h.open[r.IntN(len(h.open))]
	st := step{Contact: c.id}
	known := ""
	if len(c.known) > 0 {
		known = c.known[max(0, len(c.known)-1-r.IntN(4))]
	}
	h.mu.Unlock()

	switch n := r.IntN(100); {
	case n < 30:
		st.Do = "get"
	case n < 50:
		st.Do, st.Keeps, st.Set = "update", r.IntN(2) == 0, h.person(r)
	case n < 55:
		st.Do, st.Set = "business.add", h.numbers(r)
	case n < 65:
		st.Do, st.Set = "business.update", h.numbers(r)
	case n < 68:
		st.Do = "business.delete"
	case n < 73:
		st.Do = "business.list"
	case n < 80:
		st.Do, st.Payee = "payment.add", r.IntN(payees)
	case n < 86:
		st.Do = "payment.list"
	case n < 89 && known != "":
		st.Do, st.Payment = "payment.delete", known
	case known != "":
		st.Do, st.Payment = "payment.primary", known
	default:
		st.Do = "payment.list"
	}
	if r.IntN(lifetime) == 0 {
		st = step{Contact: c.id, Do: "delete"}
	}
	return h.ask(c, st, client)
}

// add makes a new contact, which its clients share from its answer on.
func (h *history) add(r *rand.Rand, client int) bool {
	c := new(subject)
	answered := h.ask(c, step{Do: "add", Set: h.person(r)}, client)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.adding--; answered {
		h.open = append(h.open, c)
	}
	return answered
}

// person draws what a contact is: never the same twice.
func (h *history) person(r *rand.Rand) life {
	n := h.serial.Add(1)
	var tags []string
	for _, i := range r.Perm(len(h.tags))[:1+r.IntN(len(h.tags))] {
		tags = append(tags, h.tags[i])
	}
	return life{
		Name: fmt.Sprint("name ", n), Email: fmt.Sprintf("e%d@example.com", n), Mobile: fmt.Sprint(7000000000 + n),
		Company: fmt.Sprint("company ", n), Tags: strings.Join(tags, " "),
	}
}

// numbers draws one business identity or the other.
func (h *history) numbers(r *rand.Rand) life {
	n := 1 + h.serial.Add(1)%9999
	if r.IntN(2) == 0 {
		return life{PAN: fmt.Sprintf("AAOCS%04dB", n)}
	}
	return life{TAN: fmt.Sprintf("ABCD%05dE", n)}
}

// ask sends one request and writes down what came of it; false when no answer came.
func (h *history) ask(c *subject, st step, client int) bool {
	method, path, body := h.request(c, st)
	call := time.Since(h.began)
	t, id, err := h.send(method, path, body, st)
	op := porcupine.Operation{ClientId: client, Input: st, Call: int64(call), Output: t, Return: int64(time.Since(h.began))}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps++
	if err != nil {
		h.lost++
		op.Return = math.MaxInt64
		if method == "GET" {
			return false
		}
	}
	if st.Do == "add" {
		c.id = id
	}
	c.steps = append(c.steps, op)
	for _, p := range append(t.Seen.Pay[:], t.Payment) {
		if p.ID != "" {
			c.known = append(c.known, p.ID)
		}
	}
	if st.Do == "delete" && err == nil {
		for i := range h.open {
			if h.open[i] == c {
				h.open = append(h.open[:i:i], h.open[i+1:]...)
				h.closed = append(h.closed, c)
				break
			}
		}
	}
	if err == nil && h.acks.Add(1) == h.target {
		h.s.cmd.Process.Kill()
	}
	return err == nil
}

// request is how the step is asked on the wire.
func (h *history) request(c *subject, st step) (method, path string, body m) {
	switch st.Do {
	case "add", "update":
		tags := []m{}
		for _, id := range strings.Fields(st.Set.Tags) {
			tags = append(tags, m{"tagId": id})
		}
		body = m{"name": st.Set.Name, "email": st.Set.Email, "mobile": st.Set.Mobile, "tagDetails": tags}
		if !st.Keeps {
			body["companyName"] = st.Set.Company
		}
		if st.Do == "add" {
			return "POST", "/contacts/profile", body
		}
		body["contactId"] = c.id
		return "PATCH", "/contacts/profile", body
	case "get":
		return "GET", "/contacts/profile", m{"contactId": c.id}
	case "delete":
		return "DELETE", "/contacts/profile", m{"contactId": c.id}
	case "payment.add":
		return "POST", "/contacts/payment", m{"gcId": c.id, "accountType": "VPA", "upiId": upi(st.Payee)}
	case "payment.primary":
		return "POST", "/contacts/payment/primary", m{"gcId": c.id, "paymentId": st.Payment}
	case "payment.delete":
		return "DELETE", "/contacts/payment", m{"gcId": c.id, "paymentId": st.Payment}
	}
	what, do, _ := strings.Cut(st.Do, ".")
	body = m{"gcId": c.id}
	if st.Set.PAN != "" {
		body["pan"] = st.Set.PAN
	}
	if st.Set.TAN != "" {
		body["tan"] = st.Set.TAN
	}
	return map[string]string{"add": "POST", "update": "PATCH", "delete": "DELETE", "list": "GET"}[do], "/contacts/" + what, body
}

func upi(payee int) string { return fmt.Sprintf("payee%d@upi", payee) }

// seen is any reply's data that the steps are told.
type seen struct {
	ID      string   `json:"_id"`
	Name    string   `json:"name"`
	Email   string   `json:"email"`
	Mobile  string   `json:"mobile"`
	Company string   `json:"companyName"`
	TagIDs  []string `json:"tagId"`
	Updated string   `json:"updated_at"`
	PAN     string   `json:"pan"`
	TAN     string   `json:"tan"`
	Number  string   `json:"accountNumber"`
	Primary bool     `json:"isPrimary"`
}

// send sends one request; an error says that its outcome is not known.
func (h *history) send(method, path string, body m, st step) (t told, id string, err error) {
	res, err := h.http.Do(h.s.request(h.creds, method, path, body))
	if err != nil {
		return t, "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return t, "", err
	}
	var r reply
	if err := json.Unmarshal(raw, &r); err != nil {
		h.Errorf("%s: half a reply arrived whole: %s", st, raw)
		return t, "", err
	}
	t.Code = r.Code
	switch {
	case r.Code == "ERR" && r.Status == "No Record Found":
		return t, "", nil
	case r.Code == "ERR" && r.Status == "Business details already exist.":
		t.Taken = true
		return t, "", nil
	case r.Code != "TXN":
		h.Errorf("%s: %d %s", st, res.StatusCode, raw)
		return told{}, "", fmt.Errorf("%s", r.Code)
	}
	var one seen
	var list []seen
	if strings.HasPrefix(string(r.Data), "[") {
		err = json.Unmarshal(r.Data, &list)
	} else if string(r.Data) != "null" {
		err = json.Unmarshal(r.Data, &one)
	}
	if err != nil {
		h.Errorf("%s: %v: %s", st, err, raw)
	}
	if st.Do == "payment.list" {
		for _, p := range list {
			for i := range payees {
				if p.Number != upi(i) {
					continue
				}
				if t.Seen.Pay[i].ID != "" {
					h.Errorf("%s is there twice: %s", p.Number, raw)
				}
				t.Seen.Pay[i] = pay{p.ID, p.Primary}
			}
		}
		return t, "", nil
	}
	if st.Do == "payment.add" {
		t.Payment = pay{one.ID, one.Primary}
		return t, "", nil
	}
	if len(list) > 0 {
		one, t.Seen.Business = list[0], st.Do == "business.list"
	}
	t.Seen.Name, t.Seen.Email, t.Seen.Mobile, t.Seen.Company = one.Name, one.Email, one.Mobile, one.Company
	t.Seen.Tags, t.Seen.PAN, t.Seen.TAN = strings.Join(one.TagIDs, " "), one.PAN, one.TAN
	if st.Do == "add" || st.Do == "update" {
		t.Seen.Updated = one.Updated
	}
	return t, one.ID, nil
}

// judge looks for a right order of what was asked about each contact that nobody asks about any more, or of all.
func (h *history) judge(last bool) {
	if last {
		h.closed, h.open = append(h.closed, h.open...), nil
	}
	for _, c := range h.closed {
		h.judged++
		switch porcupine.CheckOperationsTimeout(lives, c.steps, 2*time.Minute) {
		case porcupine.Ok:
			continue
		case porcupine.Unknown:
			h.Errorf("%s: no verdict on %d requests within 2 minutes", c.id, len(c.steps))
		default:
			h.Errorf("%s: there is no order of %d requests in which every answer is right: %s", c.id, len(c.steps), h.picture(c))
		}
		h.wrong++
	}
	h.closed = nil
}

// picture draws the history of a contact, up to five of them, and says where.
func (h *history) picture(c *subject) string {
	if h.reported++; h.reported > 5 {
		return "one more"
	}
	_, info := porcupine.CheckOperationsVerbose(lives, c.steps, time.Minute)
	f, err := os.CreateTemp("", "linearizable-*.html")
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if err := porcupine.Visualize(lives, info, f); err != nil {
		return err.Error()
	}
	return "see " + f.Name()
}
