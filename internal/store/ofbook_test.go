package store

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The tenant's condition is written in one place, so that no statement can have
// another, and what is shipped has the whole of it.
func TestOneCondition(t *testing.T) {
	if OfBook != "tenant_id = $1" {
		t.Errorf("what is shipped asks for %q", OfBook)
	}
	byHand := regexp.MustCompile(`tenant_id\s*=\s*\$1|\$1\s*=\s*tenant_id`)
	read := 0
	for _, pattern := range []string{"*.go", "../book/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "ofbook") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			read++
			if found := byHand.Find(text); found != nil {
				t.Errorf("%s writes %s by hand: use OfBook", name, found)
			}
		}
	}
	if read < 20 {
		t.Errorf("only %d files were read", read)
	}
}
