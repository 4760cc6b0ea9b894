package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"contactbook/internal/verify"
)

// question is the fields of a verification but for the ids.
func question(ref string) m {
	return m{"externalRef": ref, "latitude": "27.897394", "longitude": "78.088013"}
}

// payee is a contact and one payment method of it.
type payee struct{ contact, payment string }

func (s *server) payee(c creds, method m) payee {
	s.t.Helper()
	contact := s.contact(c, "Asha Sample", s.tag(c, fmt.Sprint("tag ", time.Now().UnixNano())))
	return payee{contact, s.ok(c, "POST", "/contacts/payment", with(method, "gcId", contact)).id()}
}

// verify asks about the payee's method under a reference.
func (s *server) verify(c creds, p payee, ref string, more ...string) reply {
	s.t.Helper()
	return s.call(c, "POST", "/contacts/payment/verify", with(question(ref), "gcId", p.contact, "paymentId", p.payment), more...)
}

// detail is the method as GET shows it with what its verification said.
func (s *server) detail(c creds, p payee) m {
	s.t.Helper()
	for _, row := range rows(s.ok(c, "GET", "/contacts/payment", m{"gcId": p.contact, "expand": "verification"})) {
		if row["_id"] == p.payment {
			return row
		}
	}
	s.t.Fatalf("there is no method %s", p.payment)
	return nil
}

func wantVerified(t *testing.T, what string, r reply) {
	t.Helper()
	pool, _ := r.object()["poolReferenceId"].(string)
	if r.Code != "TXN" || r.Status != "Account Verfication Successful" || r.OrderID == nil || *r.OrderID != pool {
		t.Errorf("%s: answered %s", what, r.Raw)
	}
}

// wantRefused is for a verification that failed, whose data is null.
func wantRefused(t *testing.T, what string, r reply, code, status string) {
	t.Helper()
	if r.HTTP != 200 || r.Code != code || r.Status != status || string(r.Data) != "null" {
		t.Errorf("%s: answered HTTP %d %s, want %s %s with null", what, r.HTTP, r.Raw, code, status)
	}
}

var outcomes = map[verify.Outcome][2]string{
	verify.Pending: {"TUP", "Transaction Under Process"}, verify.Verified: {"TXN", "Account Verfication Successful"},
	verify.Invalid: {"IAN", "Invalid Account Number"}, verify.BankDown: {"SPD", "Service Provider Downtime"},
	verify.BankFailed: {"FAB", "Failure at Bank end"}, verify.DuplicateOf: {"DTX", "Duplicate Transaction"},
}

// magicMethods are the payment methods of one row of the table of magic values, N being n.
func magicMethods(row verify.Magic, n string) []m {
	digits := strings.ReplaceAll(row.Code, "N", n)
	return []m{
		{"accountType": "ACCOUNT", "accountNumber": verify.MagicAccount + digits, "accountIfsc": "HDFC0001234", "beneficiaryName": "Asha Sample"},
		{"accountType": "VPA", "upiId": strings.ReplaceAll(row.VPA, "N", n) + verify.MagicHandle},
		{"accountType": "WALLET", "phoneNumber": verify.MagicPhone + digits},
	}
}

// TestMagicValues has every outcome of docs/sandbox.md's table, by account number, VPA and mobile.
func TestMagicValues(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(1, "SANDBOX")
		for _, row := range verify.MagicTable {
			section(t, s, row.VPA, func(t *testing.T) {
				for i, method := range magicMethods(row, "2") {
					p := s.payee(c, method)
					ref := fmt.Sprint(row.Code, " ", i)
					what := fmt.Sprint(method)
					if row.Waits {
						for range 2 {
							r := s.verify(c, p, ref)
							wantRefused(t, what, r, "TUP", "Transaction Under Process")
							if r.OrderID == nil {
								t.Errorf("%s: pending without an orderid: %s", what, r.Raw)
							}
						}
					}
					r := s.verify(c, p, ref)
					want := outcomes[row.Outcome]
					d := s.detail(c, p)
					if row.Outcome != verify.Verified {
						wantRefused(t, what, r, want[0], want[1])
						if d["isVerified"] != false || d["verifiedAt"] != nil || d["nameAtBank"] != nil || d["nameMatchScore"] != nil {
							t.Errorf("%s: the method is now %v", what, d)
						}
						continue
					}
					wantVerified(t, what, r)
					if score, _ := d["nameMatchScore"].(float64); d["isVerified"] != true || d["verifiedAt"] == nil || (score < 40) != row.Other {
						t.Errorf("%s: the method is now %v", what, d)
					}
				}
			})
		}
	})
}

