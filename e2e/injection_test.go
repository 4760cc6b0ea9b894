package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"contactbook/internal/book"
	"contactbook/internal/proof"
)

// hostileTexts are what breaks out of whatever a text is pasted into.
var hostileTexts = []string{
	// SQL
	`' OR '1'='1`, `'; drop table contact; --`, `' union select client_id, secret_hash from client --`, `"; delete from tag; --`, `\'; delete from tag; --`,
	`' || (select name from contact limit 1) || '`, `1; select pg_sleep(5)`, `' and 1=cast((select version()) as int) --`, `/* x */ ' /*`, `'/**/or/**/1=1#`,
	`$1`, `$1; $2`, `?`, `:name`, `@p1`, `$$; drop table tag; $$`, `E'\\x27'`, `0x27206f722031`, `U&'\0027'`, `;`, `--`, `'''`, `''`, `"`, "`", `\`, `%`, `_`, `%' or name like '%`, `*`, `[a-z]`,
	`N'x'`, `null`, `NULL`, `default`, `current_user`, `true`, `0`, `-1`, `1e309`,
	// quotes and others that only look or fold like it
	"\u2018 or \u20181\u2019=\u20191", "\u02bc or 1=1", "\uff07 or 1=1", "\u201d; \u201c", "\uff1b drop", "＇％", "\u212aelvin", "ſtraße", "\u202etxet", "a\u0300", "\u200b", "\ufeff", "😀'",
	// JSON, JSON paths and operators
	`{"$ne":null}`, `{"$where":"sleep(1)"}`, `$.name`, `","isPrimary":true,"x":"`, `\u0027`, `\u0000`, `"}],"data":[{`, `->>'name'`, `__proto__`,
	// formats, templates, expressions
	`%s%s%n%x%!d(MISSING)`, `%!s(PANIC=x)`, `{{.}}`, `${7*7}`, `#{7*7}`, `<%= 7 %>`, `${jndi:ldap://127.0.0.1/a}`, `$(id)`, "`id`", `| id`, `&& id`, `;id;`,
	// headers, logs, lines
	"a%0d%0aSet-Cookie: x=1", `a\r\nlevel=ERROR msg=forged`, `level=ERROR msg="forged"`, "a\u2028b", "a\u0085b", "\x1b[31mred", "a\x00b", "a\r\nX-Forged: 1", "a\nlevel=ERROR msg=forged", "\x7f", "\x08",
	// paths, addresses, markup, sheets
	`../../../../etc/passwd`, `..\..\windows`, `file:///etc/passwd`, `/dev/null`, `http://127.0.0.1:1/`, `<script>alert(1)</script>`, `<!ENTITY x SYSTEM "file:///etc/passwd">`, `=cmd|'/c calc'!A1`, `@SUM(1)`, `+1+1`,
}

// injected marks all that is sent, so that it is found wherever it comes out. It is too long to stand in a random
// ipay_uuid.
const injected = "zq7xw5k2q9"

// TestInjection (S3) sends hostile texts in every field that may hold one of every op, as a strict client and as a lenient
// one, in the body and in the query: each is refused in words that name the field, or kept and given back to the byte. No
// other record changes, nothing of it is in a log or a header, and nothing ends in System Error. It is generated from book.Ops.
func TestInjection(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := start(t, engine, "--log-level", "debug")
			random, seed := proof.Rand(t)
			x := &isolation{T: t, s: s, rand: random, replied: map[string]bool{}, db: openDirect(t, engine, s.database)}
			x.tables = tenantTables(columnsOf(t, engine, x.db))
			x.holders = []*holder{x.holder("a lenient client", "lenient", s.client(601, "LIVE", "--lenient")), x.holder("a strict client", "strict", s.client(602, "LIVE"))}
			j := &injection{isolation: x, each: proof.Pick(1, 25, len(hostileTexts)), texts: slices.Clone(hostileTexts)}
			random.Shuffle(len(j.texts), func(a, b int) { j.texts[a], j.texts[b] = j.texts[b], j.texts[a] })
			j.state = x.dump()
			for i, op := range book.Ops {
				if proof.Sized() == proof.Quick { // one of the two clients has each op, in turn
					j.try(x.holders[(i+int(seed%2))%2], op)
					continue
				}
				j.try(x.holders[0], op)
				j.try(x.holders[1], op)
			}
			j.headers()
			if err := s.stop(); err != nil {
				t.Error(err)
			}
			j.log()
			if j.kept < 5 || j.refused < 20 {
				t.Errorf("only %d texts were kept and %d refused", j.kept, j.refused)
			}
			proof.Record(t, proof.Figure{ID: "S3", What: fmt.Sprintf("%s, hostile texts in %d fields: neither kept to the byte (%d) nor refused (%d)", engine, j.fields, j.kept, j.refused),
				Target: "0", Got: fmt.Sprint(x.shown), Met: x.shown == 0, Seed: seed})
		})
	}
}

