package arch

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// house is the whole of the rules: every package, what of ours its code may import, and which modules of others.
// The standard library is free to all. Imports point to the right only,
//
//	cmd -> cli -> {client, server -> sandbox, console, hook, transfer} -> book -> {store, wire, identity, verify}
//
// and an arrow permits everything to its right. A package that is not here fails the test, so that each new one
// is placed by decision. Tests may import what they need.
var house = []room{
	{"cmd/contactbook", "cli server console hook transfer book store wire identity verify", ""},
	{"internal/cli", "client config server console hook transfer book store wire identity verify", "github.com/spf13/cobra github.com/spf13/pflag"},
	{"internal/server", ". sandbox book store wire identity verify", "github.com/prometheus/client_golang golang.org/x/crypto/acme/autocert"},
	{"internal/sandbox", "book store wire identity", ""},
	{"internal/console", "book store wire identity", ""},
	{"internal/hook", "book store wire identity", ""},
	{"internal/transfer", "book store wire identity", ""},
	{"internal/book", "store wire identity verify", "golang.org/x/text"},
	{"internal/store", "wire", "modernc.org/sqlite modernc.org/libc github.com/jackc/pgx/v5 github.com/pressly/goose/v3 github.com/gofrs/flock"},
	{"internal/wire", "", ""},
	{"internal/identity", "", "github.com/nyaruka/phonenumbers golang.org/x/net/idna golang.org/x/text/unicode/norm"},
	{"internal/verify", "", "github.com/sony/gobreaker/v2"},
	{"internal/config", "", "github.com/spf13/cobra github.com/spf13/pflag"},

	// The documents that the server serves about itself stand at the root, where people look for them.
	{".", "", ""},

	// Beside the house: the client is for other people's programs, so it brings nothing along.
	{"client", "", ""},

	// For tests alone.
	{"internal/pgtest", "", "github.com/jackc/pgx/v5"},
	{"internal/arch", "", ""},
	{"internal/powertest", "", "github.com/hanwen/go-fuse/v2"},
	{"internal/proof", "", ""},
	{"e2e", "", ""},
	{"e2e/model", "", ""},
	{"deploy", "", ""},
}

// testOnly are the packages that no code but tests may import, whatever the table says.
var testOnly = []string{"internal/pgtest", "internal/arch", "internal/powertest", "internal/proof", "e2e", "e2e/model", "deploy"}

const module = "contactbook"

// room is one line of the table.
type room struct {
	dir    string // the folder, from the root
	ours   string // last elements of the packages of ours that it may import
	theirs string // modules, or packages in them, that it may import
}

// pkg is what the checker knows of a package.
type pkg struct {
	name    string   // in its package clause
	imports []string // of its code, tests left out
}

func TestHouse(t *testing.T) {
	tree, err := read("../..")
	if err != nil {
		t.Fatal(err)
	}
	// An empty tree breaks no rule: the reader must have seen this package at least.
	if tree["internal/arch"].name != "arch" {
		t.Fatalf("this package was not found in the tree: %v", tree)
	}
	for _, v := range check(house, tree, stdNames(t)) {
		t.Error(v)
	}
}

var word = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// check returns what in the tree, folder to package, breaks the rules, in a stable order.
func check(house []room, tree map[string]pkg, std map[string]bool) []string {
	var bad []string
	rooms := map[string]room{}
	dirs := map[string]string{} // last element to folder
	for _, r := range house {
		name := path.Base(r.dir)
		if _, ok := rooms[r.dir]; ok || dirs[name] != "" {
			bad = append(bad, fmt.Sprintf("%s: twice in the table, or two folders of the name %s", r.dir, name))
		}
		rooms[r.dir], dirs[name] = r, r.dir
	}
	for _, r := range house {
		for _, name := range strings.Fields(r.ours) {
			if dirs[name] == "" {
				bad = append(bad, fmt.Sprintf("%s: the table lets it import %s, which is not in the table", r.dir, name))
			}
		}
	}

	for _, dir := range sortedKeys(tree) {
		p := tree[dir]
		if p.name != "main" {
			switch {
			case !word.MatchString(p.name):
				bad = append(bad, fmt.Sprintf("%s: the package name %s is not one lower-case word", dir, p.name))
			case std[p.name]:
				bad = append(bad, fmt.Sprintf("%s: the package name %s is taken by the standard library", dir, p.name))
			case p.name != path.Base(dir) && !(dir == "." && p.name == module):
				bad = append(bad, fmt.Sprintf("%s: the package is called %s, unlike its folder", dir, p.name))
			}
		}
		r, ok := rooms[dir]
		if !ok {
			bad = append(bad, fmt.Sprintf("%s: not in the table of internal/arch: place it there", dir))
			continue
		}
		for _, imp := range p.imports {
			if v := r.refuse(imp, dirs); v != "" {
				bad = append(bad, fmt.Sprintf("%s: imports %s: %s", dir, imp, v))
			}
		}
	}
	return bad
}

