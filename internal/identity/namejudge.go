package identity

// class of a word: an initial, a filler, or a word that tells people apart.
type class int

const (
	initial class = iota
	filler
	core
)

func classOf(w string) class {
	switch {
	case len(w) == 1:
		return initial
	case fillers[spelled(w)] || fillers[w]:
		return filler
	}
	return core
}

// strongest is the class of the heaviest of words.
func strongest(all []string, at []int) (most class, any bool) {
	for _, i := range at {
		most, any = max(most, classOf(all[i])), true
	}
	return most, any
}

// judge turns the pairing into a band.
func (p *pairing) judge() band {
	gMost, gLeft := strongest(p.g, p.freeG)
	bMost, bLeft := strongest(p.b, p.freeB)
	switch {
	case p.fulls+p.fillings+p.nears == 0:
		return p.onlyInitials()
	case gLeft && bLeft:
		return p.contradiction(gMost, bMost)
	case gLeft:
		return p.missing(gMost)
	case bLeft:
		return p.missing(bMost)
	}
	return p.complete()
}

// onlyInitials judges where no whole word agrees.
func (p *pairing) onlyInitials() band {
	if len(p.freeG)+len(p.freeB) == 0 && p.starts >= 3 {
		return doubtful
	}
	return different
}

// complete judges where every word has its like.
func (p *pairing) complete() band {
	solid := p.fulls + p.fillings
	switch {
	case p.fulls == 0 && p.fillings > 0 && p.starts > 0:
		return different
	case p.nears > 0 && len(p.g) == 1 && len(p.b) == 1:
		return different
	case p.nears > 1, p.nears > 0 && solid+p.initials == 0:
		return different
	case p.nears > 0, p.variants > 1:
		return doubtful
	case p.exchanged():
		return doubtful
	}
	if p.starts > 0 {
		return p.abbreviated()
	}
	if p.variants > 0 {
		return likely
	}
	return same
}

// abbreviated judges where initials stand for words and nothing is left over.
func (p *pairing) abbreviated() band {
	whole := p.fulls + p.fillings
	first := p.tie[0] == start || p.of[0] >= 0 && p.tie[0] != start && p.startsAt(0)
	last := len(p.g) - 1
	switch {
	case p.variants > 0 || p.nears > 0:
		return doubtful
	case whole >= 2 && p.tie[0] != start && p.tie[last] != start:
		return same // a middle initial between whole names
	case whole >= 2:
		return likely
	case p.starts >= 2:
		return likely // two initials or more, and a name
	case !first:
		return likely // the first name whole, the rest an initial
	}
	// One letter, and a name: in the south it is the father's, elsewhere the first.
	for i, t := range p.tie {
		if t != start && len(p.g[i]) > 1 && isGiven(p.g[i]) {
			return likely
		}
	}
	return doubtful
}

// startsAt tells whether the bank's word at j is tied as or by an initial.
func (p *pairing) startsAt(j int) bool {
	for i, of := range p.of {
		if of == j {
			return p.tie[i] == start
		}
	}
	return false
}

// exchanged tells words whose order makes another person of the same words: the
// first and the middle name before a surname, two initials, names of fathers.
func (p *pairing) exchanged() bool {
	n := len(p.g)
	if n != len(p.b) {
		return false
	}
	swap := func(i, j int) bool { return p.of[i] == j && p.of[j] == i }
	for i := range n {
		for j := i + 1; j < n; j++ {
			if swap(i, j) && len(p.g[i]) == 1 && len(p.g[j]) == 1 && p.g[i] != p.g[j] {
				return true
			}
		}
	}
	switch {
	case n == 2 && swap(0, 1):
		return fathersNames[p.g[0]] && fathersNames[p.g[1]]
	case n == 3 && swap(0, 1) && p.of[2] == 2:
		return classOf(p.g[0]) == core && classOf(p.g[1]) == core && !isSurname(p.b[0]) && !isSurname(p.g[0])
	}
	return false
}

