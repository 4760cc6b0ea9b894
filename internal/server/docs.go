package server

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"contactbook"
)

// reference answers the API's description and its reference page, which need no
// credentials and ask nothing of the outside.
func (s *Server) reference(w http.ResponseWriter, r *http.Request) bool {
	path := r.URL.Path
	if path != "/openapi.yaml" && path != "/docs" && !strings.HasPrefix(path, "/docs/") {
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	name, content := "openapi.yaml", contactbook.OpenAPI
	if path != "/openapi.yaml" {
		if name = strings.TrimPrefix(path, "/docs/"); path == "/docs" {
			name = "index.html"
		}
		var err error
		if content, err = fs.ReadFile(contactbook.Reference(), name); err != nil {
			return false
		}
	}
	h := w.Header()
	h.Set("Content-Security-Policy", contactbook.ReferenceCSP)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(content))) // a browser asks each time, and is sent nothing twice
	if name == "openapi.yaml" {
		h.Set("Content-Type", "application/yaml")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	return true
}