// refuse says why code in the room may not import that path, or nothing when it may. dirs tells the folder of each
// name in the table.
func (r room) refuse(imp string, dirs map[string]string) string {
	if dir, ok := strings.CutPrefix(imp, module+"/"); ok || imp == module {
		if !ok {
			dir = "."
		}
		switch {
		case slices.Contains(testOnly, dir):
			return "that is for tests only"
		case !slices.Contains(strings.Fields(r.ours), path.Base(dir)), dirs[path.Base(dir)] != dir:
			return "no arrow leads there"
		}
		return ""
	}
	if imp == "C" {
		return "the program is built without cgo"
	}
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return "" // the standard library: its paths do not begin with a host
	}
	for _, m := range strings.Fields(r.theirs) {
		if imp == m || strings.HasPrefix(imp, m+"/") {
			return ""
		}
	}
	return "that module is not allowed here"
}

// read parses the imports of every package under the root: of all files, whatever system they are built for.
func read(root string) (map[string]pkg, error) {
	tree := map[string]pkg{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if file == root {
				return nil
			}
			if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" {
				return fs.SkipDir // the go command does not look there either
			}
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
				return fs.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(rel)
		p := tree[dir]
		if strings.HasSuffix(name, "_test.go") {
			if p.name == "" { // a package of tests alone has a name too
				p.name = strings.TrimSuffix(f.Name.Name, "_test")
			}
			tree[dir] = p
			return nil
		}
		p.name = f.Name.Name
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if !slices.Contains(p.imports, imp) {
				p.imports = append(p.imports, imp)
			}
		}
		slices.Sort(p.imports)
		tree[dir] = p
		return nil
	})
	return tree, err
}

// stdNames returns the names of the standard library's packages that can be imported.
func stdNames(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{.Name}}", "std").Output()
	if err != nil {
		t.Fatalf("go list std: %v", err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		imp, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !slices.Contains(strings.Split(imp, "/"), "internal") && !strings.HasPrefix(imp, "vendor/") {
			names[name] = true
		}
	}
	if !names["http"] || !names["rand"] {
		t.Fatalf("go list std gave no http and no rand: %q", out)
	}
	return names
}

