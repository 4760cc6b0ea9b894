package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// identityFlag is one flag of a contact's business record.
func (s *server) identityFlag(c creds, contact, flag string) any {
	s.t.Helper()
	return rows(s.ok(c, "GET", "/contacts/business", m{"gcId": contact}))[0][flag]
}

// TestVerifiedByHand has a person decide what is pending, while the server runs, and about identities.
func TestVerifiedByHand(t *testing.T) {
	onEnginesWith(t, []string{"--verifier", "manual"}, func(t *testing.T, s *server) {
		c := s.client(7, "LIVE")
		decide := func(want int, args ...string) string {
			t.Helper()
			stdout, stderr, code := s.run(append([]string{"verify", "--user-id", "7", "--environment", "LIVE"}, args...)...)
			if code != want {
				t.Errorf("verify %q: exit %d\n%s%s", args, code, stdout, stderr)
			}
			return stdout + stderr
		}
		p := s.payee(c, m{"accountType": "ACCOUNT", "accountNumber": "000123456789", "accountIfsc": "HDFC0001234", "beneficiaryName": "Asha Sample"})
		wantRefused(t, "before", s.verify(c, p, "one"), "TUP", "Transaction Under Process")
		if list := decide(0); !strings.Contains(list, "one") || !strings.Contains(list, p.payment) || strings.Contains(list, "000123456789") || strings.Contains(list, "Asha") {
			t.Errorf("pending is listed as\n%s", list)
		}
		decide(0, "--ref", "one", "--name", "Sample Asha", "--bank-reference", "313016709903")
		if said := decide(1, "--ref", "one", "--outcome", "invalid"); !strings.Contains(said, "has its answer already") {
			t.Errorf("decided twice: %s", said)
		}
		r := s.verify(c, p, "one")
		if r.Code != "DTX" || r.object()["txnReferenceId"] != "313016709903" || r.OrderID == nil {
			t.Errorf("after it: %s", r.Raw)
		}
		if d := s.detail(c, p); d["isVerified"] != true || d["nameAtBank"] != "Sample Asha" || d["beneficiaryName"] != "Asha Sample" || d["nameMatchScore"].(float64) < 90 {
			t.Errorf("the method is %v", d)
		}
		wantRefused(t, "before", s.verify(c, p, "two"), "TUP", "Transaction Under Process")
		decide(0, "--ref", "two", "--outcome", "invalid")
		wantRefused(t, "after", s.verify(c, p, "two"), "DTX", "Duplicate Transaction")

		// Identities, asked for by the client or not.
		s.ok(c, "POST", "/contacts/business", m{"gcId": p.contact, "pan": samplePAN, "tan": sampleTAN})
		ask := m{"gcId": p.contact, "identity": "tan", "externalRef": "three"}
		wantRefused(t, "TAN", s.call(c, "POST", "/contacts/business/verify", ask), "TUP", "Transaction Under Process")
		decide(0, "--ref", "three", "--name", "ASHA SAMPLE")
		decide(1, "--contact", p.contact, "--pan", "AAOCS6029B", "--name", "ASHA SAMPLE")
		decide(1, "--contact", p.payment, "--pan", samplePAN, "--name", "ASHA SAMPLE")
		if s.identityFlag(c, p.contact, "panVerified") != false || s.identityFlag(c, p.contact, "tanVerified") != true {
			t.Error("another number was verified, or the TAN was not")
		}
		decide(0, "--contact", p.contact, "--pan", samplePAN, "--name", "ASHA SAMPLE")
		if s.identityFlag(c, p.contact, "panVerified") != true {
			t.Error("the PAN is not verified")
		}
	})
}

// TestBusinessVerification has identities verified one by one, and never by a client's own claim.
func TestBusinessVerification(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(1, "SANDBOX")
		contact := s.contact(c, "Asha Sample", s.tag(c, "a"))
		verify := func(ref, identity string) reply {
			t.Helper()
			return s.call(c, "POST", "/contacts/business/verify", m{"gcId": contact, "identity": identity, "externalRef": ref})
		}
		wantRefused(t, "no business", verify("zero", "pan"), "ERR", "No Record Found")
		s.ok(c, "POST", "/contacts/business", m{"gcId": contact, "pan": samplePAN, "cin": "L17110MH1973PLC019786", "panVerified": true})
		wantRefused(t, "no such number", verify("zero", "gstin"), "ERR", "No Record Found")
		wantRefused(t, "no such identity", verify("zero", "name"), "RPI", "The selected identity is invalid.")
		first := verify("one", "pan")
		if o := first.object(); first.Code != "TXN" || first.Status != "Business Verification Successful" || o["number"] != samplePAN || o["poolReferenceId"] != *first.OrderID {
			t.Errorf("answered %s", first.Raw)
		}
		if again := verify("one", "PAN"); again.Code != "DTX" || string(again.Data) != string(first.Data) {
			t.Errorf("a repeat answered %s", again.Raw)
		}
		wantRefused(t, "another identity", verify("one", "cin"), "DTX", "Duplicate Transaction")
		if s.identityFlag(c, contact, "panVerified") != true || s.identityFlag(c, contact, "cinVerified") != false {
			t.Error("the flags are wrong")
		}
		for i, number := range []string{"ZZZPZ9901Z", "ZZZPZ9902Z", "ZZZPZ9903Z"} {
			s.ok(c, "PATCH", "/contacts/business", m{"gcId": contact, "pan": number})
			wantRefused(t, "the reference of another number", verify("one", "pan"), "DTX", "Duplicate Transaction")
			wantRefused(t, number, verify(fmt.Sprint("magic ", i), "pan"), []string{"IAN", "SPD", "FAB"}[i], []string{"Invalid Account Number", "Service Provider Downtime", "Failure at Bank end"}[i])
			if s.identityFlag(c, contact, "panVerified") != false {
				t.Errorf("%s is verified", number)
			}
		}
	})
}
