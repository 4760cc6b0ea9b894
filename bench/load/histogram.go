package load

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets that are at most 1/128 of their value
// wide, as HdrHistogram does: any percentile is within 0.8% of the true one.
type Histogram struct {
	counts [(maxOctave + 1) << perOctaveBits]uint64
	n      uint64
	max    time.Duration
}

const (
	perOctaveBits = 7
	maxOctave     = 30 // in microseconds: over two hours
)

// bucket is the place of a duration of v microseconds.
func bucket(v uint64) int {
	octave := bits.Len64(v >> perOctaveBits) // 0 for what fits a bucket a microsecond
	if octave > maxOctave-1 {
		return (maxOctave+1)<<perOctaveBits - 1
	}
	if octave == 0 {
		return int(v)
	}
	shift := octave - 1
	return (octave << perOctaveBits) + int(v>>shift) - 1<<perOctaveBits
}

// value is the largest number of microseconds in a bucket.
func value(b int) uint64 {
	octave := b >> perOctaveBits
	if octave == 0 {
		return uint64(b)
	}
	shift := octave - 1
	return (uint64(b&(1<<perOctaveBits-1)|1<<perOctaveBits)+1)<<shift - 1
}

// Record counts one duration; a negative one counts as none.
func (h *Histogram) Record(d time.Duration) {
	h.counts[bucket(uint64(max(0, d.Microseconds())))]++
	h.n++
	h.max = max(h.max, d)
}

// Add takes over what another histogram has counted.
func (h *Histogram) Add(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
	h.max = max(h.max, o.max)
}

// Count is how many durations were recorded.
func (h *Histogram) Count() int { return int(h.n) }

// Max is the longest one.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile is the duration that a share q of them does not exceed; 0 when there
// is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := max(1, uint64(q*float64(h.n)+0.5))
	var seen uint64
	for b, n := range h.counts {
		if seen += n; seen >= rank {
			return min(h.max, time.Duration(value(b))*time.Microsecond)
		}
	}
	return h.max
}
