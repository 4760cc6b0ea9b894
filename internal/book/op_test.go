package book

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs/api.md must have a section for every op, in order, that names its fields
// and its success.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := regexp.MustCompile(`(?m)^### (.+)$`).Split(string(text), -1)
	var have, want []string
	for _, h := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(string(text), -1) {
		have = append(have, h[1])
	}
	for _, op := range Ops {
		want = append(want, op.Route)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Fatalf("sections: %s", diff)
	}
	for i, op := range Ops {
		section := strings.Join(strings.Fields(sections[i+1]), " ") // as it reads, whatever its line breaks
		if !strings.Contains(section, "`"+op.Done+"`") {
			t.Errorf("%s: no `%s`", op.Route, op.Done)
		}
		for _, f := range op.Fields() {
			if !strings.Contains(section, "`"+f.Name+"`") {
				t.Errorf("%s: no `%s`", op.Route, f.Name)
			}
		}
	}
}

// A new op's parts must all be there, and no route twice.
func TestOps(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range Ops {
		if seen[op.Route] || op.Done == "" || op.run == nil || !strings.HasPrefix(op.Path(), "/contacts/") {
			t.Errorf("%+v", op.Route)
		}
		seen[op.Route] = true
	}
}
