package e2e

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/anishathalye/porcupine"
)

// A life is what one contact may have been told and asked, one step at a time: the model that a history of requests is
// held against. It is written from the API's documents alone, and imports nothing of the server.
type life struct {
	There                              bool
	Name, Email, Mobile, Company, Tags string
	Updated                            string // at least
	Business                           bool
	PAN, TAN                           string
	Pay                                [payees]pay
}

// payees is how many UPI addresses a contact may be paid at: few, so that clients meet.
const payees = 3

// pay is one payment method: without an id when it is not there, with ? when the reply that named it was lost.
type pay struct {
	ID      string
	Primary bool
}

// step is one request about one contact.
type step struct {
	Contact string
	Do      string // get, update, delete, business.add, payment.primary ...
	Set     life   // what it writes
	Keeps   bool   // update: leaves Company; business.update: leaves the one that is empty
	Payee   int    // payment.add
	Payment string // payment.delete, payment.primary: the id
}

// told is what its reply said.
type told struct {
	Code    string // TXN, ERR; "" when no reply came
	Taken   bool   // ERR because the business details exist
	Seen    life   // what a TXN showed
	Payment pay    // what payment.add showed
}

// lives checks histories, each contact's for itself.
var lives = porcupine.Model{
	Init: func() any { return life{} },
	Step: func(state, input, output any) (bool, any) {
		return state.(life).take(input.(step), output.(told))
	},
	DescribeOperation: func(input, output any) string {
		return fmt.Sprintf("%s: %s", input.(step), output.(told))
	},
	DescribeState: func(state any) string { return state.(life).String() },
}

// take makes the step: whether the reply may have been that, and what the contact is then.
func (l life) take(s step, t told) (bool, life) {
	after, may := l.after(s)
	switch {
	case t.Code == "": // the reply was lost: done, if it could be
		if may {
			return true, after
		}
		return true, l
	case t.Code == "ERR":
		return !may && t.Taken == (s.Do == "business.add" && l.There), l
	case !may:
		return false, l
	}
	switch s.Do {
	case "add", "update":
		later := t.Seen.Updated >= l.Updated
		after.Updated = t.Seen.Updated
		return later && after.person() == t.Seen.person(), after
	case "get":
		return after.person() == t.Seen.person(), after
	case "business.list":
		return after.Business == t.Seen.Business && after.PAN == t.Seen.PAN && after.TAN == t.Seen.TAN, after
	case "business.add", "business.update":
		return after.PAN == t.Seen.PAN && after.TAN == t.Seen.TAN, after
	case "payment.add":
		return after.Pay[s.Payee].meet(t.Payment), after
	case "payment.list":
		for i := range after.Pay {
			if !after.Pay[i].meet(t.Seen.Pay[i]) {
				return false, l
			}
		}
	}
	return true, after
}

// meet tells whether the method is the one that was shown, and learns its id.
func (p *pay) meet(shown pay) bool {
	if p.ID == "?" && shown.ID != "" {
		p.ID = shown.ID
	}
	return *p == shown
}

// person is what a reply about the contact itself shows.
func (l life) person() [5]string { return [5]string{l.Name, l.Email, l.Mobile, l.Company, l.Tags} }

// after is what the step makes of the contact, and whether it may be done.
func (l life) after(s step) (life, bool) {
	if s.Do == "add" {
		s.Set.There = true
		return s.Set, !l.There
	}
	if !l.There {
		return l, false
	}
	switch s.Do {
	case "update":
		l.Name, l.Email, l.Mobile, l.Tags = s.Set.Name, s.Set.Email, s.Set.Mobile, s.Set.Tags
		if !s.Keeps {
			l.Company = s.Set.Company
		}
	case "delete":
		return life{}, true
	case "business.add":
		may := !l.Business
		l.Business, l.PAN, l.TAN = true, s.Set.PAN, s.Set.TAN
		return l, may
	case "business.update":
		l.PAN, l.TAN = cmp.Or(s.Set.PAN, l.PAN), cmp.Or(s.Set.TAN, l.TAN)
		return l, l.Business
	case "business.delete":
		may := l.Business
		l.Business, l.PAN, l.TAN = false, "", ""
		return l, may
	case "payment.add":
		if l.Pay[s.Payee].ID == "" {
			l.Pay[s.Payee].ID = "?"
		}
	case "payment.delete", "payment.primary":
		at := -1
		for i, p := range l.Pay {
			if p.ID == s.Payment {
				at = i
			}
		}
		if at < 0 {
			return l, false
		}
		if s.Do == "payment.delete" {
			l.Pay[at] = pay{}
			return l, true
		}
		for i := range l.Pay {
			l.Pay[i].Primary = i == at
		}
	}
	return l, true
}

// What follows is for the picture of a history that is wrong.

func (s step) String() string {
	switch s.Do {
	case "add", "update":
		keeps := ""
		if s.Keeps {
			keeps = ", company kept"
		}
		return s.Do + fmt.Sprint(s.Set.person()) + keeps
	case "business.add", "business.update":
		return fmt.Sprintf("%s[%s %s]", s.Do, s.Set.PAN, s.Set.TAN)
	case "payment.add":
		return fmt.Sprintf("%s %d", s.Do, s.Payee)
	}
	return strings.TrimSpace(s.Do + " " + s.Payment)
}

func (t told) String() string {
	switch {
	case t.Code == "":
		return "no reply"
	case t.Code == "ERR" && t.Taken:
		return "already exist"
	case t.Code == "ERR":
		return "no record"
	case t.Payment != pay{}:
		return fmt.Sprint(t.Payment)
	case t.Seen == life{}:
		return t.Code
	}
	return t.Seen.String()
}

func (l life) String() string {
	if l == (life{}) {
		return "none"
	}
	return fmt.Sprintf("%v updated %s; business %v %s %s; payments %v", l.person(), l.Updated, l.Business, l.PAN, l.TAN, l.Pay)
}
