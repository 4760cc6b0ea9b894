package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contactbook/internal/proof"
)

// madeSQL are the texts of SQL that are put together by more than joining constants, each with the reason why nothing
// that a caller sends can be in them. A function in front of the colon, the expression behind it.
var madeSQL = map[string]string{
	"newTexts: sel":             "of the names of tables and columns, which are constants (TestNoSQLFromInput looks at them)",
	"newTexts: table":           "a record's Table, a constant",
	"newTexts: cols":            "names of columns, constants",
	"newTexts: marks":           "$2, $3 ...",
	"newTexts: sets":            "column = $n",
	"newTexts: now":             "a $n",
	"newTexts: where":           "column = $n",
	"newTexts: within":          "column = $n",
	"fromOwn: n":                "names of columns, constants",
	"isOwn: n":                  "names of columns, constants",
	"wasOwn: n":                 "names of columns, constants",
	"build: s":                  "of an operator's command: constants, and names that pgx.Identifier has quoted, where no parameter can stand",
	"openLite: p":               "sqlitePragmas, of constants and two numbers, and query_only = 1",
	"distribution: fmt.Sprintf": "tables and columns of tenantTables and of distribution itself, for a Citus cluster",
}

// sqlSinks are where the libraries take SQL: a function's name, and the place of the text among its arguments.
var sqlSinks = map[string]int{
	"Exec": 0, "ExecContext": 1, "Query": 0, "QueryContext": 1, "QueryRow": 0, "QueryRowContext": 1,
	"Prepare": 0, "PrepareContext": 1, "Queue": 0, "Xsqlite3_prepare_v3": 2, "Xsqlite3_prepare_v2": 2, "Xsqlite3_exec": 2,
}

// TestNoSQLFromInput (S3) follows every text of SQL from where a library takes it back to where it is written: through
// arguments, variables, fields and results, over all packages. It must be a constant, or constants that are joined, or
// stand in madeSQL.
func TestNoSQLFromInput(t *testing.T) {
	p := newProgram()
	if err := p.load("../.."); err != nil {
		t.Fatal(err)
	}
	s := p.trace()
	for _, v := range s.bad {
		t.Error(v)
	}
	for key := range madeSQL {
		if !s.excused[key] {
			t.Errorf("madeSQL excuses %q, which is no longer there", key)
		}
	}
	if s.texts < 40 {
		t.Errorf("only %d texts of SQL were found", s.texts)
	}
	// What newTexts makes statements of.
	names := 0
	for _, v := range p.fieldValues("Col", "Name") {
		names++
		if !p.isConstant(v) {
			t.Errorf("%s: the name of a column is %s, no constant", p.at(v), types.ExprString(v))
		}
	}
	for _, v := range p.results("Table") {
		names++
		if !p.isConstant(v) {
			t.Errorf("%s: the name of a table is %s, no constant", p.at(v), types.ExprString(v))
		}
	}
	if names < 40 {
		t.Errorf("only %d names of tables and columns were found", names)
	}
	proof.Record(t, proof.Figure{ID: "S3", What: fmt.Sprintf("texts of SQL, of %d, that could hold input", s.texts),
		Target: "0", Got: fmt.Sprint(len(s.bad)), Met: len(s.bad) == 0})
}

// program is the syntax of packages, with the types as far as the packages themselves tell them.
type program struct {
	files *token.FileSet
	trees map[*ast.File]bool
	info  types.Info
	funcs map[string][]*ast.FuncDecl // by name
	in    map[ast.Node]*ast.FuncDecl // the function around a node
	known map[string]*types.Package
}

func newProgram() *program {
	return &program{
		files: token.NewFileSet(), trees: map[*ast.File]bool{}, funcs: map[string][]*ast.FuncDecl{}, in: map[ast.Node]*ast.FuncDecl{},
		info:  types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}},
		known: map[string]*types.Package{},
	}
}

// Import gives a package of ours its types, and any other none: what comes from there is no constant of ours.
func (p *program) Import(path string) (*types.Package, error) {
	if known := p.known[path]; known != nil {
		return known, nil
	}
	if !strings.HasPrefix(path, module) {
		empty := types.NewPackage(path, filepath.Base(path))
		empty.MarkComplete()
		p.known[path] = empty
		return empty, nil
	}
	return nil, fmt.Errorf("%s is not loaded yet", path)
}

