package e2e

import "testing"

func TestAddContact(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(189590, "LIVE")
		tag := s.tag(c, "Employee")
		s.contact(c, "Sample Name", tag)
		if r := s.ok(c, "GET", "/contacts/profile", nil); r.Environment != "LIVE" {
			t.Errorf("listed %s", r.Raw)
		} else {
			t.Logf("%s", r.Raw)
		}
	})
}
