package identity

import (
	"slices"
	"strings"
)

// matchNamings judges two names that are not empty.
func matchNamings(g, b *naming) band {
	switch {
	case g.kin == "owner" || b.kin == "owner":
		return matchOwner(g, b)
	case g.firm || b.firm:
		return matchFirms(g, b)
	case len(g.holders) > 1 || len(b.holders) > 1:
		return matchJoint(g, b)
	}
	return matchHolders(g, b)
}

// matchHolders judges two single holders with whom they are named by.
func matchHolders(g, b *naming) band {
	is := matchPersons(g.holders[0], b.holders[0], g, b)
	switch {
	case g.kin == "" && b.kin == "":
		return is
	case g.kin != "" && b.kin != "":
		if is < doubtful || g.kin == "care" || b.kin == "care" {
			return is
		}
		other := matchPersons(g.other, b.other, g, b)
		if g.kin != b.kin {
			return min(is, doubtful)
		}
		if other == different {
			return different
		}
		return min(is, max(other, doubtful))
	}
	// One side names the other person too.
	named, alone := g, b
	if b.kin != "" {
		named, alone = b, g
	}
	if named.kin == "guardian" && is < doubtful && matchPersons(named.other, alone.holders[0], g, b) >= likely {
		return doubtful
	}
	// Father's, husband's or maiden names may have become part of the name.
	whole := slices.Concat(named.holders[0], named.other)
	if named.kin == "father" || named.kin == "husband" || named.kin == "born" {
		if len(alone.holders[0]) > len(named.holders[0]) || is < likely {
			if full := matchPersons(whole, alone.holders[0], g, b); full >= likely && overlaps(named.holders[0], alone.holders[0]) {
				is = max(is, likely)
			}
		}
	}
	return is
}

func overlaps(a, b []string) bool {
	for _, v := range a {
		for _, w := range b {
			if len(v) > 1 && sound(v) == sound(w) && !fillers[spelled(v)] {
				return true
			}
		}
	}
	return false
}

// matchJoint judges where one side has several holders: all, or one of them.
func matchJoint(g, b *naming) band {
	best := different
	agree := 0
	taken := make([]bool, len(b.holders))
	for _, h := range g.holders {
		for i, k := range b.holders {
			is := matchPersons(h, k, g, b)
			best = max(best, is)
			if is == same && !taken[i] {
				taken[i] = true
				agree++
				break
			}
		}
	}
	switch {
	case agree == len(g.holders) && agree == len(b.holders):
		return same
	case len(g.holders) > 1 && len(b.holders) > 1:
		return min(best, doubtful)
	}
	return min(best, likely)
}

// matchOwner judges a shop that names its owner.
func matchOwner(g, b *naming) band {
	if g.kin == "owner" && b.kin == "owner" {
		return min(matchFirms(&naming{holders: g.holders}, &naming{holders: b.holders}), matchPersons(g.other, b.other, g, b))
	}
	shop, alone := g, b
	if b.kin == "owner" {
		shop, alone = b, g
	}
	firm := matchFirms(&naming{holders: shop.holders}, &naming{holders: alone.holders})
	owner := matchPersons(shop.other, alone.holders[0], g, b)
	return min(max(firm, owner), likely)
}

// tie is how two words of two names agree.
type tie int

const (
	none    tie = iota
	near        // a short form, or a letter that may be an error or make another name
	start       // an initial and the word that it stands for
	variant     // a regional form, or a typing error
	equal       // a customary spelling
)

func spelled(w string) string {
	if s, ok := spellings[w]; ok {
		return s
	}
	return w
}

// pairing is what is left when the words of two persons were paired.
type pairing struct {
	g, b     []string
	of       []int // for each word of g, the one of b; -1
	tie      []tie
	used     []bool
	freeG    []int
	freeB    []int
	fulls    int // whole words that agree and are no fillers
	fillings int // fillers that agree
	nears    int
	variants int
	starts   int
	initials int // initials that agree with initials
}

// matchPersons judges the words of two persons.
func matchPersons(g, b []string, ng, nb *naming) band {
	if len(g) == 0 || len(b) == 0 {
		return different
	}
	key := sound
	if ng.tamil || nb.tamil {
		key = tamilSound
	}
	g, b = unfold(g, b, key)
	b = uncut(g, b, nb)
	if len(b) == 1 && len(g) > 1 && slices.Contains(fieldSizes, nb.length) && b[0] != g[0] && strings.HasPrefix(g[0], b[0]) {
		return doubtful // the field ended before the first word did
	}
	p := pair(g, b, key)
	return p.judge()
}

// unfold brings both to the same words: initials written together are parted,
// words that one side joined are joined, endings of respect and titles are taken off.
func unfold(g, b []string, key func(string) string) ([]string, []string) {
	g, b = partInitials(g, b), partInitials(b, g)
	g, b = joinWords(g, b, key), joinWords(b, g, key)
	g, b = dropRespect(g, b, key), dropRespect(b, g, key)
	g, b = joinDouble(g), joinDouble(b)
	return g, b
}