type injection struct {
	*isolation
	each                  int // texts for each field
	texts                 []string
	next                  int // of texts
	state                 dump
	serial                int
	fields, kept, refused int
}

// try gives each field of an op some of the texts.
func (j *injection) try(h *holder, op book.Op) {
	own, err := h.prepare(op)
	if err != nil {
		j.Fatal(err)
	}
	if _, err := h.prepare(op); err != nil { // beside it stand records that no request names
		j.Fatal(err)
	}
	j.state = j.dump()
	for _, f := range op.Fields() {
		if slices.ContainsFunc(op.Fields(), func(g book.Field) bool { return strings.HasPrefix(g.Name, f.Name+".") }) {
			continue
		}
		j.fields++
		for range j.each {
			text := j.texts[j.next%len(j.texts)]
			j.next++
			for _, how := range ways(op, own.body) {
				if how == problemReply {
					continue
				}
				j.serial++
				j.send(h, own, f, how, fmt.Sprint(text, " ", injected, j.serial))
			}
		}
	}
}

// send sends one text in one field, and looks at what has become of it and of all else.
func (j *injection) send(h *holder, own *replay, f book.Field, how way, text string) {
	op := own.op
	if op.Method() == http.MethodDelete && f.Kind != "id" || f.Name == "contactId" && op.Route == "GET /contacts/profile" {
		how = byBody
	}
	body := altered(own.body, f.Name, text)
	if op.Route == "POST /contacts/tag" && f.Name != "name" {
		body["name"] = fmt.Sprint("Tag ", j.serial) // of which there may be one only
	}
	before := j.state
	r := h.send(op, how, body)
	what := fmt.Sprintf("%s (%s) as %s with %s = %q", op.Route, how, h.name, f.Name, text)
	for name, values := range r.Header {
		if strings.Contains(strings.Join(values, "\n"), injected) || name == "X-Forged" || name == "Set-Cookie" {
			j.wrong("%s: the header %s is %q", what, name, values)
		}
	}
	after := j.dump()
	j.state = after
	for _, other := range j.holders {
		if other != h && !before.same(after, other.tenant()) {
			j.wrong("%s changed another book:\n%s", what, before.difference(after, other.tenant()))
		}
	}
	switch {
	case r.Code == "RPI" && r.HTTP == 200:
		j.refused++
		if !strings.Contains(r.Status, messagePath(f.Name)+" ") || strings.Contains(string(r.Raw), injected) {
			j.wrong("%s is refused with %s", what, r.Raw)
		}
		if !before.same(after, h.tenant()) {
			j.wrong("%s is refused, and changed\n%s", what, before.difference(after, h.tenant()))
		}
	case r.Code == "TXN" && r.Status == op.Done:
		j.wanted(h, own, f, what, text, r, before, after)
	case r.Code == "ERR" && strings.Contains(r.Status, "already"): // a contact has one business record
		j.refused++
	default:
		j.wrong("%s: %d %s", what, r.HTTP, r.Raw)
	}
}

