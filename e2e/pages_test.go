package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestQueryString has the fields of GET and DELETE outside of the body, which
// many clients and proxies drop.
func TestQueryString(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		b := newErrorBook(s, 1)
		gcID, unknown := "?gcId="+b.contactID, "?gcId="+documentedTag
		for _, body := range []string{"", "\n", " \r\n\t ", "{}"} {
			for _, path := range childPaths {
				if r := b.ok(b.c, "GET", path+gcID, body); len(rows(r)) != 1 {
					t.Errorf("GET %s with the body %q: %s", path, body, r.Raw)
				}
			}
			b.ok(b.c, "GET", "/contacts/tag", body)
			b.ok(b.c, "GET", "/contacts/profile", body)
			b.refuse(t, "DELETE without its field", b.request(b.c, "DELETE", "/contacts/tag", body), badField, "The tagId field is required.")
			b.refuse(t, "GET without its field", b.request(b.c, "GET", "/contacts/person", body), badField, "The gcId field is required.")
		}
		// The body wins.
		wantIDs(t, b.ok(b.c, "GET", "/contacts/person"+unknown, m{"gcId": b.contactID}), b.personID)
		b.refuse(t, "GET", b.request(b.c, "GET", "/contacts/person"+gcID, m{"gcId": documentedTag}), noRecord, noRecordFound)
		b.refuse(t, "DELETE", b.request(b.c, "DELETE", "/contacts/profile?contactId="+b.contactID, m{"contactId": documentedTag}), noRecord, noRecordFound)
		// The rules are the same.
		b.refuse(t, "GET", b.request(b.c, "GET", "/contacts/person?gcId=x", nil), badField, "The selected gcId is invalid.")
		b.refuse(t, "GET", b.request(b.c, "GET", "/contacts/person?gcId=", nil), badField, "The gcId field is required.")
		b.refuse(t, "GET", b.request(b.c, "GET", "/contacts/person?GCID="+b.contactID, nil), badField, "The gcId field is required.")
		b.refuse(t, "GET", b.request(b.c, "GET", "/contacts/person?gcId=%zz", nil), badField, anyMessage)
		b.refuse(t, "GET", b.request(b.c, "GET", "/contacts/person?gcId=%ff", nil), badField, anyMessage)
		b.refuse(t, "GET", b.request(b.c, "GET", "/contacts/person"+unknown, nil), noRecord, noRecordFound)
		// Only those two methods take their fields from there.
		b.refuse(t, "POST", b.request(b.c, "POST", "/contacts/tag?name=x&hexColorCode=%23FF1934", "{}"), badField, "The name field is required.")
		b.refuse(t, "POST", b.request(b.c, "POST", "/contacts/tag?name=x&hexColorCode=%23FF1934", ""), badBody, notJSON)
		b.refuse(t, "PATCH", b.request(b.c, "PATCH", "/contacts/tag?tagId="+b.tagID, m{"name": "x", "hexColorCode": "#FF1934"}), badField, "The tagId field is required.")

		b.ok(b.c, "DELETE", "/contacts/person"+gcID+"&personId="+b.personID, nil)
		b.ok(b.c, "DELETE", "/contacts/address"+gcID+"&AddressId=%20"+b.addressID, "\n")
		b.ok(b.c, "DELETE", "/contacts/payment"+gcID+"&paymentId="+b.paymentID+"&unknown=1", "{}")
		b.ok(b.c, "DELETE", "/contacts/business"+gcID, nil)
		for _, path := range childPaths {
			wantIDs(t, b.ok(b.c, "GET", path+gcID, nil))
		}
		b.ok(b.c, "DELETE", "/contacts/profile?contactId="+b.contactID, nil)
		b.ok(b.c, "DELETE", "/contacts/tag?tagId="+b.tagID, nil)
	})
}

