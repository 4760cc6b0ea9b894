package server

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"
)

// gzipSize is from which size on a reply is worth compressing.
const gzipSize = 8 << 10

var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is a good one
	return z
}}

// acceptsGzip tells whether the client takes gzip.
func acceptsGzip(h http.Header) bool {
	for entry := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, params, _ := strings.Cut(entry, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return quality(params) > 0
		}
	}
	return false
}