// partInitials parts PK where the other side has P and K.
func partInitials(a, other []string) []string {
	var out []string
	for _, w := range a {
		if len(w) == 2 && !slices.Contains(other, w) && initialsFit(w, other) {
			out = append(out, w[:1], w[1:])
			continue
		}
		out = append(out, w)
	}
	return out
}

// initialsFit tells whether words of the other side begin with the letters of w, in order.
func initialsFit(w string, other []string) bool {
	for i := 0; i+1 < len(other); i++ {
		if other[i][:1] == w[:1] && other[i+1][:1] == w[1:] && (len(other[i]) == 1 || strings.IndexByte("aeiou", w[1]) < 0) {
			return true
		}
	}
	return false
}

// joinWords joins neighbours that the other side has as one word.
func joinWords(a, other []string, key func(string) string) []string {
	out := slices.Clone(a)
	for i := 0; i+1 < len(out); i++ {
		if len(out[i]) < 2 || len(out[i+1]) < 2 {
			continue
		}
		for _, o := range other {
			if k := key(o); k == key(out[i]+out[i+1]) || k == key(out[i])+key(out[i+1]) {
				out[i] += out[i+1]
				out = slices.Delete(out, i+1, i+2)
				break
			}
		}
	}
	return out
}

// joinDouble joins a surname of two words, of which each is a surname too.
func joinDouble(a []string) []string {
	for i := 0; i+1 < len(a); i++ {
		if doubles[spelled(a[i])+" "+spelled(a[i+1])] {
			return slices.Concat(a[:i], []string{spelled(a[i]) + spelled(a[i+1])}, a[i+2:])
		}
	}
	return a
}

// dropRespect takes -bhai and its like off a word, where what is left is on the
// other side, and a word of its own of that kind.
func dropRespect(a, other []string, key func(string) string) []string {
	var out []string
	for i, w := range a {
		if i > 0 && len(a) > 2 && slices.Contains(respect[:2], w) && !slices.Contains(other, w) {
			continue
		}
		for _, r := range respect {
			stem, ok := strings.CutSuffix(w, r)
			if !ok || len(stem) < 3 {
				continue
			}
			for _, o := range other {
				if key(o) == key(stem) {
					w = stem
					break
				}
			}
		}
		out = append(out, w)
	}
	return out
}

// fieldSizes are how many characters of a name banks keep.
var fieldSizes = []int{18, 20, 22, 24, 25, 26, 30, 32, 35, 40}

// uncut mends what a bank's field cut: its last word, when it is long enough to
// tell, becomes the given one; a shorter rest is left out.
func uncut(g, b []string, nb *naming) []string {
	if !slices.Contains(fieldSizes, nb.length) || len(b) < 2 || len(b) > len(g) {
		return b
	}
	last := len(b) - 1
	w := g[last]
	if !strings.HasPrefix(w, b[last]) || w == b[last] {
		return b
	}
	out := slices.Clone(b)
	if len(b[last]) < 3 || last < len(g)-1 {
		return out[:last]
	}
	out[last] = w
	return out
}

// pair ties the words, the surest ties first.
func pair(g, b []string, key func(string) string) *pairing {
	p := &pairing{g: g, b: b, of: make([]int, len(g)), tie: make([]tie, len(g)), used: make([]bool, len(b))}
	for i := range p.of {
		p.of[i] = -1
	}
	for t := equal; t > none; t-- {
		for pass := 0; pass < 2; pass++ { // same places first
			for i := range g {
				for j := range b {
					if p.of[i] >= 0 || p.used[j] || pass == 0 && i != j && len(g)-i != len(b)-j {
						continue
					}
					if tieOf(g[i], b[j], key) == t {
						p.of[i], p.tie[i], p.used[j] = j, t, true
					}
				}
			}
		}
	}
	for i := range g {
		filler := fillers[spelled(g[i])]
		switch {
		case p.of[i] < 0:
			p.freeG = append(p.freeG, i)
		case p.tie[i] == start:
			p.starts++
		case len(g[i]) == 1:
			p.initials++
		case p.tie[i] == near:
			p.nears++
		case filler:
			p.fillings++
		default:
			p.fulls++
		}
		if p.of[i] >= 0 && p.tie[i] == variant {
			p.variants++
		}
	}
	for j := range b {
		if !p.used[j] {
			p.freeB = append(p.freeB, j)
		}
	}
	return p
}

// tieOf compares two words.
func tieOf(a, b string, key func(string) string) tie {
	switch {
	case a == b:
		return equal
	case len(a) == 1 || len(b) == 1:
		if a[0] == b[0] {
			return start
		}
		return none
	}
	x, y := key(a), key(b)
	for _, t := range joinedTitles {
		if rest, ok := strings.CutPrefix(b, t); ok && len(rest) > 2 && key(rest) == x {
			return variant
		}
	}
	switch {
	case x == y:
		if tripled(a) != tripled(b) {
			return variant
		}
		return equal
	case eastSound(a) == eastSound(b):
		return variant
	}
	return slip(a, b, x, y)
}

// tripled tells a word with a letter too many: a consonant doubled at the end or
// before it, hh, or a vowel doubled at the end that no one writes so.
func tripled(w string) bool {
	return strings.HasSuffix(w, "hh") || strings.HasSuffix(w, "aa") || strings.Contains(w, "hhh")
}
