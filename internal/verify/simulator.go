package verify

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
)

// Simulator answers by what is asked, and moves nothing: magic values have the
// outcomes of docs/sandbox.md, every other value is verified. It keeps nothing,
// so each server answers alike.
type Simulator struct{}

func (Simulator) Name() string { return "simulator" }

// Magic is one row of the table of magic values. Digits end account numbers,
// phone numbers and identities; the VPA's handle is MagicHandle.
type Magic struct {
	Code    string // the last two digits; N stands for 1 to 9
	VPA     string // the part before the @; N likewise
	Outcome Outcome
	Other   bool // the bank has another's name
	Waits   bool // N asks are pending first
}

// MagicTable has every outcome.
var MagicTable = []Magic{
	{Code: "01", VPA: "invalid", Outcome: Invalid},
	{Code: "02", VPA: "down", Outcome: BankDown},
	{Code: "03", VPA: "failed", Outcome: BankFailed},
	{Code: "04", VPA: "mismatch", Outcome: Verified, Other: true},
	{Code: "05", VPA: "duplicate", Outcome: DuplicateOf},
	{Code: "06", VPA: "pending", Outcome: Pending},
	{Code: "1N", VPA: "pendingN", Outcome: Verified, Waits: true},
}

// Where magic values begin. An identity is magic by the digits in it.
const (
	MagicAccount  = "9999000000" // and two digits
	MagicPhone    = "99990000"   // and two digits
	MagicHandle   = "@magic"
	MagicIdentity = "99" // and two digits, where the identity has its last four
)

// OtherName is whom the bank has for a magic value that does not match.
const OtherName = "ZZYZX QUUXWORTH"

// Ask answers at once.
func (Simulator) Ask(_ context.Context, q Question) (Answer, error) {
	m, n := magicOf(q)
	a := Answer{Outcome: m.Outcome, Name: strings.ToUpper(q.Name)}
	if m.Waits && q.Again < n {
		a.Outcome = Pending
	}
	if a.Outcome != Verified {
		return Answer{Outcome: a.Outcome}, nil
	}
	if m.Other {
		a.Name = OtherName
	}
	h := fnv.New64a()
	h.Write([]byte(q.Reference))
	a.BankReference = fmt.Sprintf("%012d", binary.BigEndian.Uint64(h.Sum(nil))%1_000_000_000_000)
	a.Value = 100
	a.Pool = Pool{Account: "9000000000", Opening: 10000, Charge: 218, Closing: 9782}
	a.Payer = Party{Account: "9000000000", Name: "Sandbox"}
	return a, nil
}

// magicOf finds the row of a question, and the N of it; any other value is verified.
func magicOf(q Question) (Magic, int) {
	code, isVPA := "", q.Kind == "VPA"
	switch q.Kind {
	case "ACCOUNT":
		code = after(q.Number, MagicAccount)
	case "WALLET":
		code = after(q.Number, MagicPhone)
	case "VPA":
		code, isVPA = strings.CutSuffix(strings.ToLower(q.Number), MagicHandle)
		if !isVPA {
			code = ""
		}
	default:
		code = after(lastFour(q), MagicIdentity)
	}
	for _, m := range MagicTable {
		pattern := m.Code
		if isVPA {
			pattern = m.VPA
		}
		if code == pattern && !m.Waits {
			return m, 0
		}
		stem := strings.TrimSuffix(pattern, "N")
		if n := strings.TrimPrefix(code, stem); m.Waits && code == stem+n && len(n) == 1 && n >= "1" && n <= "9" {
			return m, int(n[0] - '0')
		}
	}
	return Magic{Outcome: Verified}, 0
}

// after is the two digits behind a beginning, of a value that has no more.
func after(s, beginning string) string {
	if rest, ok := strings.CutPrefix(s, beginning); ok && len(rest) == 2 {
		return rest
	}
	return ""
}

// lastFour are the last four digits of an identity's number: of a GSTIN those of
// the PAN in it.
func lastFour(q Question) string {
	s := q.Number
	if q.Kind == GSTIN && len(s) == 15 {
		s = s[2:12]
	}
	s = strings.TrimRight(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	return s[max(0, len(s)-4):]
}