// TestContactPages walks a book of 25 contacts, and asks for parts of it.
func TestContactPages(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(1, "LIVE")
		every, third := s.tag(c, "Every"), s.tag(c, "Third")
		var all, thirds []string // newest first
		for i := range 25 {
			tags := []string{every}
			if i%3 == 0 {
				tags = append(tags, third)
			}
			id := s.contact(c, fmt.Sprint("Contact ", i), tags...)
			if all = slices.Insert(all, 0, id); i%3 == 0 {
				thirds = slices.Insert(thirds, 0, id)
			}
		}
		const profile = "/contacts/profile"
		noNext := func(t *testing.T, r reply) {
			t.Helper()
			if r.Header.Values("X-Next-Cursor") != nil || r.Header.Values("Link") != nil {
				t.Errorf("the last page has X-Next-Cursor %q, Link %q", r.Header.Values("X-Next-Cursor"), r.Header.Values("Link"))
			}
		}
		// walk follows next from page to page, and returns the size of each.
		walk := func(t *testing.T, first reply, want []string, next func(reply) reply) (sizes []int) {
			t.Helper()
			var got []string
			for r := first; ; r = next(r) {
				sizes = append(sizes, len(rows(r)))
				for _, row := range rows(r) {
					got = append(got, row["_id"].(string))
				}
				if r.Header.Get("X-Next-Cursor") == "" || len(sizes) > 30 {
					noNext(t, r)
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("the pages have\n%q, want\n%q", got, want)
			}
			return sizes
		}
		inBody := func(r reply) reply {
			return s.ok(c, "GET", profile, m{"limit": 10, "cursor": r.Header.Get("X-Next-Cursor")})
		}
		inQuery := func(r reply) reply {
			return s.ok(c, "GET", profile+"?limit=10&cursor="+url.QueryEscape(r.Header.Get("X-Next-Cursor")), nil)
		}
		byLink := func(r reply) reply {
			link, ok := strings.CutSuffix(r.Header.Get("Link"), `>; rel="next"`)
			target, err := url.Parse(strings.TrimPrefix(link, "<"))
			if !ok || link[0] != '<' || err != nil {
				t.Fatalf("Link: %s", r.Header.Get("Link"))
			}
			base, _ := url.Parse(s.url + profile)
			return s.ok(c, "GET", base.ResolveReference(target).RequestURI(), nil)
		}
		tens := []int{10, 10, 5}

		section(t, s, "whole", func(t *testing.T) {
			r := s.ok(c, "GET", profile, nil)
			wantIDs(t, r, all...)
			noNext(t, r)
		})
		section(t, s, "body", func(t *testing.T) {
			if got := walk(t, s.ok(c, "GET", profile, m{"limit": 10}), all, inBody); !slices.Equal(got, tens) {
				t.Errorf("pages of %d", got)
			}
		})
		section(t, s, "query", func(t *testing.T) {
			if got := walk(t, s.ok(c, "GET", profile+"?limit=10", nil), all, inQuery); !slices.Equal(got, tens) {
				t.Errorf("pages of %d", got)
			}
		})
		section(t, s, "link", func(t *testing.T) {
			if got := walk(t, s.ok(c, "GET", profile+"?limit=10", nil), all, byLink); !slices.Equal(got, tens) {
				t.Errorf("pages of %d", got)
			}
		})
		section(t, s, "limits", func(t *testing.T) {
			for limit, more := range map[int]bool{1: true, 24: true, 25: false, 26: false, 500: false} {
				for _, r := range []reply{s.ok(c, "GET", profile, m{"limit": limit}), s.ok(c, "GET", fmt.Sprint(profile, "?limit=", limit), nil)} {
					wantIDs(t, r, all[:min(limit, 25)]...)
					if got := r.Header.Get("X-Next-Cursor") != "" && r.Header.Get("Link") != ""; got != more {
						t.Errorf("limit %d: a next page is %t, want %t", limit, got, more)
					}
				}
			}
			for _, limit := range []string{"0", "501", "-1", "1.5", "x", "1e1", "99999999999999999999"} {
				if r := s.call(c, "GET", profile+"?limit="+limit, nil); r.Code != "RPI" || !says(r.Status, "~limit") {
					t.Errorf("limit=%s: %s", limit, r.Raw)
				}
			}
		})
		section(t, s, "tag", func(t *testing.T) {
			wantIDs(t, s.ok(c, "GET", profile, m{"tagId": third}), thirds...)
			wantIDs(t, s.ok(c, "GET", profile+"?tagId="+third, nil), thirds...)
			wantIDs(t, s.ok(c, "GET", profile, m{"tagId": every}), all...)
			if got := walk(t, s.ok(c, "GET", profile+"?limit=4&tagId="+third, nil), thirds, byLink); !slices.Equal(got, []int{4, 4, 1}) {
				t.Errorf("pages of %d", got)
			}
			walk(t, s.ok(c, "GET", profile, m{"limit": 3, "tagId": third}), thirds, func(r reply) reply {
				return s.ok(c, "GET", profile, m{"limit": 3, "tagId": third, "cursor": r.Header.Get("X-Next-Cursor")})
			})
			if r := s.call(c, "GET", profile, m{"tagId": "x"}); r.Status != "The selected tagId is invalid." {
				t.Errorf("a bad tagId: %s", r.Raw)
			}
		})
		section(t, s, "one contact", func(t *testing.T) {
			r := s.ok(c, "GET", profile, m{"contactId": all[7]})
			wantIDs(t, r, all[7])
			noNext(t, r)
			if want := rows(s.ok(c, "GET", profile, nil))[7]; fmt.Sprint(rows(r)[0]) != fmt.Sprint(want) {
				t.Errorf("alone it is %v, in the list %v", rows(r)[0], want)
			}
			wantIDs(t, s.ok(c, "GET", profile+"?contactId="+all[8], nil), all[8])
			// The contract does not say whether an unknown one is an empty list.
			const zero = "000000000000000000000000" // an id like any other, and nobody's
			if r := s.call(c, "GET", profile, m{"contactId": zero}); r.Status != noRecordFound {
				t.Errorf("contactId zero: %s", r.Raw)
			}
			if r := s.ok(c, "GET", profile, m{"tagId": zero}); string(r.Data) != "[]" {
				t.Errorf("tagId zero: %s", r.Raw)
			}
			if r := s.call(c, "GET", profile, m{"contactId": documentedTag}); r.Status != noRecordFound && string(r.Data) != "[]" {
				t.Errorf("an unknown contact: %s", r.Raw)
			}
		})
		section(t, s, "cursors", func(t *testing.T) {
			cursor := s.ok(c, "GET", profile, m{"limit": 10}).Header.Get("X-Next-Cursor")
			bad := []string{"x", "AAAA", cursor[:len(cursor)-1], cursor + "A", strings.ToUpper(cursor), all[3]}
			for i, other := range []creds{s.client(1, "SANDBOX"), s.client(2, "LIVE")} {
				tag := s.tag(other, "Every")
				for range 3 {
					s.contact(other, "Other", tag)
				}
				if r := s.call(other, "GET", profile, m{"limit": 1, "cursor": cursor}); r.Code != "RPI" {
					t.Errorf("book %d took another's cursor: %s", i, r.Raw)
				}
				bad = append(bad, s.ok(other, "GET", profile, m{"limit": 1}).Header.Get("X-Next-Cursor"))
			}
			for _, v := range bad {
				if r := s.call(c, "GET", profile, m{"limit": 10, "cursor": v}); r.Code != "RPI" || !says(r.Status, "~cursor") || string(r.Data) != "null" {
					t.Errorf("cursor %q: %s", v, r.Raw)
				}
			}
			// Whoever shares the book shares its cursors.
			if r := s.ok(s.client(1, "LIVE"), "GET", profile, m{"limit": 10, "cursor": cursor}); len(rows(r)) != 10 {
				t.Errorf("another client of the book: %s", r.Raw)
			}
		})
		section(t, s, "while the book changes", func(t *testing.T) {
			first := s.ok(c, "GET", profile, m{"limit": 10})
			s.contact(c, "Newer", every)
			s.ok(c, "DELETE", profile, m{"contactId": all[9]})  // where the cursor stands
			s.ok(c, "DELETE", profile, m{"contactId": all[12]}) // ahead of it
			walk(t, first, slices.Delete(slices.Clone(all), 12, 13), inBody)
		})
	})
}

