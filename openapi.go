// Package contactbook holds the documents that the server serves about itself:
// the description of its API, and the page that shows it.
package contactbook

import (
	"embed"
	"io/fs"
)

// OpenAPI is the description of the API, an OpenAPI 3.1 document in YAML. The
// reference page loads it as /openapi.yaml.
//
//go:embed openapi.yaml
var OpenAPI []byte

//go:embed docs/reference/index.html docs/reference/*.js docs/reference/*.LICENSE.txt
var reference embed.FS

// Reference is the reference page: index.html, which loads redoc.standalone.js as
// /docs/redoc.standalone.js, and the licences that the script refers to.
func Reference() fs.FS {
	files, err := fs.Sub(reference, "docs/reference")
	if err != nil {
		panic(err) // the path is valid
	}
	return files
}

// ReferenceCSP is the Content-Security-Policy that the reference page needs and
// must be served with. No inline style is allowed but two that its script makes,
// by their hashes: an empty one, which it fills through the CSSOM, and that of its
// scroll bars. Its search runs in a worker that is made of a blob.
const ReferenceCSP = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; worker-src blob:; " +
	"style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