// load reads all packages below root that end up in the binary, those that others import first.
func (p *program) load(root string) error {
	tree, err := read(root)
	if err != nil {
		return err
	}
	for _, dir := range testOnly {
		delete(tree, dir)
	}
	done := map[string]bool{}
	var visit func(dir string) error
	visit = func(dir string) error {
		if done[dir] {
			return nil
		}
		done[dir] = true
		for _, imp := range tree[dir].imports {
			if of, ok := strings.CutPrefix(imp, module+"/"); ok {
				if err := visit(of); err != nil {
					return err
				}
			}
		}
		return p.add(filepath.Join(root, dir), module+"/"+dir)
	}
	for _, dir := range sortedKeys(tree) {
		if err := visit(dir); err != nil {
			return err
		}
	}
	return nil
}

// add reads one folder's package.
func (p *program) add(dir, path string) error {
	names, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(p.files, filepath.Join(dir, name), nil, 0)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	return p.check(path, files)
}

func (p *program) check(path string, files []*ast.File) error {
	config := types.Config{Importer: p, Error: func(error) {}} // packages of others are empty here
	pkg, _ := config.Check(path, p.files, files, &p.info)
	p.known[path] = pkg
	for _, f := range files {
		p.trees[f] = true
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				p.funcs[fn.Name.Name] = append(p.funcs[fn.Name.Name], fn)
				ast.Inspect(fn, func(n ast.Node) bool {
					if n != nil {
						p.in[n] = fn
					}
					return true
				})
			}
		}
	}
	return nil
}

func (p *program) inspect(see func(ast.Node)) {
	for f := range p.trees {
		ast.Inspect(f, func(n ast.Node) bool {
			if n != nil {
				see(n)
			}
			return true
		})
	}
}

func (p *program) at(n ast.Node) string {
	pos := p.files.Position(n.Pos())
	return fmt.Sprintf("%s:%d", filepath.Base(pos.Filename), pos.Line)
}

func (p *program) isConstant(e ast.Expr) bool { return p.info.Types[e].Value != nil }

// where names the function that an expression stands in.
func (p *program) where(e ast.Node) string {
	if fn := p.in[e]; fn != nil {
		return fn.Name.Name
	}
	return "package"
}

// calledName is the last name of what is called.
func calledName(e ast.Expr) string {
	switch f := e.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.IndexExpr: // of a generic function
		return calledName(f.X)
	case *ast.IndexListExpr:
		return calledName(f.X)
	}
	return ""
}

// typeName is the name of a literal's type, without its package and parameters.
func typeName(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.StarExpr:
		return typeName(x.X)
	default:
		return calledName(e)
	}
}

// fieldValues are all values that a field is given, wherever.
func (p *program) fieldValues(typ, field string) (values []ast.Expr) {
	p.inspect(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if at, ok := p.structAt(n); ok && at == typ {
				values = append(values, p.fieldOf(n, field)...)
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if sel, ok := left.(*ast.SelectorExpr); ok && sel.Sel.Name == field && i < len(n.Rhs) && p.named(sel.X) == typ {
					values = append(values, n.Rhs[i])
				}
			}
		}
	})
	return values
}

// structAt is the name of a literal's struct type, also where the literal of a list leaves it out.
func (p *program) structAt(lit *ast.CompositeLit) (string, bool) {
	if lit.Type != nil {
		if name := typeName(lit.Type); name != "" {
			return name, true
		}
	}
	name := p.named(lit)
	return name, name != ""
}

// named is the name of an expression's type, pointers aside.
func (p *program) named(e ast.Expr) string {
	t := p.info.Types[e].Type
	if t == nil {
		return ""
	}
	if ptr, ok := t.(*types.Pointer); ok {
		t = ptr.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// fieldOf is the value of a literal's field, by name or by place.
func (p *program) fieldOf(lit *ast.CompositeLit, field string) (values []ast.Expr) {
	for i, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == field {
				values = append(values, kv.Value)
			}
			continue
		}
		if t := p.info.Types[lit].Type; t != nil {
			if st, ok := t.Underlying().(*types.Struct); ok && i < st.NumFields() && st.Field(i).Name() == field {
				values = append(values, e)
			}
		}
	}
	return values
}

