package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"contactbook"
)

// openAPI is openapi.yaml, made ready to check calls. kin-openapi checks the
// document itself; calls are checked by the JSON Schema library beneath it,
// because kin-openapi compiles a 3.1 schema again for every call.
type openAPI struct {
	root    docNode
	routes  []string               // as documented, in order
	calls   map[string]*docCall    // by route
	methods map[string][]string    // by path
	unknown map[int]*docReply      // 404 and 405, which no operation answers
	schemas *jsonschema.Compiler   // of the whole document
	bodies  map[string]*bodySchema // all of them, by pointer
}

// docCall is one operation.
type docCall struct {
	node    docNode
	request *bodySchema // nil without one
	replies map[string]*docReply
}

// docReply is one documented response.
type docReply struct {
	headers map[string]docHeader
	bodies  map[string]*bodySchema // by media type
}

type docHeader struct {
	must   bool
	schema *jsonschema.Schema
}

// bodySchema is a media type's schema, and where its examples are.
type bodySchema struct {
	node   docNode // the media type
	schema *jsonschema.Schema
}

// document reads openapi.yaml once.
var document = sync.OnceValue(func() *openAPI {
	d, err := readOpenAPI(contactbook.OpenAPI)
	if err != nil {
		panic(fmt.Sprintf("openapi.yaml: %v", err))
	}
	return d
})

// docURL names the document in what the schema library says.
const docURL = "contactbook:///openapi.yaml"

func readOpenAPI(text []byte) (d *openAPI, err error) {
	defer func() { // a node that is not there says so by a panic
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	var whole any
	if err := root.Decode(&whole); err != nil {
		return nil, err
	}
	d = &openAPI{
		calls: map[string]*docCall{}, methods: map[string][]string{}, bodies: map[string]*bodySchema{}, schemas: jsonschema.NewCompiler(),
	}
	d.root = docNode{doc: d, Node: root.Content[0]}
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	if err := d.schemas.AddResource(docURL, whole); err != nil {
		return nil, err
	}
	for path, item := range d.root.must("paths").members() {
		for key, node := range item.members() {
			method := strings.ToUpper(key)
			if !slices.Contains([]string{"GET", "POST", "PATCH", "DELETE"}, method) {
				continue
			}
			c := &docCall{node: node, replies: map[string]*docReply{}}
			if body, ok := node.get("requestBody"); ok {
				c.request = d.body(body.must("content").must("application/json"))
			}
			for status, reply := range node.must("responses").members() {
				c.replies[status] = d.reply(reply)
			}
			route := method + " " + path
			d.routes = append(d.routes, route)
			d.calls[route] = c
			d.methods[path] = append(d.methods[path], method)
		}
	}
	shared := d.root.must("components").must("responses")
	d.unknown = map[int]*docReply{404: d.reply(shared.must("UnknownPath")), 405: d.reply(shared.must("UnknownMethod"))}
	return d, nil
}

func (d *openAPI) reply(node docNode) *docReply {
	node = node.resolve()
	r := &docReply{headers: map[string]docHeader{}, bodies: map[string]*bodySchema{}}
	if headers, ok := node.get("headers"); ok {
		for name, h := range headers.members() {
			h = h.resolve()
			must, _ := h.get("required")
			r.headers[name] = docHeader{must.text() == "true", d.compile(h.must("schema"))}
		}
	}
	for media, content := range node.must("content").members() {
		r.bodies[media] = d.body(content)
	}
	return r
}

// body is the schema of a media type, compiled once for all that refer to it.
func (d *openAPI) body(media docNode) *bodySchema {
	if d.bodies[media.pointer] == nil {
		d.bodies[media.pointer] = &bodySchema{media, d.compile(media.must("schema"))}
	}
	return d.bodies[media.pointer]
}

func (d *openAPI) compile(schema docNode) *jsonschema.Schema {
	s, err := d.schemas.Compile(docURL + "#" + schema.pointer)
	if err != nil {
		panic(err)
	}
	return s
}

// docNode is a node of the document, with its keys in their order.
type docNode struct {
	*yaml.Node
	doc     *openAPI
	pointer string
}

// members are the keys and values of an object.
func (n docNode) members() func(yield func(string, docNode) bool) {
	return func(yield func(string, docNode) bool) {
		for i := 0; n.Node != nil && n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			key := n.Content[i].Value
			escaped := strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
			if !yield(key, docNode{n.Content[i+1], n.doc, n.pointer + "/" + escaped}) {
				return
			}
		}
	}
}

