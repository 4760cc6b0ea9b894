package identity

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

var bands = []string{"different", "doubtful", "likely", "same"}

func bandOf(score int) string {
	switch {
	case score >= NameSame:
		return "same"
	case score >= NameLikely:
		return "likely"
	case score >= NameDoubtful:
		return "doubtful"
	}
	return "different"
}

// TestNames measures the score against the judged names, the set that it was
// tuned with and the one held out apart. With -v it prints both:
//
//	go test ./internal/identity -run TestNames -v
func TestNames(t *testing.T) {
	f, err := os.Open("testdata/names/pairs.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	type cell struct{ judged, scored string }
	type figures struct {
		cells      map[cell]int
		all, right int
		near       int // a band off at most
		stranger   int // to be paid at once, where another was judged
	}
	sets := map[string]*figures{"dev": {cells: map[cell]int{}}, "held": {cells: map[cell]int{}}}
	lines := bufio.NewScanner(f)
	lines.Scan() // the heading
	for lines.Scan() {
		p := strings.Split(lines.Text(), "\t")
		if len(p) != 6 || sets[p[3]] == nil {
			t.Fatalf("a line of %d fields: %q", len(p), lines.Text())
		}
		set, judged, scored := sets[p[3]], p[2], bandOf(NameMatch(p[0], p[1]))
		set.all++
		set.cells[cell{judged, scored}]++
		off := at(judged) - at(scored)
		if off == 0 {
			set.right++
		}
		if off*off <= 1 {
			set.near++
		}
		if judged == "different" && scored == "same" {
			set.stranger++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dev", "held"} {
		s := sets[name]
		t.Logf("%s: %d of %d in their band (%.1f%%), %d within one band, %d different names scored same", name, s.right, s.all,
			100*float64(s.right)/float64(s.all), s.near, s.stranger)
		for _, judged := range bands {
			row := ""
			for _, scored := range bands {
				row += strings.Repeat(" ", 2) + scored + " " + itoa(s.cells[cell{judged, scored}])
			}
			t.Logf("  judged %-9s scored%s", judged, row)
		}
		if s.stranger > 0 {
			t.Errorf("%s: %d pairs of different names score as the same", name, s.stranger)
		}
	}
	if s := sets["dev"]; s.right*100 < s.all*95 {
		t.Errorf("dev: %d of %d in their band, want 95%%", s.right, s.all)
	}
}

func at(band string) int {
	for i, b := range bands {
		if b == band {
			return i
		}
	}
	return -1
}

func itoa(n int) string {
	b := []byte("   ")
	for i := len(b) - 1; i >= 0 && (n > 0 || i == len(b)-1); i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return string(b)
}

func TestNameScores(t *testing.T) {
	for name, c := range map[string]struct {
		given, bank string
		low, high   int
	}{
		"equal":             {"Instantpay India Ltd.", "INSTANTPAY INDIA LTD", 100, 100},
		"another spelling":  {"Mohd Salim Choudhary", "MOHAMMED SALEEM CHAUDHARI", 90, 99},
		"order and title":   {"Smt Laxmi Joshi", "JOSHI LAKSHMI", 90, 99},
		"legal form":        {"M/s Ganga Foods Pvt Ltd", "GANGA FOODS PRIVATE LIMITED", 90, 99},
		"another person":    {"Amit Shah", "ROHIT VERMA", 0, 39},
		"nothing at all":    {"", "", 0, 0},
		"nothing given":     {"", "AMIT SHAH", 0, 0},
		"signs only":        {"-/-", "&&", 0, 0},
		"no letter of ours": {"李小龙", "李小龙", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := NameMatch(c.given, c.bank); got < c.low || got > c.high {
				t.Errorf("NameMatch(%q, %q) is %d, want %d to %d", c.given, c.bank, got, c.low, c.high)
			}
		})
	}
}

func FuzzNameMatch(f *testing.F) {
	for _, p := range [][2]string{
		{"Ramesh Kumar S/O Suresh Kumar", "RAMESH K"}, {"रमेश गुप्ता", "RAMESH GUPTA"}, {"கணேசன்", "GANESAN"}, {"A & B / C", "JT @ nee"},
		{"ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ", "്ാ"}, {"s/o", "d o x"}, {"M/s The Co (P) Ltd Prop. X", "pvt"}, {"e or s", "\xff\xfe"}, {"PK", "P K"}, {"ß ﬁ", "İ"},
	} {
		f.Add(p[0], p[1])
	}
	f.Fuzz(func(t *testing.T, given, bank string) {
		if utf8.RuneCountInString(given)+utf8.RuneCountInString(bank) > 600 {
			return // the API's own limit is 255 each
		}
		n := NameMatch(given, bank)
		if n < 0 || n > 100 {
			t.Errorf("NameMatch(%q, %q) is %d", given, bank, n)
		}
		if self := NameMatch(given, given); self != 0 && self != 100 {
			t.Errorf("NameMatch(%q, itself) is %d", given, self)
		}
	})
}
