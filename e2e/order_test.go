package e2e

import (
	"strings"
	"testing"
)

// TestErrorOrder breaks two things or more at once, to see which is told.
func TestErrorOrder(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		wrong := creds{ID: b.c.ID, Secret: strings.Repeat("0", 64)}
		blocked := s.client(1, "SANDBOX", "--allow-ip", "203.0.113.0/24")
		s.mustRun("client", "disable", blocked.ID)
		away := s.client(1, "SANDBOX", "--allow-ip", "203.0.113.0/24")
		const address = "Request made from invalid ip address - 127.0.0.1"
		big := strings.Repeat("x", 257<<10)
		missing := m{"gcId": documentedTag}
		headers := []string{"X-Ipay-Auth-Code", "X-Ipay-Client-Id", "X-Ipay-Client-Secret", "X-Ipay-Endpoint-Ip"}
		for _, v := range []struct {
			name    string
			c       creds
			route   string
			body    any
			without []string
			want    outcome
			message string
		}{
			{"path, then headers", wrong, "POST /contacts/nothing", "{", headers, noPath, unknownMethod},
			{"method, then headers", wrong, "PUT /contacts/tag", "{", headers, noMethod, unknownMethod},
			{"path, then size", b.c, "POST /contacts/nothing", "{}", nil, noPath, unknownMethod},
			{"method, then credentials", wrong, "DELETE /contacts/payment/primary", "{", nil, noMethod, unknownMethod},
			{"the first header", wrong, "POST /contacts/tag", "{", headers, badHeader, "The X-Ipay-Auth-Code header is required."},
			{"the second header", wrong, "POST /contacts/tag", "{", headers[1:], badHeader, "The X-Ipay-Client-Id header is required."},
			{"the third header", wrong, "POST /contacts/tag", "{", headers[2:], badHeader, "The X-Ipay-Client-Secret header is required."},
			{"the last header, then credentials", wrong, "POST /contacts/tag", "{", headers[3:], badHeader, "The X-Ipay-Endpoint-Ip header is required."},
			{"headers, then size", b.c, "POST /contacts/tag", big, headers[3:], badHeader, "The X-Ipay-Endpoint-Ip header is required."},
			{"credentials, then size", wrong, "POST /contacts/tag", big, nil, noClient, credentialsBad},
			{"credentials, then JSON", wrong, "POST /contacts/tag", "{", nil, noClient, credentialsBad},
			{"credentials, then disabled", creds{ID: blocked.ID, Secret: wrong.Secret}, "GET /contacts/tag", "", nil, noClient, credentialsBad},
			{"credentials, then allow-list", creds{ID: away.ID, Secret: wrong.Secret}, "GET /contacts/tag", "", nil, noClient, credentialsBad},
			{"disabled, then allow-list", blocked, "GET /contacts/tag", "", nil, disabled, "Account Blocked, Contact Helpdesk"},
			{"disabled, then JSON", blocked, "POST /contacts/tag", "{", nil, disabled, "Account Blocked, Contact Helpdesk"},
			{"allow-list, then size", away, "POST /contacts/tag", big, nil, badCaller, address},
			{"allow-list, then JSON", away, "POST /contacts/tag", "{", nil, badCaller, address},
			{"allow-list, then fields", away, "DELETE /contacts/profile", m{}, nil, badCaller, address},
			{"size, then JSON", b.c, "POST /contacts/tag", big, nil, bigBody, anyMessage},
			{"size, then fields", b.c, "DELETE /contacts/tag", `{"tagId":"` + big + `"}`, nil, bigBody, anyMessage},
			{"JSON, then fields", b.c, "POST /contacts/person", `{"gcId":"` + documentedTag + `",}`, nil, badBody, notJSON},
			{"JSON, then existence", b.c, "GET /contacts/person", `{"gcId":"` + documentedTag + `"}}`, nil, badBody, notJSON},
			{"fields, then existence", b.c, "POST /contacts/person", missing, nil, badField, "The contactPersonName field is required."},
			{"fields, then the existence of tags", b.c, "PATCH /contacts/profile",
				m{"contactId": b.contactID, "name": "x", "mobile": "7428585742", "tagDetails": tagDetails(documentedTag)}, nil, badField, "The email field is required."},
			{"fields, then a tag's name", b.c, "POST /contacts/tag", m{"name": "Employee", "hexColorCode": "red"}, nil, badField, "The hexColorCode format is invalid."},
			{"fields, then the business", b.c, "POST /contacts/business", m{"gcId": b.contactID, "udyam": "x"}, nil, badField, "The udyam format is invalid."},
			{"fields, then the service", b.c, "POST /contacts/payment", m{"gcId": b.contactID, "accountType": "VPA", "isVerificationOn": true},
				nil, badField, "The upiId field is required."},
			{"the contact, then its person", b.c, "DELETE /contacts/person", with(missing, "personId", documentedTag), nil, noRecord, noRecordFound},
		} {
			r := s.request(v.c, methodOf(v.route), pathOf(v.route), v.body)
			for _, name := range v.without {
				r.Header.Del(name)
			}
			section(t, s, v.name, func(t *testing.T) { b.refuse(t, v.route, r, v.want, v.message) })
		}
	})
}

// mustRun is run of a command that must succeed.
func (s *server) mustRun(args ...string) {
	s.t.Helper()
	if stdout, stderr, code := s.run(args...); code != 0 {
		s.t.Fatalf("%q: exit %d\n%s%s", args, code, stdout, stderr)
	}
}