// items are the elements of an array.
func (n docNode) items() (list []docNode) {
	for i, item := range n.Content {
		list = append(list, docNode{item, n.doc, n.pointer + "/" + strconv.Itoa(i)})
	}
	return list
}

func (n docNode) get(key string) (docNode, bool) {
	for k, v := range n.members() {
		if k == key {
			return v, true
		}
	}
	return docNode{}, false
}

func (n docNode) must(key string) docNode {
	v, ok := n.get(key)
	if !ok {
		panic(fmt.Sprintf("%s has no %s", n.pointer, key))
	}
	return v
}

// text is a scalar; "" for a node that is not there.
func (n docNode) text() string {
	if n.Node == nil {
		return ""
	}
	return n.Value
}

// resolve follows $ref to what it refers to.
func (n docNode) resolve() docNode {
	for {
		ref, ok := n.get("$ref")
		if !ok {
			return n
		}
		n = n.doc.root
		for step := range strings.SplitSeq(strings.TrimPrefix(ref.Value, "#/"), "/") {
			n = n.must(strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
		}
	}
}

// docField is one property of a request's schema.
type docField struct {
	name   string
	must   bool
	schema docNode // resolved
}

// fields are the properties that a schema names, itself or by $ref and allOf, in
// the order in which it does; those of an array's elements follow the array.
func (n docNode) fields() (list []docField) {
	required := map[string]bool{}
	for key, v := range n.members() {
		switch key {
		case "$ref":
			list = append(list, n.resolve().fields()...)
		case "allOf":
			for _, part := range v.items() {
				list = append(list, part.fields()...)
			}
		case "required":
			for _, name := range v.items() {
				required[name.Value] = true
			}
		case "properties":
			for name, schema := range v.members() {
				schema = schema.resolve()
				list = append(list, docField{name: name, schema: schema})
				if items, ok := schema.get("items"); ok {
					for _, f := range items.fields() {
						list = append(list, docField{name + ".*." + f.name, f.must, f.schema})
					}
				}
			}
		}
	}
	for i := range list {
		list[i].must = list[i].must || required[list[i].name]
	}
	return list
}

// specBroken tells TestMain that a call differed from openapi.yaml, wherever the
// error of checkSpec went.
var specBroken atomic.Bool

// checkSpec tells how a call differs from openapi.yaml: a reply must be one that
// is documented, and a request that succeeded must be one too. A request that
// failed may have been meant to.
func checkSpec(r *http.Request, a reply) error {
	if unchecked(r) {
		return nil
	}
	if err := document().check(r, a); err != nil {
		specBroken.Store(true)
		err = fmt.Errorf("not as openapi.yaml has it: %s %s was answered HTTP %d %.1000s: %w", r.Method, r.URL.RequestURI(), a.HTTP, a.Raw, err)
		fmt.Fprintln(os.Stderr, err)
		return err
	}
	return nil
}

// sparse are the clients of which not every call is checked, by id.
var sparse sync.Map

type sample struct {
	every uint64
	seen  atomic.Uint64
}

// checkOneIn has only every n-th call of a client checked against openapi.yaml,
// for tests that make very many; 0 for none, where time is measured.
func checkOneIn(n uint64, c creds) { sparse.Store(c.ID, &sample{every: n}) }

// unchecked tells whether checkOneIn leaves a call out.
func unchecked(r *http.Request) bool {
	v, ok := sparse.Load(r.Header.Get("X-Ipay-Client-Id"))
	if !ok {
		return false
	}
	s := v.(*sample)
	return s.every == 0 || s.seen.Add(1)%s.every != 0
}

func (d *openAPI) check(r *http.Request, a reply) error {
	media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if media != "application/json" && media != "application/problem+json" && slices.Contains([]int{400, 431, 501, 505}, a.HTTP) {
		return nil // net/http refused it before any handler
	}
	call, path := d.calls[r.Method+" "+r.URL.Path], r.URL.Path
	if probe := d.calls["GET "+path]; probe != nil && !strings.HasPrefix(path, "/contacts/") && !strings.HasPrefix(path, "/_sandbox/") {
		call = probe // probes are answered whatever the method
	}
	var documented *docReply
	switch {
	case call != nil:
		documented = call.replies[strconv.Itoa(a.HTTP)]
		if documented == nil {
			documented = call.replies[strconv.Itoa(a.HTTP/100)+"XX"]
		}
	case d.methods[path] != nil && a.HTTP == 405:
		documented = d.unknown[405]
		if allow := strings.Join(a.Header.Values("Allow"), ", "); allow != strings.Join(d.methods[path], ", ") {
			return fmt.Errorf("Allow is %q", allow)
		}
	case d.methods[path] == nil && a.HTTP == 404:
		documented = d.unknown[404]
	case d.methods[path] == nil && path != "/contacts" && !strings.HasPrefix(path, "/contacts/") && !strings.HasPrefix(path, "/_sandbox/"):
		return nil // not of the API
	}
	if documented == nil {
		return errors.New("that status is not documented")
	}
	if err := documented.checkHeaders(a.Header); err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		return nil
	}
	if err := documented.checkBody(r, a, media); err != nil {
		return err
	}
	if call == nil || call.request == nil || a.Code != "TXN" {
		return nil
	}
	return call.checkRequest(r)
}

