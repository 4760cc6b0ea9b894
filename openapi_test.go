package contactbook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	redocHash = "dcaf76612bc4a3fbcc923a8966dee2f6146a5f32e5ce1b6f02dd60cbbf89500b" // of redoc@2.5.4's bundles/redoc.standalone.js
	redocLogo = `src:"https://cdn.redoc.ly/redoc/logo-mini.svg"`
	noLogo    = `src:"data:,"`
)

// TestReferenceFiles checks the vendored files by their sums, and that Redoc is
// what was published but for the one picture that it would fetch from outside.
func TestReferenceFiles(t *testing.T) {
	const dir = "docs/reference"
	list, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(list)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !ok {
			t.Fatalf("SHA256SUMS says %q: %v", line, err)
		}
		if got := hash(text); got != sum {
			t.Errorf("%s has the sum %s, want %s", name, got, sum)
		}
		listed = append(listed, name)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if own := []string{"README.md", "SHA256SUMS", "index.html"}; !slices.Contains(listed, f.Name()) && !slices.Contains(own, f.Name()) {
			t.Errorf("%s is not in SHA256SUMS", f.Name())
		}
	}

	redoc, err := fs.ReadFile(Reference(), "redoc.standalone.js")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(redoc, []byte(noLogo)); n != 1 {
		t.Fatalf("the picture was taken out %d times", n)
	}
	if got := hash(bytes.Replace(redoc, []byte(noLogo), []byte(redocLogo), 1)); got != redocHash {
		t.Errorf("with its picture it has the sum %s, want %s", got, redocHash)
	}
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// TestReferencePage checks what the page loads, and that the policy allows no
// more.
func TestReferencePage(t *testing.T) {
	page, err := fs.ReadFile(Reference(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	var loads []string
	for _, found := range regexp.MustCompile(`(?:src|href|spec-url)="([^"]*)"`).FindAllSubmatch(page, -1) {
		loads = append(loads, string(found[1]))
	}
	if want := []string{"data:,", "/openapi.yaml", "/openapi.yaml", "/docs/redoc.standalone.js"}; !slices.Equal(loads, want) {
		t.Errorf("the page loads %q, want %q", loads, want)
	}
	if inline := regexp.MustCompile(`(?i)<style|style=|<script>|\son\w+=`).Find(page); inline != nil {
		t.Errorf("the page has %q in it", inline)
	}
	for directive := range strings.SplitSeq(ReferenceCSP, "; ") {
		for _, source := range strings.Fields(directive)[1:] {
			if ok := strings.HasPrefix(source, "'sha256-") || slices.Contains([]string{"'none'", "'self'", "data:", "blob:"}, source); !ok {
				t.Errorf("the policy allows %s in %q", source, directive)
			}
		}
	}
	if len(OpenAPI) == 0 {
		t.Error("openapi.yaml is empty")
	}
}
