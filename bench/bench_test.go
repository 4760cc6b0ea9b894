package main

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is filled must be whole rows of the tables as the migrations have them:
// a column that a migration adds must be filled too.
func TestFill(t *testing.T) {
	s, err := makeSQLiteBooks(t.Context(), t.TempDir(), []int{2000}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", s.path(2000))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for table, want := range map[string][]string{"contact": contactCols, "tag": tagCols} {
		rows, err := db.Query("select name from pragma_table_info($1)", table)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for rows.Next() {
			var name string
			rows.Scan(&name)
			have = append(have, name)
		}
		slices.Sort(have)
		want = slices.Sorted(slices.Values(want))
		if err := rows.Err(); err != nil || !slices.Equal(have, want) {
			t.Errorf("%s has the columns %v, the benchmark fills %v", table, have, want)
		}
	}
	var contacts, owners, most int
	err = db.QueryRow("select sum(n), count(*), max(n) from (select count(*) as n from contact group by tenant_id)").Scan(&contacts, &owners, &most)
	if err != nil || contacts != 2000 || owners != 20 || most != 100 {
		t.Errorf("%d contacts of %d tenants, at most %d each, %v", contacts, owners, most, err)
	}
	var sorted bool
	err = db.QueryRow("select min(later) from (select id > lag(id) over (order by rowid) as later from contact)").Scan(&sorted)
	if err != nil || !sorted {
		t.Errorf("ids do not rise in the order of rows: %v", err)
	}
}

// Every request must be one that net/http reads as it was meant.
func TestRequests(t *testing.T) {
	b := &book{rows: 1000, tenants: make([]tenant, tenants), born: time.Now()}
	peer := &peerBooks{books: map[int]*book{1000: b}, users: map[int][]peerUser{1000: make([]peerUser, tenants)}}
	for i := range b.tenants {
		b.tenants[i].auth = []byte("Host: h\r\n")
		peer.users[1000][i] = peerUser{Tags: make([]string, tagsEach), auth: []byte("Host: h\r\n")}
	}
	methods := map[string]string{opAdd: "POST", opUpdate: "PATCH", opDelete: "DELETE"}
	for _, op := range allOps {
		sources := peer.sources(1000, op, 4)
		if op != opSearch {
			sources = append(sources, contactSources(b, op, 4)...)
		}
		for _, s := range sources {
			text, ok := s.Next(nil)
			rest := bufio.NewReader(bytes.NewReader(text))
			r, err := http.ReadRequest(rest)
			if err != nil || !ok {
				t.Errorf("%s: %v %v\n%s", op, ok, err, text)
				continue
			}
			body, err := io.ReadAll(r.Body)
			want := methods[op]
			if op == opAdd60 {
				want = r.Method
			} else if want == "" {
				want = "GET"
			}
			if err != nil || r.Method != want || rest.Buffered() != 0 || len(body) > 0 && body[len(body)-1] != '}' {
				t.Errorf("%s: %v\n%s", op, err, text)
			}
		}
	}
}

// Each contact is deleted once, by whichever connection.
func TestDeletes(t *testing.T) {
	b := &book{rows: 3000, tenants: make([]tenant, tenants)}
	seen := map[int]bool{}
	for conn := range 7 {
		s := newSequence(b, opDelete, conn, 7)
		for i, ok := s.next(); ok; i, ok = s.next() {
			if seen[i] {
				t.Fatalf("contact %d twice", i)
			}
			seen[i] = true
		}
	}
	if len(seen) != b.rows {
		t.Errorf("%d contacts of %d", len(seen), b.rows)
	}
}

func TestSizes(t *testing.T) {
	for n, text := range map[int]string{0: "0", 999: "999", 10_000: "10k", 1_500_000: "1500k", 10_000_000: "10m"} {
		if got, err := parseSize(text); err != nil || got != n || sizeText(n) != text {
			t.Errorf("%s: %d %v, %d: %s", text, got, err, n, sizeText(n))
		}
	}
	for _, text := range []string{"", "k", "-1", "1g"} {
		if _, err := parseSize(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, most := range []float64{0, 0.3, 1, 7, 99, 100, 101, 12_345, 1e6} {
		got := ticks(most)
		if len(got) < 2 || len(got) > 7 || got[len(got)-1] < most {
			t.Errorf("%v: %v", most, got)
		}
	}
}

func TestChart(t *testing.T) {
	svg := chart([]growth{{"a", []point{{1000, 9000, 5, 2}, {2000, 8000, 7, 3}}}, {"b", nil}}, 64)
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
	}
}

// A report must come of whatever was measured, NaN or not.
func TestReport(t *testing.T) {
	r := &runner{plan: &plan{sizes: []int{0, 1000}, ops: allOps, rounds: 1, out: t.TempDir(), name: "x"}}
	r.subjects = []*subject{{name: nameSQLite}}
	r.figures = []figure{
		{Subject: nameCeiling, Op: opAdd, Rate: 50_000},
		{Subject: nameSQLite, Op: opAdd, Rate: 20_000, Ceiling: 50_000, P99: 31, PeakRSS: 40},
	}
	rep := &report{Goals: r.goals(), Figures: r.figures}
	if err := r.write(rep); err != nil {
		t.Fatal(err)
	}
	text := r.markdown(rep)
	for _, want := range []string{
		"| SQLite, durable adds, an empty book | at least 0.30 of the ceiling | 0.40 of the ceiling | met |",
		"| … p99 at saturation | at most 30.0 ms | 31.0 ms | **missed** |",
		"| … against PocketBase | at least 10.00 times | - | not measured |",
		"|  | contactbook-sqlite | 20,000 | 0.400 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(r.out, "*-x.*")); len(files) != 2 {
		t.Error(fmt.Sprint(files))
	}
}
