package wire

import (
	"math/rand/v2"
	"time"
)

// india is fixed rather than loaded: the zone has had no change since 1945, and
// a server need not have a zone database.
var india = time.FixedZone("IST", 5*3600+1800)

// Timestamp is an envelope's time: YYYY-MM-DD HH:MM:SS in Indian time, whatever
// the server's zone.
func Timestamp(t time.Time) string { return t.In(india).Format(time.DateTime) }

// OrderID makes a transaction's orderid: 1, the time in India as YYMMDDHHMMSS, and
// five capital letters of chance.
func OrderID(t time.Time) string {
	b := t.In(india).AppendFormat([]byte("1"), "060102150405")
	for range 5 {
		b = append(b, byte('A'+rand.IntN(26)))
	}
	return string(b)
}

// Millis is a record's date in unix milliseconds. Its JSON is UTC with six
// digits of which the last three are zero.
type Millis int64

// MarshalJSON writes YYYY-MM-DDTHH:MM:SS.mmm000Z in quotes.
func (m Millis) MarshalJSON() ([]byte, error) {
	return time.UnixMilli(int64(m)).UTC().AppendFormat(make([]byte, 0, 29), `"2006-01-02T15:04:05.000000Z"`), nil
}

const (
	lowerHex = "0123456789abcdef"
	base62   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// Reference makes a request's ipay_uuid: h, the node's three digits (0 to 999),
// a version 4 shaped UUID whose first 12 hex digits are the start of the request
// in units of 10 microseconds, and a suffix of 12 letters and digits. It is a
// name for finding a request in the log, not a secret.
func Reference(node int, start time.Time) string {
	b := make([]byte, 0, 53)
	b = append(b, 'h', byte('0'+node/100%10), byte('0'+node/10%10), byte('0'+node%10))
	ticks := uint64(start.UnixNano() / 10_000)
	for i := range 12 {
		if i == 8 {
			b = append(b, '-')
		}
		b = append(b, lowerHex[ticks>>(44-4*i)&15])
	}
	low, high := rand.Uint64(), rand.Uint64()
	b = append(b, '-', '4')
	b = appendHex(b, low, 3)
	b = append(b, '-', "89ab"[low>>12&3])
	b = appendHex(b, low>>14, 3)
	b = append(b, '-')
	b = appendHex(b, high, 12)
	b = append(b, '-')
	for range 12 {
		b = append(b, base62[rand.IntN(len(base62))])
	}
	return string(b)
}

func appendHex(b []byte, bits uint64, digits int) []byte {
	for range digits {
		b = append(b, lowerHex[bits&15])
		bits >>= 4
	}
	return b
}