// TestLargeBook has a book that is more than one page of the largest size.
func TestLargeBook(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		c := s.client(1, "LIVE")
		every, rare := s.tag(c, "Every"), s.tag(c, "Rare")
		oldest := s.contact(c, "Oldest", rare, every)
		const n = 1001
		answers := s.many(n-1, func(i int) *http.Request {
			return s.request(c, "POST", "/contacts/profile", contactBody(fmt.Sprint("Contact ", i), every))
		})
		if answers["TXN Contact Added Successfully <nil>"] != n-1 {
			t.Fatalf("answered %v", answers)
		}
		const profile = "/contacts/profile"
		ids := func(r reply) (list []string) {
			for _, row := range rows(r) {
				list = append(list, row["_id"].(string))
			}
			return list
		}
		all := ids(s.ok(c, "GET", profile, nil))
		falls := slices.IsSortedFunc(all, func(x, y string) int { return strings.Compare(y, x) })
		if len(slices.Compact(slices.Clone(all))) != n || !falls || all[n-1] != oldest {
			t.Errorf("%d contacts are listed, newest first: %t", len(all), falls)
		}
		if got := ids(s.ok(c, "GET", profile, m{"tagId": every})); !slices.Equal(got, all) {
			t.Errorf("%d contacts have the tag that all have", len(got))
		}
		wantIDs(t, s.ok(c, "GET", profile, m{"tagId": rare}), oldest)
		if r := s.ok(c, "GET", profile, m{"tagId": rare, "limit": 1}); r.Header.Get("X-Next-Cursor") != "" || len(rows(r)) != 1 {
			t.Errorf("the one contact with a tag: %s, X-Next-Cursor %q", r.Raw, r.Header.Get("X-Next-Cursor"))
		}
		for _, limit := range []int{500, 333} {
			var got []string
			for body := (m{"limit": limit}); ; {
				r := s.ok(c, "GET", profile, body)
				got = append(got, ids(r)...)
				body["cursor"] = r.Header.Get("X-Next-Cursor")
				if body["cursor"] == "" || len(got) > n {
					break
				}
				if len(rows(r)) != limit {
					t.Errorf("a page of %d contacts, of which more follow", len(rows(r)))
				}
			}
			if !slices.Equal(got, all) {
				t.Errorf("pages of %d have %d contacts, the whole list has %d", limit, len(got), len(all))
			}
		}
	})
}
