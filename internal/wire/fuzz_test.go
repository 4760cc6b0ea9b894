package wire

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// FuzzAppend writes strings, ids and dates as encoding/json does it, and an envelope around them.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "a", `q"uo\te`, "a/b<c>&'d", "tab\tnewline\n", "नमस्ते", "\u2028 \u2029 \u2030", "😀", "\x7f\x80", "\xe2\x80", "\x00\x1f\ufffd", "\xed\xa0\xbd"} {
		f.Add(s, int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, s string, n int64) {
		standard := func(v any) string {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				t.Fatal(err)
			}
			return strings.TrimSuffix(b.String(), "\n")
		}
		prefix := []byte("before ")
		got := string(AppendString(prefix, s))
		if got != "before "+standard(s) {
			t.Fatalf("%q is written %s", s, got)
		}
		v, err := Decode([]byte(got[len(prefix):]))
		if want := strings.ToValidUTF8(s, "\ufffd"); err != nil || len(s) == len(want) && s == want && v.Text() != s {
			t.Fatalf("%q is read back %q, %v", s, v.Text(), err)
		}
		var id ID
		copy(id[:], s)
		when := Millis(n % (1 << 47))
		if got, want := string(when.AppendJSON(id.AppendJSON(nil))), standard(id)+standard(when); got != want {
			t.Fatalf("%s, and not %s", got, want)
		}
		e := &Envelope{Code: Code(s), ActCode: &s, Status: s, Data: map[string]any{"a": s, "b": n}, Timestamp: Timestamp(time.UnixMilli(int64(when))), Reference: s, Environment: s, Internal: &s}
		var own bytes.Buffer
		if err := Encode(&own, e); err != nil || own.String() != standard(e) {
			t.Fatalf("%s, %v, and not %s", &own, err, standard(e))
		}
	})
}

// FuzzParseID reads ids: what is accepted is 24 hex digits, and reads back.
func FuzzParseID(f *testing.F) {
	for _, s := range []string{"645b280e95335f08eb021aa2", "645B280E95335F08EB021AA2", "", "645b280e95335f08eb021aa", "645b280e95335f08eb021aag", "645b280e95335f08eb021aa२", "0x5b280e95335f08eb021aa2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := ParseID(s)
		hex := len(s) == 24 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
		if ok != hex || !ok && id != (ID{}) {
			t.Fatalf("%q: %v %v", s, id, ok)
		}
		if ok && id.String() != strings.ToLower(s) {
			t.Fatalf("%q is %s", s, id)
		}
	})
}
