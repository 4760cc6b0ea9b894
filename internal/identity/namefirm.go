package identity

import "slices"

// matchFirms judges where one side at least is a firm.
func matchFirms(g, b *naming) band {
	gl, gw := firmWords(g.holders)
	bl, bw := firmWords(b.holders)
	if len(gw) == 0 || len(bw) == 0 {
		return different
	}
	if last := len(bw) - 1; last > 1 && (bw[last] == "an" || bw[last] == "a") && slices.Contains(fieldSizes, b.length) {
		bw = bw[:last] // of "and"
	}
	gw, bw = joinFirm(gw, bw), joinFirm(bw, gw)
	freeG, freeB := without(gw, bw), without(bw, gw)
	agreed := len(gw) - len(freeG)
	named := 0 // words that agree and are no trade
	for _, w := range gw {
		if trade[w] == "" && !places[w] && !courtesyOfFirm[w] && !slices.Contains(freeG, w) {
			named++
		}
	}
	if named == 0 {
		if b.length > 0 && agreed > 0 && len(freeG)+len(freeB) == 0 {
			return legalBand(gl, bl)
		}
		return different
	}
	switch {
	case len(freeG)+len(freeB) == 0:
		return legalBand(gl, bl)
	case slices.Contains(fieldSizes, b.length) && cut(gw, bw):
		return likely
	case all(freeG, isPlace) && all(freeB, isPlace):
		if len(freeG) > 0 && len(freeB) > 0 || slices.ContainsFunc(slices.Concat(freeG, freeB), func(w string) bool { return w != "india" }) {
			return doubtful
		}
		return min(likely, legalBand(gl, bl))
	case len(freeG) == 0 && all(freeB, isForm), len(freeB) == 0 && all(freeG, isForm):
		return likely
	case g.firm != b.firm && len(freeG) > 0 && len(freeB) > 0:
		return doubtful // a shop, and the one whose surname it bears
	case len(freeG) == 0 || len(freeB) == 0:
		left := slices.Concat(freeG, freeB)
		if slices.Contains(left, "fund") || slices.Contains(left, "trust") {
			return different
		}
		return doubtful
	case named >= 2 && !sameTrades(freeG, freeB):
		return doubtful
	}
	return different
}

// courtesyOfFirm stand before many a firm's name and tell none apart.
var courtesyOfFirm = words("shri sri om jai sai")

// sameTrades tells whether both sides have a trade of their own, which contradict.
func sameTrades(a, b []string) bool {
	isTrade := func(w string) bool { return trade[w] != "" }
	return len(a) == 1 && len(b) == 1 || slices.ContainsFunc(a, isTrade) && slices.ContainsFunc(b, isTrade) && !slices.Contains(a, "hotel") && !slices.Contains(b, "hotel")
}

// firmWords parts the legal form from the rest, each word in its one spelling.
func firmWords(holders [][]string) (form, rest []string) {
	for _, h := range holders {
		for i := 0; i < len(h); i++ {
			w := h[i]
			switch {
			case w == "limited" && i+2 < len(h) && h[i+1] == "liability" && h[i+2] == "partnership":
				form = append(form, "llp")
				i += 2
			case legal[w] != "":
				form = append(form, legal[w])
			case trade[w] != "":
				rest = append(rest, trade[w])
			default:
				if s, ok := shri[w]; ok {
					w = s
				}
				rest = append(rest, sound(w))
			}
		}
	}
	return form, rest
}

var shri = canonical("shri shree sri sree shri")

// legalBand judges firms whose names agree by their legal forms.
func legalBand(g, b []string) band {
	switch {
	case slices.Equal(g, b):
		return same
	case len(g) == 0 || len(b) == 0:
		return likely
	}
	return doubtful
}

// joinFirm joins neighbours that the other side has as one word, and letters.
func joinFirm(a, other []string) []string {
	out := slices.Clone(a)
	for i := 0; i+1 < len(out); i++ {
		if w := out[i] + out[i+1]; slices.Contains(other, w) {
			out[i] = w
			out = slices.Delete(out, i+1, i+2)
			i--
		}
	}
	return out
}

func without(a, b []string) []string {
	var left []string
	rest := slices.Clone(b)
	for _, w := range a {
		if i := slices.Index(rest, w); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
			continue
		}
		left = append(left, w)
	}
	return left
}

// cut tells whether b is the beginning of g, its last word whole or in part.
func cut(g, b []string) bool {
	if len(b) < 3 || len(b) > len(g) {
		return false
	}
	last := len(b) - 1
	return slices.Equal(g[:last], b[:last]) && len(b[last]) <= len(g[last]) && g[last][:len(b[last])] == b[last]
}

func isPlace(w string) bool { return places[w] }
func isForm(w string) bool  { return w == "company" || w == "india" }

func all(words []string, is func(string) bool) bool {
	for _, w := range words {
		if !is(w) {
			return false
		}
	}
	return true
}