// toldHeaders are those that mean something to a client of the API.
var toldHeaders = []string{"Allow", "Link", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Next-Cursor"}

func (d *docReply) checkHeaders(h http.Header) error {
	for name, doc := range d.headers {
		values := h.Values(name)
		if len(values) == 0 && doc.must {
			return fmt.Errorf("the header %s is missing", name)
		}
		if len(values) == 0 {
			continue
		}
		if err := doc.schema.Validate(strings.Join(values, ", ")); err != nil {
			return fmt.Errorf("the header %s: %w", name, err)
		}
	}
	for _, name := range toldHeaders {
		if _, ok := d.headers[name]; !ok && len(h.Values(name)) > 0 {
			return fmt.Errorf("the header %s is not documented", name)
		}
	}
	return nil
}

func (d *docReply) checkBody(r *http.Request, a reply, media string) error {
	body := d.bodies[media]
	if body == nil {
		return fmt.Errorf("the media type %q is not documented", media)
	}
	if media == "text/plain" {
		return body.schema.Validate(string(a.Raw))
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.Raw))
	if err != nil {
		return err
	}
	if media == "application/problem+json" {
		if accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ",")); !strings.Contains(accept, media) {
			return errors.New("problem details that nobody asked for")
		}
		if status := v.(map[string]any)["status"]; status != json.Number(strconv.Itoa(a.HTTP)) {
			return fmt.Errorf("its status is %v", status)
		}
	}
	return body.schema.Validate(v)
}

// checkRequest checks the fields of a request that succeeded, as the server reads
// them.
func (c *docCall) checkRequest(r *http.Request) error {
	if r.GetBody == nil && r.Body != nil && r.Body != http.NoBody {
		return nil // it was streamed, and is gone
	}
	fields := map[string]any{}
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				return fmt.Errorf("its request: %w", err)
			}
			fields, _ = v.(map[string]any)
		}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		for key, values := range r.URL.Query() {
			if _, ok := fields[key]; !ok {
				fields[key] = values[0]
				if n, err := strconv.Atoi(values[0]); (key == "limit" || key == "id") && err == nil {
					fields[key] = n
				}
				if on, err := strconv.ParseBool(values[0]); (key == "failed" || key == "personal") && err == nil {
					fields[key] = on
				}
			}
		}
	}
	if err := c.request.schema.Validate(asRead(fields)); err != nil {
		return fmt.Errorf("the request that it answers is not as documented: %w", err)
	}
	return nil
}

// alsoRead are other names of fields, which the document tells in words.
var alsoRead = map[string]string{"AddressId": "addressId", "udhyam": "udyam"}

// asRead is a request's value by the document's general rules: strings are
// trimmed, what is empty was not sent, and an accountType is read without case.
func asRead(v any) any {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = asRead(v[i])
		}
		return list
	case map[string]any:
		read := map[string]any{}
		for key, value := range v {
			if known, ok := alsoRead[key]; ok && v[known] == nil {
				key = known
			}
			value = asRead(value)
			if list, ok := value.([]any); value == nil || value == "" || ok && len(list) == 0 {
				continue
			}
			if s, ok := value.(string); ok && key == "accountType" {
				value = strings.ToUpper(s)
			}
			read[key] = value
		}
		return read
	}
	return v
}
