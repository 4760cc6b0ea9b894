package server

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"contactbook/internal/store"
	"contactbook/internal/wire"
)

const (
	headerAuthCode = "X-Ipay-Auth-Code"
	headerClient   = "X-Ipay-Client-Id"
	headerSecret   = "X-Ipay-Client-Secret"
	headerEndpoint = "X-Ipay-Endpoint-Ip"
)

// refusalTime is when wrong credentials are refused, or twice it where the database takes longer, and so on: an
// unknown client id is looked up a few microseconds faster than a known one, which a caller could learn ids by.
const refusalTime = 10 * time.Millisecond

// authenticate reads the mandatory headers, then asks whose they are and whether
// the caller may use them from where it is.
func (q *request) authenticate() error {
	if headerBytes(q.r.Header) > maxHeader {
		return wire.ErrHeaderSize
	}
	var values [4]string
	for i, name := range [...]string{headerAuthCode, headerClient, headerSecret, headerEndpoint} {
		v, err := header(q.r.Header, name)
		if err != nil {
			return err
		}
		bad := name == headerAuthCode && v != "1"
		if name == headerEndpoint {
			ip, err := netip.ParseAddr(v)
			bad = err != nil || ip.Zone() != ""
		}
		if bad {
			return wire.ErrHeader(name, "invalid")
		}
		values[i] = v
	}
	if wait := q.failures.blocked(q); wait > 0 {
		q.Metrics.refused.WithLabelValues("credentials").Inc()
		return wire.ErrTooMany(wait)
	}
	began := time.Now()
	client, err := q.DB.Authenticate(context.WithoutCancel(q.r.Context()), values[1], values[2])
	switch {
	case errors.Is(err, store.ErrCredentials):
		q.failures.count(q)
		q.rest()
		time.Sleep(refusalTime - time.Since(began)%refusalTime)
		return wire.ErrCredentials
	case errors.Is(err, store.ErrUnavailable):
		return errors.Join(wire.ErrDown, err)
	case err != nil:
		return err
	}
	q.client = client
	q.env.Environment = client.Environment()
	if !client.Enabled {
		return wire.ErrDisabled
	}
	if len(client.Allow) > 0 {
		ip := callerIP(q.r, q.TrustedProxies)
		if !slices.ContainsFunc(client.Allow, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			return wire.ErrAddress(ip.String())
		}
	}
	return nil
}

func headerBytes(h http.Header) (n int) {
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// header is a mandatory header's value. Equal repeats are fine: documented
// requests have them.
func header(h http.Header, name string) (string, error) {
	value, given := "", h[http.CanonicalHeaderKey(name)]
	for i, v := range given {
		v = strings.TrimSpace(v)
		if i > 0 && v != value {
			return "", wire.ErrHeader(name, "invalid")
		}
		value = v
	}
	if value == "" {
		return "", wire.ErrHeader(name, "required")
	}
	return value, nil
}

// callerIP is the address that the request comes from: the TCP peer, or, when
// that is a trusted proxy, the right-most hop of X-Forwarded-For that is not. A
// hop that cannot be read ends the search at the proxy that wrote it.
func callerIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	ip := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			break
		}
		next, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		ip = next
	}
	return ip
}

// parseHop reads an address that may carry a port.
func parseHop(s string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		var withPort netip.AddrPort
		if withPort, err = netip.ParseAddrPort(s); err == nil {
			ip = withPort.Addr()
		}
	}
	return ip.Unmap().WithZone(""), err == nil
}