// results are what all functions of that name return.
func (p *program) results(name string) (values []ast.Expr) {
	for _, fn := range p.funcs[name] {
		values = append(values, p.returned(p.info.Defs[fn.Name])...)
	}
	return values
}

// returned is what a function returns.
func (p *program) returned(of types.Object) (values []ast.Expr) {
	for _, fn := range p.funcs[of.Name()] {
		if fn.Body == nil || p.info.Defs[fn.Name] != of {
			continue
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
				values = append(values, r.Results[0])
			}
			return true
		})
	}
	return values
}

// sink is a place among the arguments of a function of ours; or, without one, of all methods of a name whose code is
// not known here: the libraries' and interfaces'.
type sink struct {
	fn   types.Object
	name string
	at   int
}

// search is one walk from the sinks back to the texts.
type search struct {
	*program
	sinks   map[sink]bool
	seen    map[ast.Node]bool
	bad     []string
	texts   int
	excused map[string]bool
}

// trace repeats the walk until no more functions turn out to hand their argument on.
func (p *program) trace() *search {
	sinks := map[sink]bool{}
	for name, at := range sqlSinks {
		sinks[sink{nil, name, at}] = true
	}
	for {
		before := len(sinks)
		s := &search{program: p, sinks: sinks, seen: map[ast.Node]bool{}, excused: map[string]bool{}}
		p.inspect(func(n ast.Node) {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return
			}
			fn := s.called(call.Fun)
			if _, method := call.Fun.(*ast.SelectorExpr); fn == nil && !method {
				return // a conversion, or a function in a variable, whose parameters are followed where it is written
			}
			for i, arg := range call.Args {
				behind := i > 0 && isContext(call.Args[i-1]) && s.sinks[sink{fn, calledName(call.Fun), i - 1}] // as pgx has it
				if (behind || s.sinks[sink{fn, calledName(call.Fun), i}]) && !isContext(arg) && s.isText(arg) {
					s.texts++
					s.follow(arg)
				}
			}
		})
		if len(sinks) == before {
			slices.Sort(s.bad)
			s.bad = slices.Compact(s.bad)
			return s
		}
	}
}

// called is the function of ours that is called; nil where that is not known.
func (s *search) called(e ast.Expr) types.Object {
	switch x := e.(type) {
	case *ast.Ident:
		return s.declared(s.info.Uses[x])
	case *ast.SelectorExpr:
		return s.declared(s.info.Uses[x.Sel])
	case *ast.IndexExpr:
		return s.called(x.X)
	case *ast.IndexListExpr:
		return s.called(x.X)
	}
	return nil
}

// declared is o where its code is ours.
func (s *search) declared(o types.Object) types.Object {
	fn, ok := o.(*types.Func)
	if !ok {
		return nil
	}
	fn = fn.Origin()
	for _, d := range s.funcs[fn.Name()] {
		if s.info.Defs[d.Name] == fn {
			return fn
		}
	}
	return nil
}

// isContext tells a context by how contexts are called here.
func isContext(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name == "ctx"
	case *ast.SelectorExpr:
		return x.Sel.Name == "ctx"
	case *ast.CallExpr:
		sel, ok := x.Fun.(*ast.SelectorExpr)
		return ok && types.ExprString(sel.X) == "context"
	}
	return false
}

// isText is false of what is known not to be a string: other functions bear the names of sinks too.
func (s *search) isText(e ast.Expr) bool {
	t := s.info.Types[e].Type
	if t == nil {
		return true
	}
	switch b := t.Underlying().(type) {
	case *types.Basic:
		return b.Info()&types.IsString != 0 || b.Kind() == types.Invalid || b.Kind() == types.Uintptr
	}
	return false
}

