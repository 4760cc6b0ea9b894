package book

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// notCopied are tables of books that a snapshot leaves out, each with the reason.
var notCopied = map[string]string{
	"snapshot": "a copy holds no copies",
}

var tenantTable = regexp.MustCompile(`create table (\w+) \(\s+tenant_id`)

// Every table of a book is copied, or has a reason not to be.
func TestCopyKnowsEveryTable(t *testing.T) {
	files, err := filepath.Glob("../store/migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range tenantTable.FindAllStringSubmatch(string(text), -1) {
			table := m[1]
			found++
			copied := slices.ContainsFunc(kinds, func(k kind) bool { return k.table == table })
			if copied == (notCopied[table] != "") {
				t.Errorf("the table %s: copied %t, and the reason not to is %q; see kinds in copy.go", table, copied, notCopied[table])
			}
		}
	}
	if found < len(kinds) {
		t.Errorf("only %d tables were found", found)
	}
}
