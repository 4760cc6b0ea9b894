package verify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Remote asks a service over HTTP: a POST of a signed JSON question.
type Remote struct {
	url     string
	secret  []byte
	timeout time.Duration
	client  *http.Client
	breaker *gobreaker.CircuitBreaker[Answer]
	now     func() time.Time
}

const (
	tries     = 3                      // of one ask, all under the same reference
	firstWait = 100 * time.Millisecond // before the second; the third waits twice as long
	maxAnswer = 64 << 10               // bytes
	// tripsAt failures in a row the breaker opens: for restFor nobody is asked.
	tripsAt = 5
	restFor = 10 * time.Second
)

// NewRemote asks at an address, and signs with secret. timeout is for one ask, its
// tries together.
func NewRemote(address string, secret []byte, timeout time.Duration) *Remote {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return &Remote{
		url: address, secret: secret, timeout: timeout, now: time.Now,
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		breaker: gobreaker.NewCircuitBreaker[Answer](gobreaker.Settings{
			Name: "verifier", Timeout: restFor,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripsAt },
		}),
	}
}

func (*Remote) Name() string { return "http" }

// Close lets idle connections go.
func (r *Remote) Close() { r.client.CloseIdleConnections() }

// question and answer are the bodies on the wire.
type question struct {
	Reference   string `json:"reference"`
	Kind        string `json:"kind"`
	Number      string `json:"number"`
	CallingCode string `json:"callingCode,omitempty"`
	IFSC        string `json:"ifsc,omitempty"`
	Name        string `json:"name"`
	Latitude    string `json:"latitude,omitempty"`
	Longitude   string `json:"longitude,omitempty"`
}

type answer struct {
	Reference     string  `json:"reference"`
	Outcome       Outcome `json:"outcome"`
	Name          string  `json:"name"`
	BankReference string  `json:"bankReference"`
	Value         string  `json:"value"`
	Charge        string  `json:"charge"`
	Opening       string  `json:"openingBalance"`
	Closing       string  `json:"closingBalance"`
	PoolAccount   string  `json:"poolAccount"`
	PayerAccount  string  `json:"payerAccount"`
	PayerName     string  `json:"payerName"`
}

// Ask tries until there is an answer, the time is over or trying is of no use.
// Errors hold nothing of the question, the answer or the address.
func (r *Remote) Ask(ctx context.Context, q Question) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	body, err := json.Marshal(question{q.Reference, q.Kind, q.Number, q.CallingCode, q.IFSC, q.Name, q.Latitude, q.Longitude})
	if err != nil {
		return Answer{}, errors.Join(ErrNotAsked, err)
	}
	reached := false // the question may have come to the verifier
	for n, wait := 1, firstWait; ; n, wait = n+1, 2*wait {
		a, err := r.breaker.Execute(func() (Answer, error) { return r.once(ctx, body, q.Reference) })
		var not *notAsked
		if err == nil {
			return a, nil
		}
		reached = reached || !errors.As(err, &not) && !errors.Is(err, gobreaker.ErrOpenState) && !errors.Is(err, gobreaker.ErrTooManyRequests)
		if n == tries || errors.Is(err, errFinal) || !pause(ctx, wait) {
			if !reached {
				err = errors.Join(ErrNotAsked, err)
			}
			return Answer{}, err
		}
	}
}

// pause waits, half of it by chance; false when ctx ends before.
func pause(ctx context.Context, wait time.Duration) bool {
	t := time.NewTimer(wait/2 + rand.N(wait/2))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// notAsked is why a question did not leave, or was turned away unread.
type notAsked struct{ error }

func (e *notAsked) Unwrap() error { return e.error }

// errFinal is an answer that trying again will not change.
var errFinal = errors.New("the verifier's answer is of no use")

// once asks once.
func (r *Remote) once(ctx context.Context, body []byte, reference string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return Answer{}, &notAsked{errors.New("the verifier's address cannot be used")}
	}
	at := strconv.FormatInt(r.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(TimeHeader, at)
	req.Header.Set(SignatureHeader, Sign(r.secret, at, body))
	res, err := r.client.Do(req)
	if err != nil {
		return Answer{}, plain(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Answer{}, errors.New("the verifier's answer ended early")
	case res.StatusCode == http.StatusTooManyRequests:
		return Answer{}, &notAsked{errors.New("the verifier has too many requests")}
	case res.StatusCode >= 500:
		return Answer{}, fmt.Errorf("the verifier answered %d", res.StatusCode)
	case res.StatusCode != http.StatusOK:
		return Answer{}, &notAsked{fmt.Errorf("%w: it is %d", errFinal, res.StatusCode)}
	case len(text) > maxAnswer:
		return Answer{}, fmt.Errorf("%w: it is longer than %d bytes", errFinal, maxAnswer)
	}
	return read(text, reference)
}

// plain is a transport's error without the address, which may hold a secret.
func plain(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &notAsked{errors.New("the verifier cannot be reached")}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("the verifier did not answer in time")
	}
	return errors.New("the connection to the verifier failed")
}

// read reads an answer.
func read(text []byte, reference string) (Answer, error) {
	var in answer
	if err := json.Unmarshal(text, &in); err != nil {
		return Answer{}, fmt.Errorf("%w: it is not the JSON that was agreed on", errFinal)
	}
	if in.Reference != reference {
		return Answer{}, fmt.Errorf("%w: it is of another reference", errFinal)
	}
	if !slices.Contains(Outcomes, in.Outcome) {
		return Answer{}, fmt.Errorf("%w: its outcome is unknown", errFinal)
	}
	a := Answer{
		Outcome: in.Outcome, Name: in.Name, BankReference: in.BankReference,
		Pool: Pool{Account: in.PoolAccount}, Payer: Party{in.PayerAccount, in.PayerName},
	}
	for _, m := range []struct {
		text string
		to   *Paise
	}{{in.Value, &a.Value}, {in.Charge, &a.Pool.Charge}, {in.Opening, &a.Pool.Opening}, {in.Closing, &a.Pool.Closing}} {
		var err error
		if *m.to, err = ParsePaise(m.text); err != nil {
			return Answer{}, fmt.Errorf("%w: an amount is no number of rupees with two decimals", errFinal)
		}
	}
	return a, nil
}

// Headers of a question, and of what a verifier sends on its own.
const (
	TimeHeader      = "X-Contactbook-Timestamp"
	SignatureHeader = "X-Contactbook-Signature"
)

// Sign is v1= and the HMAC-SHA256, in hex, of the time, a dot and the body.
func Sign(secret []byte, at string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}