// follow judges a text of SQL, or a part of one.
func (s *search) follow(e ast.Expr) {
	if s.seen[e] || s.isConstant(e) {
		return
	}
	s.seen[e] = true
	switch x := e.(type) {
	case *ast.ParenExpr:
		s.follow(x.X)
		return
	case *ast.BinaryExpr:
		if x.Op == token.ADD {
			s.follow(x.X)
			s.follow(x.Y)
			return
		}
	case *ast.CallExpr:
		switch calledName(x.Fun) {
		case "CString":
			s.follow(x.Args[0])
			return
		case "Itoa":
			return // digits
		case "Join":
			if s.excuse(x.Args[0], types.ExprString(x.Args[0])) {
				return
			}
		case "Sprintf":
			if s.excuse(x, "fmt.Sprintf") {
				return
			}
		default:
			if fn := s.called(x.Fun); fn != nil {
				if values := s.returned(fn); len(values) > 0 {
					s.all(values)
					return
				}
			}
			if id, ok := x.Fun.(*ast.Ident); ok { // a function in a variable
				if v := s.info.Uses[id]; v != nil && s.closure(v) {
					return
				}
			}
		}
	case *ast.SelectorExpr:
		if owner := s.named(x.X); owner != "" {
			if values := s.fieldValues(owner, x.Sel.Name); len(values) > 0 {
				s.all(values)
				return
			}
		}
	case *ast.Ident:
		if s.excuse(x, x.Name) || s.variable(x) {
			return
		}
	}
	s.bad = append(s.bad, fmt.Sprintf("%s: %s: SQL is made of %s, which is no constant; use a parameter, or give the reason in madeSQL",
		s.at(e), s.where(e), types.ExprString(e)))
}

func (s *search) all(values []ast.Expr) {
	for _, v := range values {
		s.follow(v)
	}
}

// excuse looks an expression up in madeSQL.
func (s *search) excuse(e ast.Expr, text string) bool {
	key := s.where(e) + ": " + text
	_, ok := madeSQL[key]
	s.excused[key] = s.excused[key] || ok
	return ok
}

// closure follows what a function literal returns that is kept in a variable.
func (s *search) closure(v types.Object) (found bool) {
	s.inspect(func(n ast.Node) {
		assign, ok := n.(*ast.AssignStmt)
		if !ok || len(assign.Lhs) != len(assign.Rhs) {
			return
		}
		for i, left := range assign.Lhs {
			id, ok := left.(*ast.Ident)
			lit, isFunc := assign.Rhs[i].(*ast.FuncLit)
			if !ok || !isFunc || s.info.Defs[id] != v && s.info.Uses[id] != v {
				continue
			}
			ast.Inspect(lit.Body, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
					found = true
					s.follow(r.Results[0])
				}
				return true
			})
		}
	})
	return found
}

// variable follows a variable to all that it is given; a parameter makes its function a sink.
func (s *search) variable(id *ast.Ident) bool {
	v := s.info.Uses[id]
	if v == nil {
		v = s.info.Defs[id]
	}
	if v == nil {
		return false
	}
	if fn := s.in[id]; fn != nil {
		at := 0
		for _, field := range fn.Type.Params.List {
			for _, name := range field.Names {
				if s.info.Defs[name] == v {
					s.sinks[sink{s.info.Defs[fn.Name], fn.Name.Name, at}] = true
					if fn.Recv != nil { // it may be called through an interface
						s.sinks[sink{nil, fn.Name.Name, at}] = true
					}
					return true
				}
				at++
			}
			at += max(0, 1-len(field.Names))
		}
	}
	found := false
	give := func(e ast.Expr) { found = true; s.follow(e) }
	is := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && (s.info.Defs[id] == v || s.info.Uses[id] == v)
	}
	s.inspect(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if is(left) && len(n.Lhs) == len(n.Rhs) {
					give(n.Rhs[i])
				} else if is(left) {
					give(n.Rhs[0])
				}
			}
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if s.info.Defs[name] == v && i < len(n.Values) {
					give(n.Values[i])
				}
			}
		case *ast.RangeStmt:
			if n.Key != nil && is(n.Key) {
				found = s.elements(n.X, true) || found
			}
			if n.Value != nil && is(n.Value) {
				found = s.elements(n.X, false) || found
			}
		}
	})
	return found
}

