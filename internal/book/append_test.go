package book

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"contactbook/internal/wire"
)

// What writes its JSON itself must write what encoding/json makes of its fields.
func TestAppendJSON(t *testing.T) {
	texts := []string{
		"", "a", `q"uo\te`, "a/b<c>&'d", "tab\tnewline\n", "नमस्ते", "\u2028 \u2029 “”", "😀", "\x7f", "é", "bad \xff utf8", "\u0000\u001f",
	}
	rng := rand.New(rand.NewPCG(1, 2))
	text := func() string { return texts[rng.IntN(len(texts))] + texts[rng.IntN(len(texts))] }
	ids := wire.NewIDs(time.Now)
	for range 2000 {
		when := dates{wire.Millis(rng.Int64N(1 << 42)), wire.Millis(rng.Int64N(1 << 42))}
		person := contactBody{rng.Int64N(1 << 52), text(), text(), text(), text(), text()}
		tags := make([]tagDoc, rng.IntN(3))
		names := make(tagIDs, len(tags))
		for i := range tags {
			names[i] = ids.New()
			tags[i] = tagDoc{names[i], tagBody{rng.Int64N(1 << 52), text(), text()}, when}
		}
		item := contactItem{ids.New(), person, names, tags}
		for _, v := range []wire.Appender{
			contactAdded{person, dated{when.Updated, when.Created, ids.New()}, names}, item, contactItems{item, item}, contactItems{},
		} {
			if got, want := string(v.AppendJSON(nil)), plainJSON(t, v); got != want {
				t.Fatalf("%T:\n%s\nwant\n%s", v, got, want)
			}
		}
	}
}

// plainJSON is what encoding/json makes of v's fields: it
// does not know AppendJSON.
func plainJSON(t *testing.T, v any) string {
	t.Helper()
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