// missing judges where one side has more words, of which the heaviest is most.
func (p *pairing) missing(most class) band {
	whole := p.fulls + p.fillings
	switch {
	case p.fulls == 0 && p.nears == 0:
		if whole >= 2 {
			return likely
		}
		return different
	case p.nears > 0:
		if p.fulls > 0 && p.nears == 1 {
			return doubtful
		}
		return different
	case p.starts > 0:
		switch {
		case p.fulls >= 2 || p.fulls == 1 && p.starts >= 2 && most < core:
			return likely
		case p.fulls == 1 && most < core && whole >= 2:
			return likely
		}
		return doubtful
	case p.variants > 1:
		return doubtful
	case whole >= 2:
		return p.between(most)
	}
	// One whole word agrees.
	switch most {
	case initial:
		if p.variants > 0 || p.initialsShort() {
			return doubtful
		}
		return likely
	case filler:
		if p.singhMissing() {
			return doubtful
		}
		if len(p.freeG)+len(p.freeB) > 1 {
			return doubtful
		}
		return likely
	}
	return doubtful
}

// initialsShort: a surname alone where the other has initials before it.
func (p *pairing) initialsShort() bool {
	for i, of := range p.of {
		if of >= 0 && isSurname(p.g[i]) {
			return true
		}
	}
	return false
}

// between tells a middle initial that only one side has from a part that is missing.
func (p *pairing) between(most class) band {
	if p.variants > 0 || most > initial {
		return likely
	}
	left, all := p.freeG, p.g
	if len(p.freeB) > 0 {
		left, all = p.freeB, p.b
	}
	for _, i := range left {
		if i == 0 || i == len(all)-1 {
			return likely
		}
	}
	return same
}

// singhMissing tells whether Singh or Kaur is what is missing.
func (p *pairing) singhMissing() bool {
	for _, i := range p.freeG {
		if p.g[i] == "singh" || p.g[i] == "kaur" {
			return true
		}
	}
	for _, j := range p.freeB {
		if p.b[j] == "singh" || p.b[j] == "kaur" {
			return true
		}
	}
	return false
}

// contradiction judges where both sides have words that the other lacks.
func (p *pairing) contradiction(gMost, bMost class) band {
	if p.fulls == 0 || p.nears > 0 {
		return different
	}
	if gMost == initial && bMost == initial {
		if p.fulls >= 2 && p.isMiddle() {
			return doubtful
		}
		return different
	}
	if p.isMiddle() && p.firstAgrees() {
		if gMost == initial || bMost == initial {
			return doubtful
		}
		return p.sexes(doubtful)
	}
	// A woman's second word is often replaced.
	if len(p.g) == 2 && len(p.b) == 2 && p.of[0] == 0 && p.tie[0] == equal {
		v, w := spelled(p.g[1]), spelled(p.b[1])
		switch {
		case women[v] && women[w] && v != "kaur" && w != "kaur":
			return doubtful
		case women[v] && w == "singh" && v != "kaur", women[w] && v == "singh" && w != "kaur":
			return doubtful
		}
	}
	return different
}

// sexes lowers a judgement to different where one side's word is a man's and the other's a woman's.
func (p *pairing) sexes(is band) band {
	var man, woman [2]bool
	for _, i := range p.freeG {
		w := spelled(p.g[i])
		man[0], woman[0] = man[0] || men[w], woman[0] || women[w]
	}
	for _, j := range p.freeB {
		w := spelled(p.b[j])
		man[1], woman[1] = man[1] || men[w], woman[1] || women[w]
	}
	if man[0] && woman[1] || woman[0] && man[1] {
		return different
	}
	return is
}

// isMiddle tells whether what is left stands between words that agree, on both sides.
func (p *pairing) isMiddle() bool {
	for _, i := range p.freeG {
		if i == 0 || i == len(p.g)-1 {
			return false
		}
	}
	for _, j := range p.freeB {
		if j == 0 || j == len(p.b)-1 {
			return false
		}
	}
	return true
}

func (p *pairing) firstAgrees() bool {
	last := len(p.g) - 1
	return classOf(p.g[0]) == core && p.of[0] == 0 && p.of[last] == len(p.b)-1 && p.tie[0] >= variant && p.tie[last] >= variant && p.fulls >= 2
}
