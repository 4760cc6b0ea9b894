package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"contactbook/internal/wire"
)

// FuzzHeaders reads the headers that callers may fill as they like.
func FuzzHeaders(f *testing.F) {
	for _, seed := range [][3]string{
		{"", "", "203.0.113.7"}, {"application/problem+json;q=0.5, application/json", "gzip;q=0", "1.1.1.1, 203.0.113.7, 10.0.0.2"},
		{"*/*;q=NaN, application/problem+json;q=1e-1;x=\"", "GZIP ; q=0x1p-1", "[fd00::1]:99, ::ffff:10.0.0.1"}, {",;=,q", "gzip,gzip;q=", "fe80::1%eth0,,[[::1]]"},
		{"application/json;q=nan, application/problem+json", "br;q=1.0, gzip;q=inf", "10.0.0.1:99999"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	trusts := func(ip netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	f.Fuzz(func(t *testing.T, accept, encoding, forwarded string) {
		for part := range strings.SplitSeq(accept+","+encoding, ",") {
			_, params, _ := strings.Cut(part, ";")
			if q := quality(params); !(q >= 0 && q <= 1) {
				t.Fatalf("%q has the quality %v", params, q)
			}
		}
		h := http.Header{"Accept": {accept}, "Accept-Encoding": {encoding}}
		if wantsProblem(h) && !strings.Contains(strings.ToLower(accept), wire.ProblemType) {
			t.Fatalf("%q asks for problem details", accept)
		}
		// How a list is cut into lines means nothing.
		before, after, cut := strings.Cut(accept, ",")
		if lines := (http.Header{"Accept": {before, after}}); cut && wantsProblem(lines) != wantsProblem(h) {
			t.Fatalf("%q depends on its lines", accept)
		}
		// What cannot be read is as good as refused, and does not touch its neighbours.
		if bad := (http.Header{"Accept": {accept + ",application/json;q=nonsense"}}); !strings.Contains(strings.ToLower(accept), "json") && wantsProblem(bad) {
			t.Fatalf("%q asks for problem details beside nonsense", accept)
		}
		if acceptsGzip(h) && !strings.Contains(strings.ToLower(encoding), "gzip") {
			t.Fatalf("%q takes gzip", encoding)
		}
		for peer, believed := range map[string]bool{"203.0.113.7:1": false, "10.0.0.1:1": true, "[fd00::2%x]:1": true, "@": false} {
			of := func(values ...string) netip.Addr {
				return callerIP(&http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": values}}, trusted)
			}
			ip := of(forwarded)
			own := callerIP(&http.Request{RemoteAddr: peer}, nil)
			switch {
			case ip.IsValid() != own.IsValid() || ip.Zone() != "" || ip.Is4In6():
				t.Fatalf("%q through %s is %v", forwarded, peer, ip)
			case !believed && ip != own:
				t.Fatalf("%q of %s is believed: %v", forwarded, peer, ip)
			case !trusts(ip) && of("198.51.100.1, "+forwarded) != ip, !trusts(ip) && of("198.51.100.1", forwarded) != ip:
				t.Fatalf("%q through %s is %v, and something else when more stands in front", forwarded, peer, ip)
			}
		}
	})
}

// FuzzMandatory reads a mandatory header that is sent any number of times.
func FuzzMandatory(f *testing.F) {
	for _, s := range []string{"1", "1\n1", " 1\n1\t", "1\n2", "\n1", "1\n", "", "\u00a01\n1", "1\n1\n1\n 1 \n2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		values := strings.Split(lines, "\n")
		got, err := header(http.Header{headerSecret: values}, headerSecret)
		first, same := strings.TrimSpace(values[0]), true
		for _, v := range values {
			same = same && strings.TrimSpace(v) == first
		}
		if (err == nil) != (same && first != "") || err == nil && got != first {
			t.Fatalf("%q is %q, %v", values, got, err)
		}
		if err != nil && got != "" {
			t.Fatalf("%q is refused, and yet %q", values, got)
		}
	})
}