func sortedKeys(tree map[string]pkg) []string {
	keys := make([]string, 0, len(tree))
	for k := range tree {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TestCheck plants violations: a checker that finds nothing must be one that would.
func TestCheck(t *testing.T) {
	std := map[string]bool{"http": true, "log": true}
	for name, tc := range map[string]struct {
		dir  string
		pkg  pkg
		want []string
	}{
		"arrows along": {"internal/cli", pkg{"cli", []string{
			"fmt", "net/http", "contactbook/internal/server", "contactbook/internal/store", "contactbook/internal/config", "github.com/spf13/cobra",
		}}, nil},
		"a package inside an allowed module": {"internal/store", pkg{"store", []string{
			"contactbook/internal/wire", "github.com/jackc/pgx/v5/stdlib", "modernc.org/sqlite/lib",
		}}, nil},
		"main has its own name": {"cmd/contactbook", pkg{"main", []string{"contactbook/internal/cli"}}, nil},
		"upwards": {"internal/store", pkg{"store", []string{"contactbook/internal/book"}},
			[]string{"internal/store: imports contactbook/internal/book: no arrow leads there"}},
		"sideways": {"internal/server", pkg{"server", []string{"contactbook/internal/console", "contactbook/internal/hook"}}, []string{
			"internal/server: imports contactbook/internal/console: no arrow leads there",
			"internal/server: imports contactbook/internal/hook: no arrow leads there",
		}},
		"sideways in the last row": {"internal/identity", pkg{"identity", []string{"contactbook/internal/wire"}},
			[]string{"internal/identity: imports contactbook/internal/wire: no arrow leads there"}},
		"config from the book": {"internal/book", pkg{"book", []string{"contactbook/internal/config"}},
			[]string{"internal/book: imports contactbook/internal/config: no arrow leads there"}},
		"config imports ours": {"internal/config", pkg{"config", []string{"contactbook/internal/wire"}},
			[]string{"internal/config: imports contactbook/internal/wire: no arrow leads there"}},
		"the client reaches inside": {"client", pkg{"client", []string{"contactbook/internal/wire", "golang.org/x/text/cases"}}, []string{
			"client: imports contactbook/internal/wire: no arrow leads there",
			"client: imports golang.org/x/text/cases: that module is not allowed here",
		}},
		"wire beyond the standard library": {"internal/wire", pkg{"wire", []string{"golang.org/x/text/cases"}},
			[]string{"internal/wire: imports golang.org/x/text/cases: that module is not allowed here"}},
		"a neighbour of an allowed package": {"internal/identity", pkg{"identity", []string{"golang.org/x/net/idna", "golang.org/x/net/html"}},
			[]string{"internal/identity: imports golang.org/x/net/html: that module is not allowed here"}},
		"a module whose path only begins alike": {"internal/store", pkg{"store", []string{"modernc.org/sqlitex"}},
			[]string{"internal/store: imports modernc.org/sqlitex: that module is not allowed here"}},
		"cgo": {"internal/store", pkg{"store", []string{"C"}},
			[]string{"internal/store: imports C: the program is built without cgo"}},
		"a test's package in code": {"internal/server", pkg{"server", []string{"contactbook/internal/pgtest"}},
			[]string{"internal/server: imports contactbook/internal/pgtest: that is for tests only"}},
		"a folder of an allowed name elsewhere": {"internal/server", pkg{"server", []string{"contactbook/other/store"}},
			[]string{"internal/server: imports contactbook/other/store: no arrow leads there"}},
		"not in the table": {"internal/helpers", pkg{"helpers", nil},
			[]string{"internal/helpers: not in the table of internal/arch: place it there"}},
		"a name of the standard library": {"internal/log", pkg{"log", nil}, []string{
			"internal/log: the package name log is taken by the standard library",
			"internal/log: not in the table of internal/arch: place it there",
		}},
		"two words": {"internal/book", pkg{"contact_book", nil},
			[]string{"internal/book: the package name contact_book is not one lower-case word"}},
		"unlike its folder": {"internal/book", pkg{"contacts", nil},
			[]string{"internal/book: the package is called contacts, unlike its folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := check(house, map[string]pkg{tc.dir: tc.pkg}, std)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}

	t.Run("the table itself", func(t *testing.T) {
		got := check([]room{{"internal/a", "b", ""}, {"internal/a", "", ""}}, nil, nil)
		want := []string{
			"internal/a: twice in the table, or two folders of the name a",
			"internal/a: the table lets it import b, which is not in the table",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("want -, got +:\n%s", d)
		}
	})
}

// TestRead shows that the reader sees what the checker judges.
func TestRead(t *testing.T) {
	root := t.TempDir()
	for file, text := range map[string]string{
		"internal/a/a.go":             "package a\nimport (\n\t\"fmt\"\n\tx \"contactbook/internal/b\"\n)\n",
		"internal/a/a_windows.go":     "package a\nimport _ \"example.org/windows\"\n",
		"internal/a/a_test.go":        "package a\nimport _ \"example.org/in/tests\"\n",
		"internal/a/x_test.go":        "package a_test\nimport _ \"example.org/in/tests\"\n",
		"internal/a/testdata/t.go":    "package broken {",
		"internal/only/only_test.go":  "package only_test\nimport _ \"example.org/in/tests\"\n",
		"tools/go.mod":                "module contactbook/tools\n",
		"tools/t.go":                  "package tools\n",
		".hidden/h.go":                "package hidden\n",
		"internal/a/_ignored.go":      "package broken {",
		"internal/a/readme.md":        "no code",
		"internal/tagged/t_linux.go":  "//go:build ignore\n\npackage tagged\nimport \"C\"\n",
		"internal/tagged/deep/x/x.go": "package x\n",
	} {
		file = filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]pkg{
		"internal/a":             {"a", []string{"contactbook/internal/b", "example.org/windows", "fmt"}},
		"internal/only":          {"only", nil},
		"internal/tagged":        {"tagged", []string{"C"}},
		"internal/tagged/deep/x": {"x", nil},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(pkg{})); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}
