package wire

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestIDsNeverDecrease(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := NewIDs(func() time.Time { return now })
	last := g.New()
	check := func(what string) {
		t.Helper()
		id := g.New()
		if bytes.Compare(id[:], last[:]) <= 0 {
			t.Fatalf("%s: %s after %s", what, id, last)
		}
		last = id
	}
	check("same second")
	now = now.Add(time.Hour)
	check("clock steps forth")
	now = now.Add(-24 * time.Hour)
	check("clock steps back")
	g.state.Store(g.state.Load() | (1<<counterBits - 2))
	for range 4 {
		check("counter wraps")
	}
}

func TestIDsDiffer(t *testing.T) {
	makers := []*IDs{NewIDs(time.Now), NewIDs(time.Now)}
	const each = 20_000
	all := make([]ID, 8*each)
	var wg sync.WaitGroup
	for part, ids := range slices.Collect(slices.Chunk(all, each)) {
		wg.Go(func() {
			for i := range ids {
				ids[i] = makers[part%2].New()
			}
		})
	}
	wg.Wait()
	seen := make(map[ID]bool, len(all))
	for _, id := range all {
		if seen[id] {
			t.Fatalf("%s twice", id)
		}
		seen[id] = true
	}
}

func TestParseID(t *testing.T) {
	for text, good := range map[string]bool{
		"645b283b9b2e242ec80dd5c2": true, "645B283B9B2E242EC80DD5C2": true, "645b283b9b2e242ec80dd5c": false,
		"645b283b9b2e242ec80dd5c22": false, "645b283b9b2e242ec80dd5cg": false, "": false, "645b283b9b2e242ec80dd5 2": false,
	} {
		id, ok := ParseID(text)
		if ok != good {
			t.Errorf("ParseID(%q) is %t", text, ok)
		}
		if ok && id.String() != strings.ToLower(text) {
			t.Errorf("ParseID(%q) is %s", text, id)
		}
	}
}

var reference = regexp.MustCompile(`^h\d{3}[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-[A-Za-z0-9]{12}$`)

func TestReference(t *testing.T) {
	// The documented h00599219842-6eda-... was answered at 2023-05-10 10:44:35 Indian time.
	start := time.Date(2023, 5, 10, 5, 14, 35, 0, time.UTC)
	seen := map[string]bool{}
	for range 1000 {
		r := Reference(5, start)
		if !reference.MatchString(r) || seen[r] {
			t.Fatal(r)
		}
		seen[r] = true
		ticks, err := strconv.ParseInt(r[4:12]+r[13:17], 16, 64)
		if err != nil || ticks != start.Unix()*100_000 {
			t.Fatalf("%s: %d ticks, %v", r, ticks, err)
		}
	}
	for node, prefix := range map[int]string{0: "h000", 7: "h007", 42: "h042", 999: "h999"} {
		if r := Reference(node, start); !strings.HasPrefix(r, prefix) {
			t.Errorf("node %d: %s", node, r)
		}
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2023, 5, 10, 5, 14, 35, 381_999_000, time.UTC)
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", -8*3600)} {
		if got := Timestamp(at.In(zone)); got != "2023-05-10 10:44:35" {
			t.Errorf("timestamp %s", got)
		}
	}
	text, err := json.Marshal(Millis(at.UnixMilli()))
	if err != nil || string(text) != `"2023-05-10T05:14:35.381000Z"` {
		t.Errorf("date %s, %v", text, err)
	}
}

func TestEnvelope(t *testing.T) {
	var buf bytes.Buffer
	if err := Encode(&buf, Envelope{Code: TXN, Status: "a/b <é>", Environment: Live}); err != nil {
		t.Fatal(err)
	}
	const want = `{"statuscode":"TXN","actcode":null,"status":"a/b <é>","data":null,"timestamp":"","ipay_uuid":"","orderid":null,"environment":"LIVE","internalCode":null}`
	if buf.String() != want {
		t.Errorf("envelope\n%s, want\n%s", &buf, want)
	}
}

// A framed reply must be the very bytes of an envelope with the same items.
func TestFrame(t *testing.T) {
	at := time.Date(2023, 5, 10, 5, 14, 35, 0, time.UTC)
	env := Envelope{Code: TXN, Status: "Transaction Successful", Reference: "h000", Environment: Sandbox}
	frame := NewFrame(env)
	framed := string(frame.Open()) + `1,2` + string(frame.Close(at))
	env.Data, env.Timestamp = []int{1, 2}, Timestamp(at)
	var whole bytes.Buffer
	if err := Encode(&whole, env); err != nil {
		t.Fatal(err)
	}
	if framed != whole.String() {
		t.Errorf("framed\n%s, whole\n%s", framed, &whole)
	}
}

// An envelope that is encoded by its pointer is the same as by encoding/json.
func TestEnvelopeJSON(t *testing.T) {
	act, order := "A \"quoted\" one", "ord\u2028er"
	for _, e := range []Envelope{
		{},
		{Code: TXN, Status: "Transaction Successful", Data: 1, Timestamp: "t", Reference: "h", Environment: Live},
		{Code: ERR, ActCode: &act, Status: "<&>", Data: []string{"a"}, OrderID: &order, Internal: &act},
		{Data: map[string]any{"a": nil}},
	} {
		var got, want bytes.Buffer
		if err := Encode(&got, &e); err != nil {
			t.Fatal(err)
		}
		if err := Encode(&want, e); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%s\nwant\n%s", &got, &want)
		}
	}
	if err := Encode(new(bytes.Buffer), &Envelope{Data: make(chan int)}); err == nil {
		t.Error("data without a JSON form is no error")
	}
}
