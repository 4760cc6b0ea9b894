// Package client is a typed client of the Contact Book API: contacts with tags,
// persons, addresses, business identities and payment methods.
//
// It speaks to a contactbook server and, unchanged, to the API that contactbook
// is a double of: only the base URL and the credentials differ.
//
//	c, err := client.New("https://book.example.com", id, secret, client.EndpointIP("203.0.113.7"))
//	...
//	contact, err := c.Contacts.Add(ctx, client.ContactInput{
//		Name: "Sample Name", Email: "sample@example.com", Mobile: "7428585742", TagIDs: []string{tagID},
//	})
//
// # Input
//
// The server checks all input; the client sends it as it is. Texts are trimmed,
// and have at most 255 characters where nothing else is said. Ids are 24 hex
// characters. A mandatory field that is left empty is refused by the server.
//
// # Errors
//
// What the server refuses comes back as an [*Error], which carries the
// statuscode, the message and the ipay_uuid; [ErrNotFound] and the other
// sentinels tell the common cases apart with errors.Is. What went wrong on the
// way to the server wraps the error of net/http, and a context's end wraps its
// error. No error, and nothing that is printed of a Client, contains the
// credentials, or more of a reply than the message in its envelope.
//
// # Retries
//
// A call is tried up to three times in all (see [Retries]), with a growing,
// random pause between tries, or the pause that the server asks for by
// Retry-After. What may be repeated depends on the call:
//
//   - Every call, when it was surely not processed: the connection could not be
//     made, the answer is HTTP 429, or it is HTTP 503 with statuscode SPD.
//   - Calls whose repetition changes nothing also after a failure that leaves
//     their outcome open, such as a lost connection or HTTP 502, 503 or 504. These
//     are all that read; Update and Delete, because an update replaces a record
//     by what it says and ids are never used twice; SetPrimary; and Payments.Add,
//     because the contract answers an equal payment method with the one that is
//     there (without Verify).
//   - Any other Add is never sent again once it may have been processed. After
//     such an error the record may or may not exist: list to find out.
//
// A Delete that is repeated may find its own work done, and then reports
// ErrNotFound. A server other than contactbook may add an equal payment method
// twice; Retries(1) rules that out.
package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Client calls the API with one set of credentials. It is safe for use by many
// goroutines at once; one Client for a program's life is best, as it keeps
// connections open.
type Client struct {
	Contacts  *ContactService
	Tags      *TagService
	Persons   *PersonService
	Addresses *AddressService
	Business  *BusinessService
	Payments  *PaymentService
	Sandbox   *SandboxService

	core *core
}

// core is what all calls share.
type core struct {
	base       string
	http       *http.Client
	sign       func(http.Header) // sets the credentials, which are kept nowhere else
	endpointIP string
	userAgent  string
	tries      int
}

// Option changes a Client as it is made.
type Option func(*core) error

// HTTPClient makes calls through h, for a proxy, a TLS setting or an instrumented
// transport of one's own. h is copied; its Timeout bounds each try, the reading
// of the reply included. Redirects are never followed, whatever h says, because
// they would carry the credentials to another place.
//
// By default connections are pooled for all clients of the program, and a try
// fails when the reply has not begun after a minute. Any other limit is the
// context's.
func HTTPClient(h *http.Client) Option {
	return func(c *core) error {
		if h == nil {
			return errors.New("the HTTP client is nil")
		}
		c.http = h
		return nil
	}
}

// EndpointIP sets the address of the end customer, on whose behalf calls are
// made: IPv4 or IPv6. The API demands one with every call. [WithEndpointIP] sets
// it for single calls; a Client without this option needs that for all.
func EndpointIP(ip string) Option {
	return func(c *core) (err error) {
		c.endpointIP, err = parseIP(ip)
		return err
	}
}

// UserAgent sets the User-Agent header, "contactbook-go" by default.
func UserAgent(name string) Option {
	return func(c *core) error {
		if !printable(name) {
			return errors.New("the user agent must be printable ASCII")
		}
		c.userAgent = name
		return nil
	}
}

// Retries sets how often a call is tried at most, the first try included: 3 by
// default; 1 never tries again.
func Retries(tries int) Option {
	return func(c *core) error {
		if tries < 1 {
			return errors.New("a call must be tried at least once")
		}
		c.tries = tries
		return nil
	}
}

// New returns a client of the API at baseURL, an http or https address such as
// https://book.example.com, with the credentials that the API calls
// X-Ipay-Client-Id and X-Ipay-Client-Secret. Over http they can be read on the way:
// use it inside one machine or network that is trusted. Blanks and newlines around
// the credentials are dropped. Nothing is sent; the error is about the arguments,
// and never quotes the credentials.
func New(baseURL, clientID, clientSecret string, opts ...Option) (*Client, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, fmt.Errorf("contactbook: %w", err)
	}
	clientID, clientSecret = strings.TrimSpace(clientID), strings.TrimSpace(clientSecret)
	if clientID == "" || clientSecret == "" || !printable(clientID+clientSecret) {
		return nil, errors.New("contactbook: the client id and the client secret must be printable ASCII, and neither may be empty")
	}
	c := &core{
		base: base, http: shared(), userAgent: "contactbook-go", tries: 3,
		sign: func(h http.Header) {
			h.Set("X-Ipay-Client-Id", clientID)
			h.Set("X-Ipay-Client-Secret", clientSecret)
		},
	}
	for _, set := range opts {
		if err := set(c); err != nil {
			return nil, fmt.Errorf("contactbook: %w", err)
		}
	}
	h := *c.http
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &h
	return &Client{
		&ContactService{c}, &TagService{c}, &PersonService{c}, &AddressService{c}, &BusinessService{c}, &PaymentService{c}, &SandboxService{c}, c,
	}, nil
}

// String is the client's base URL.
func (c *Client) String() string { return "contactbook client of " + c.core.base }

func parseBase(baseURL string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(baseURL))
	// The address is not quoted: it may have a password in it.
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", errors.New("the base URL must be like https://book.example.com")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("the base URL must have no user, query or fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func parseIP(s string) (string, error) {
	ip, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil || ip.Zone() != "" {
		return "", errors.New("the end customer's address must be an IP address such as 203.0.113.7")
	}
	return ip.String(), nil
}

type endpointKey struct{}

// WithEndpointIP returns a context whose calls are made on behalf of the end
// customer at ip, whatever the Client's own [EndpointIP] is. What is no IP
// address fails the calls with ErrInvalidInput.
func WithEndpointIP(ctx context.Context, ip string) context.Context {
	return context.WithValue(ctx, endpointKey{}, ip)
}

// endpoint is the end customer's address of a call.
func (c *core) endpoint(ctx context.Context, op string) (string, error) {
	const header = "The X-Ipay-Endpoint-Ip header is "
	ip, given := ctx.Value(endpointKey{}).(string)
	switch {
	case given:
		parsed, err := parseIP(ip)
		if err != nil {
			return "", &Error{Code: CodeRPI, Message: header + "invalid.", Op: op}
		}
		return parsed, nil
	case c.endpointIP == "":
		return "", &Error{Code: CodeRPI, Message: header + "required.", Op: op}
	}
	return c.endpointIP, nil
}

// shared is the HTTP client of all clients that bring none of their own.
var shared = sync.OnceValue(func() *http.Client {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // the program has put its own there
		return http.DefaultClient
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 32
	t.ResponseHeaderTimeout = time.Minute
	return &http.Client{Transport: t}
})