// TestVerification has the rules of one reference: a repeat gets the first answer, nothing moves twice, and nothing that
// was set once changes.
func TestVerification(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(7, "LIVE")
		vpa := m{"accountType": "VPA", "upiId": "Asha@ybl"}
		p := s.payee(c, vpa)
		first := s.verify(c, p, "one")
		wantVerified(t, "the first", first)
		after := s.detail(c, p)

		section(t, s, "a repeat has the first answer", func(t *testing.T) {
			again := s.verify(c, p, "one")
			if again.Code != "DTX" || again.Status != "Duplicate Transaction" || string(again.Data) != string(first.Data) || again.OrderID == nil || *again.OrderID != *first.OrderID {
				t.Errorf("answered %s, the first was %s", again.Raw, first.Raw)
			}
			problem := s.verify(c, p, "one", "Accept", "application/problem+json")
			if problem.HTTP != 409 || string(problem.Data) != string(first.Data) {
				t.Errorf("as problem details HTTP %d %s", problem.HTTP, problem.Raw)
			}
			if now := s.detail(c, p); fmt.Sprint(now) != fmt.Sprint(after) {
				t.Errorf("the method was %v, and is %v", after, now)
			}
		})
		section(t, s, "another method has null", func(t *testing.T) {
			other := s.payee(c, m{"accountType": "VPA", "upiId": "other@ybl"})
			wantRefused(t, "verify", s.verify(c, other, "one"), "DTX", "Duplicate Transaction")
			r := s.call(c, "POST", "/contacts/payment", with(question("one"), "gcId", other.contact, "accountType", "VPA", "upiId", "third@ybl", "isVerificationOn", true))
			wantRefused(t, "add", r, "DTX", "Duplicate Transaction")
			if n := len(rows(s.ok(c, "GET", "/contacts/payment", m{"gcId": other.contact}))); n != 1 {
				t.Errorf("the contact has %d methods", n)
			}
		})
		section(t, s, "another book knows nothing of it", func(t *testing.T) {
			for _, d := range []creds{s.client(7, "SANDBOX"), s.client(8, "LIVE")} {
				wantVerified(t, d.Environment, s.verify(d, s.payee(d, vpa), "one"))
				wantRefused(t, d.Environment, s.verify(d, p, "two"), "ERR", "No Record Found")
			}
		})
		section(t, s, "the bank's name fills an empty one alone", func(t *testing.T) {
			if after["beneficiaryName"] != "ASHA SAMPLE" || after["nameAtBank"] != "ASHA SAMPLE" || after["accountNumber"] != "Asha@ybl" {
				t.Errorf("the method is %v", after)
			}
			// What was added without a name is added already.
			if r := s.ok(c, "POST", "/contacts/payment", with(vpa, "gcId", p.contact)); r.id() != p.payment {
				t.Errorf("adding it again added %s", r.Raw)
			}
			given := s.payee(c, m{"accountType": "ACCOUNT", "accountNumber": verify.MagicAccount + "04", "accountIfsc": "HDFC0001234", "beneficiaryName": "Asha Sample"})
			wantVerified(t, "another name", s.verify(c, given, "three"))
			if d := s.detail(c, given); d["beneficiaryName"] != "Asha Sample" || d["nameAtBank"] != verify.OtherName || d["accountNumber"] != verify.MagicAccount+"04" || d["accountIfsc"] != "HDFC0001234" {
				t.Errorf("the method is %v", d)
			}
		})
		section(t, s, "the shape of the list is as documented", func(t *testing.T) {
			for _, row := range rows(s.ok(c, "GET", "/contacts/payment", m{"gcId": p.contact})) {
				if row["verifiedAt"] != nil || row["isVerified"] != true {
					t.Errorf("listed as %v", row)
				}
			}
			wantRefused(t, "expand", s.call(c, "GET", "/contacts/payment", m{"gcId": p.contact, "expand": "all"}), "RPI", "The selected expand is invalid.")
		})
		section(t, s, "a method that is gone leaves its reference", func(t *testing.T) {
			s.ok(c, "DELETE", "/contacts/payment", m{"gcId": p.contact, "paymentId": p.payment})
			wantRefused(t, "gone", s.verify(c, p, "one"), "ERR", "No Record Found")
			again := payee{p.contact, s.ok(c, "POST", "/contacts/payment", with(vpa, "gcId", p.contact)).id()}
			wantRefused(t, "another of its number", s.verify(c, again, "one"), "DTX", "Duplicate Transaction")
		})
	})
}