// wanted checks a request that succeeded: what changed is the record that it made or named, and holds the text.
func (j *injection) wanted(h *holder, own *replay, f book.Field, what, text string, r reply, before, after dump) {
	if own.op.Method() == http.MethodGet {
		j.wrong("%s is accepted: %s", what, r.Raw)
		return
	}
	want := strings.TrimSpace(text)
	found := 0
	for key, row := range after[h.tenant()] {
		was, there := before[h.tenant()][key]
		if there && was.text == row.text {
			continue
		}
		id := fmt.Sprint(row.col("id"))
		if mine := id == r.id() || slices.Contains(slices.Collect(maps.Values(own.have)), id) || fmt.Sprint(row.col("contact_id")) == own.have["profile"]; !mine || there && own.op.Method() == http.MethodPost && !verifies(own.op) {
			j.wrong("%s changed\n%s\nto\n%s", what, was.text, row.text)
		}
		for _, v := range row.values {
			if v == want {
				found++
			}
		}
	}
	for key, was := range before[h.tenant()] {
		if _, there := after[h.tenant()][key]; !there {
			j.wrong("%s deleted\n%s", what, was.text)
		}
	}
	if f.Name == "externalRef" && verifies(own.op) { // no list has it
		if found != 1 {
			j.wrong("%s is kept %d times", what, found)
		}
		j.kept++
		return
	}
	if notKept[f.Name] {
		if found > 0 {
			j.wrong("%s is kept", what)
		}
		return
	}
	if found == 0 {
		j.wrong("%s is not kept as it was sent:\n%s", what, before.difference(after, h.tenant()))
		return
	}
	j.kept++
	// And it is given back.
	list, _ := opNamed("GET", resourceAt(own.op))
	ask := m{}
	for _, g := range list.Fields() {
		if g.Must || g.Name == "contactId" {
			ask[g.Name] = own.have["profile"]
			if r.id() != "" && resourceAt(own.op) == "profile" {
				ask[g.Name] = r.id()
			}
		}
	}
	listed := h.send(list, byBody, ask)
	quoted, err := json.Marshal(want)
	if err != nil {
		j.Fatal(err)
	}
	var values []any
	if err := json.Unmarshal(listed.Data, &values); err != nil || !holds(values, want) {
		j.wrong("%s: the list does not have %s:\n%s", what, quoted, listed.Raw)
	}
}

// notKept are fields that are read and go nowhere; some for an ACCOUNT alone, which is what the generator adds.
var notKept = map[string]bool{"externalRef": true, "latitude": true, "longitude": true, "upiId": true, "phoneNumber": true, "callingCode": true}

// holds tells whether a value is anywhere in decoded JSON.
func holds(v any, want string) bool {
	switch v := v.(type) {
	case string:
		return v == want
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return holds(item, want) })
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), func(item any) bool { return holds(item, want) })
	}
	return false
}

// headers sends the texts where headers, keys and paths are.
func (j *injection) headers() {
	c, never := j.holders[0].creds, j.never()
	before := j.dump()
	for i, text := range j.texts[:min(20*j.each, len(j.texts))] {
		text = fmt.Sprint(text, " ", injected, i)
		key, err := json.Marshal(text)
		if err != nil {
			j.Fatal(err)
		}
		requests := []*http.Request{
			j.s.request(c, "GET", "/contacts/person", `{"gcId":"`+never+`",`+string(key)+`:1}`),
			j.s.request(c, "GET", "/contacts/person", string(key)),
		}
		r := j.s.request(c, "GET", "/contacts/person", nil)
		r.URL.RawQuery = "%zz&" + r.URL.Query().Encode()
		r.URL.Path = "/contacts/" + text
		requests = append(requests, r)
		if httpguts.ValidHeaderFieldValue(text) && i < 2*j.each {
			for _, name := range []string{"X-Ipay-Auth-Code", "X-Ipay-Client-Id", "X-Ipay-Client-Secret", "X-Ipay-Endpoint-Ip", "X-Forwarded-For", "Accept", "Accept-Encoding", "Content-Type", "User-Agent"} {
				requests = append(requests, j.s.request(c, "GET", "/contacts/person", m{"gcId": never}, name, text))
			}
		}
		for _, r := range requests {
			a := j.s.do(r)
			if a.HTTP >= 500 || !slices.Contains([]string{"ERR", "RPI", "IAC", "OUE"}, a.Code) || strings.Contains(fmt.Sprint(a.Header), injected) || strings.Contains(string(a.Raw), injected) {
				j.wrong("%s %s with %v: %d %s", r.Method, r.URL, r.Header, a.HTTP, a.Raw)
			}
		}
	}
	j.unchanged(before, "hostile headers, keys and paths")
}

var logLine = regexp.MustCompile(`^time=\S+ level=(DEBUG|INFO|WARN|ERROR) msg=`)

// log looks for the texts, and for lines that the server did not write.
func (j *injection) log() {
	_, log, _ := strings.Cut(j.s.out.String(), "contactbook listens on ")
	lines := strings.Split(strings.TrimSpace(log), "\n")[1:]
	requests := 0
	for _, line := range lines {
		if line == "" {
			continue
		}
		if strings.Contains(line, injected) || !logLine.MatchString(line) && !strings.HasPrefix(line, "The data is in ") {
			j.wrong("the log has the line %q", line)
		}
		if strings.Contains(line, "msg=request ") {
			requests++
		}
		if strings.Contains(line, "level=ERROR") {
			j.wrong("the log has %s", line)
		}
	}
	if requests < 100 {
		j.wrong("the log has only %d requests", requests)
	}
}