// elements follows the keys or values of a list or map that is written out, in place or in a variable of the package.
func (s *search) elements(e ast.Expr, keys bool) bool {
	switch x := e.(type) {
	case *ast.CompositeLit:
		for _, item := range x.Elts {
			if kv, ok := item.(*ast.KeyValueExpr); ok {
				if item = kv.Value; keys {
					item = kv.Key
				}
			}
			s.follow(item)
		}
		return true
	case *ast.Ident:
		if s.seen[x] {
			return true // a list that is appended to
		}
		s.seen[x] = true
		v, found := s.info.Uses[x], false
		s.inspect(func(n ast.Node) {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if s.info.Defs[name] == v && i < len(n.Values) {
						found = s.elements(n.Values[i], keys) || found
					}
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					id, ok := left.(*ast.Ident)
					if !ok || s.info.Defs[id] != v && s.info.Uses[id] != v || len(n.Lhs) != len(n.Rhs) {
						continue
					}
					found = s.elements(n.Rhs[i], keys) || found
				}
			}
		})
		return found
	case *ast.CallExpr:
		if calledName(x.Fun) == "append" {
			ok := s.elements(x.Args[0], keys)
			for _, item := range x.Args[1:] {
				s.follow(item)
			}
			return ok
		}
		found := false
		if fn := s.called(x.Fun); fn != nil {
			for _, v := range s.returned(fn) {
				found = s.elements(v, keys) || found
			}
		}
		return found
	}
	return false
}

// TestFindsSQL plants SQL that is made of input, in the ways that it could come about, and SQL that is not.
func TestFindsSQL(t *testing.T) {
	for name, tc := range map[string]struct{ code, wrong string }{
		"a constant":          {`db.Exec("select 1")`, ""},
		"constants joined":    {`db.Exec(a + " where x = $1", in)`, ""},
		"a list of constants": {`for _, q := range []string{"a", "b"} { db.Exec("pragma " + q) }`, ""},
		"a package's list":    {`for _, q := range list { db.Exec("drop table " + q) }`, ""},
		"through a function":  {`run("select 1", in)`, ""},
		"through a field":     {`db.Exec(text{good: a}.good)`, ""},
		"input joined":        {`db.Exec("select " + in)`, "source()"},
		"input formatted":     {`db.Exec(fmt.Sprintf("select %s", in))`, "fmt.Sprintf(\"select %s\", in)"},
		"in a variable":       {`q := a; q += in; db.Exec(q)`, "source()"},
		"handed on":           {`run("select " + in, "")`, "source()"},
		"in a field":          {`t := text{}; t.bad = in; db.Exec(t.bad)`, "source()"},
		"in a list":           {`for _, q := range []string{"a", in} { db.Exec(q) }`, "source()"},
		"a field of input":    {`db.Exec(r.Header)`, "r.Header"},
		"built":               {`var b strings.Builder; b.WriteString(in); db.Exec(b.String())`, "b.String()"},
		"prepared":            {`db.PrepareContext(nil, "select " + in)`, "source()"},
		"behind a context":    {`ctx := in; db.Exec(ctx, "select "+in)`, "source()"},
		"nothing behind one":  {`ctx := in; db.Exec(ctx, "select $1", in)`, ""},
		"queued":              {`db.Queue(in)`, "source()"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram()
			code := `package x
				import ("fmt"; "strings"; "database/sql"; "net/http")
				const a = "select 2"
				var list = []string{"a", a}
				type text struct{ good, bad string }
				var db *sql.DB
				func run(query, arg string) { db.Query(query, arg) }
				func f() { in, r := source(); ` + tc.code + ` }
				func source() (string, http.Request)`
			f, err := parser.ParseFile(p.files, "x.go", code, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.check(module+"/x", []*ast.File{f}); err != nil {
				t.Fatal(err)
			}
			s := p.trace()
			if len(s.bad) != min(1, len(tc.wrong)) || tc.wrong != "" && !strings.Contains(s.bad[0], "made of "+tc.wrong+",") {
				t.Errorf("found %q, want %q", s.bad, tc.wrong)
			}
		})
	}
}
