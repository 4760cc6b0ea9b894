package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"contactbook/internal/store"
)

// maxLimit is more than any server does in a second.
const maxLimit = 1_000_000

// clientLimits are the flags of what a server lets a client do.
type clientLimits struct{ rate, burst, inFlight int64 }

func (l *clientLimits) flags(f *pflag.FlagSet) {
	f.Int64Var(&l.rate, "rate-limit", 0, "requests a second that each server takes of it, more get 429; 0: any number")
	f.Int64Var(&l.burst, "burst", 0, "requests that it may make at once after a rest; 0: as many as in a second")
	f.Int64Var(&l.inFlight, "max-in-flight", 0, "requests at a time that each server takes of it, more get 429; 0: any number")
}

// set changes the limits that were given, and checks what comes of it.
func (l *clientLimits) set(f *pflag.FlagSet, c *store.Client) error {
	for _, one := range []struct {
		name string
		to   *int64
		n    int64
	}{{"rate-limit", &c.RateLimit, l.rate}, {"burst", &c.Burst, l.burst}, {"max-in-flight", &c.MaxInFlight, l.inFlight}} {
		if !f.Changed(one.name) {
			continue
		}
		if one.n < 0 || one.n > maxLimit {
			return badUsage("--%s must be from 0 to %d", one.name, maxLimit)
		}
		*one.to = one.n
	}
	if c.RateLimit == 0 && c.Burst > 0 {
		if f.Changed("burst") && l.burst > 0 {
			return badUsage("--burst needs --rate-limit")
		}
		c.Burst = 0 // of the rate that is no more
	}
	return nil
}

// limits says a client's limits in a few words.
func (v clientView) limits() string {
	var words []string
	if v.RateLimit > 0 {
		words = append(words, fmt.Sprintf("%d/s", v.RateLimit))
	}
	if v.Burst > 0 {
		words = append(words, fmt.Sprintf("burst %d", v.Burst))
	}
	if v.MaxInFlight > 0 {
		words = append(words, fmt.Sprintf("%d at a time", v.MaxInFlight))
	}
	if words == nil {
		return "none"
	}
	return strings.Join(words, ", ")
}