// TestVerificationOnAdd adds and verifies in one call.
func TestVerificationOnAdd(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(1, "SANDBOX")
		contact := s.contact(c, "Asha Sample", s.tag(c, "a"))
		add := func(ref string, method m) reply {
			return s.call(c, "POST", "/contacts/payment", with(with(question(ref), "gcId", contact, "isVerificationOn", true), fieldsOf(method)...))
		}
		good := m{"accountType": "VPA", "upiId": "asha@ybl"}
		first := add("one", good)
		if o := first.object(); first.Code != "TXN" || first.Status != "Payment Method Added Successfully" || o["isVerified"] != true || o["beneficiaryName"] != "ASHA SAMPLE" || first.OrderID != nil {
			t.Errorf("answered %s", first.Raw)
		}
		if again := add("one", good); again.Code != "TXN" || string(again.Data) != string(first.Data) {
			t.Errorf("the repeat answered %s, the first %s", again.Raw, first.Raw)
		}
		r := s.verify(c, payee{contact, first.id()}, "one")
		if r.Code != "DTX" || r.object()["externalRef"] != "one" {
			t.Errorf("verify with its reference answered %s", r.Raw)
		}

		waits := m{"accountType": "VPA", "upiId": "pending1" + verify.MagicHandle}
		pending := add("two", waits)
		if pending.Code != "TUP" || pending.object()["isVerified"] != false {
			t.Errorf("pending: %s", pending.Raw)
		}
		if again := add("two", waits); again.Code != "TXN" || again.id() != pending.id() || again.object()["isVerified"] != true {
			t.Errorf("pending, then: %s", again.Raw)
		}

		wantRefused(t, "invalid", add("three", m{"accountType": "VPA", "upiId": "invalid" + verify.MagicHandle}), "IAN", "Invalid Account Number")
		list := rows(s.ok(c, "GET", "/contacts/payment", m{"gcId": contact}))
		if len(list) != 3 || list[2]["isVerified"] != false {
			t.Errorf("the contact has %v", list)
		}
	})
}

// TestVerificationTogether sends many equal requests at once: one question, one answer.
func TestVerificationTogether(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(1, "SANDBOX")
		p := s.payee(c, m{"accountType": "VPA", "upiId": "asha@ybl"})
		replies := make([]reply, 24)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Add(1)
			go func() {
				defer wg.Done()
				var err error
				if replies[i], err = send(s.request(c, "POST", "/contacts/payment/verify", with(question("one"), "gcId", p.contact, "paymentId", p.payment))); err != nil {
					t.Error(err)
				}
			}()
		}
		wg.Wait()
		codes, orders := map[string]int{}, map[string]int{}
		for _, r := range replies {
			codes[r.Code]++
			if r.OrderID != nil {
				orders[*r.OrderID]++
			}
		}
		if codes["TXN"] != 1 || codes["TXN"]+codes["DTX"]+codes["TUP"] != len(replies) || len(orders) != 1 {
			t.Errorf("answered %v, with the orders %v", codes, orders)
		}
	})
}

// fieldsOf are a map's keys and values as with takes them.
func fieldsOf(o m) (all []any) {
	for k, v := range o {
		all = append(all, k, v)
	}
	return all
}
