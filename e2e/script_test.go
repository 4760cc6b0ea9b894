package e2e

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"contactbook/e2e/model"
	"contactbook/internal/proof"
)

// TestSameScript (M3) does one script of operations on every engine. The replies must be equal byte by byte, but for times,
// references and ids; each id stands for itself throughout. Every reply is compared with the model's too.
func TestSameScript(t *testing.T) {
	t.Parallel()
	length := proof.Pick(300, 20_000, 20_000)
	random, from := rand.New(rand.NewPCG(1, 1)), uint64(0) // at the quick size the script is the same everywhere
	if proof.Sized() != proof.Quick {
		random, from = proof.Rand(t)
	}
	seed := random.Uint64()
	var sides []*side
	for _, engine := range engines {
		random := rand.New(rand.NewPCG(seed, 1))
		sides = append(sides, &side{modelled: newModelled(start(t, engine)), pick: random.IntN, names: map[string]string{}})
	}
	for i := range length {
		var first []string
		for _, s := range sides {
			replies, err := s.draw(s.pick)
			if err != nil {
				t.Fatalf("operation %d on %s: %v", i, s.engine, err)
			}
			var said []string
			for _, r := range replies {
				said = append(said, s.normal(r))
			}
			if first == nil {
				first = said
			} else if fmt.Sprint(first) != fmt.Sprint(said) {
				t.Fatalf("operation %d:\n%s\n%q\n%s\n%q", i, sides[0].engine, first, s.engine, said)
			}
		}
	}
	proof.Record(t, proof.Figure{ID: "M3", What: fmt.Sprintf("%d operations on each of %s: replies that differ, by one from another or from the model", length, strings.Join(engines, ", ")),
		Target: "0", Got: "0", Met: true, Seed: from})
}

// side is one engine's run of the script.
type side struct {
	*modelled
	pick  model.Source
	names map[string]string // id to its place in the order of appearance
}

var (
	idInText   = regexp.MustCompile(`"[0-9a-f]{24}"`)
	dateInText = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"`)
)

// normal is a reply with ids by their order of appearance and without times.
func (s *side) normal(r reply) string {
	text := dateInText.ReplaceAllString(r.stable(), `"DATE"`)
	return idInText.ReplaceAllStringFunc(text, func(id string) string {
		if s.names[id] == "" {
			s.names[id] = fmt.Sprintf(`"id %d"`, len(s.names))
		}
		return s.names[id]
	})
}
