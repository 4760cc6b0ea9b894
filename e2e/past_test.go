package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// past is what clients wrote, record by record, with the moment at which each write was sent and the one at which its
// acknowledgement came. now tells the moment: of a disk, or of nothing in particular.
type past struct {
	now func() int

	mu      sync.Mutex
	records map[string][]version // by kind and name
	acks    []int
	failed  map[string]int // by statuscode, or "connection"
}

// version is a record's content from a write on; an empty one is its absence.
type version struct {
	content     string
	sent, acked int // acked: never until it is positive
}

func newPast(now func() int) *past {
	return &past{now: now, records: map[string][]version{}, failed: map[string]int{}}
}

// write sends a request that is to change the records as changes says, and notes what came of it. A reply of SPD says
// that nothing was done.
func (p *past) write(r *http.Request, changes map[string]string) (reply, error) {
	p.mu.Lock()
	for name, content := range changes {
		p.records[name] = append(p.records[name], version{content: content, sent: p.now()})
	}
	p.mu.Unlock()
	got, err := send(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		p.failed["connection"]++
		return got, err
	case got.Code == "TXN":
		at := p.now()
		for name := range changes {
			all := p.records[name]
			all[len(all)-1].acked = at
		}
		p.acks = append(p.acks, at)
		return got, nil
	case got.Code == "SPD":
		for name := range changes {
			p.records[name] = p.records[name][:len(p.records[name])-1]
		}
	}
	p.failed[got.Code]++
	return got, fmt.Errorf("%s %s: %d %s", r.Method, r.URL.Path, got.HTTP, got.Raw)
}

// compare says what is wrong with what was found, by kind and name: what was acknowledged at the moment acked must be
// there, and nothing that was not sent at the moment sent. It tells how many records were acknowledged.
func (p *past) compare(found map[string]string, acked, sent int) (wrong []string, known int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, versions := range p.records {
		may := []string{""}
		for _, v := range versions {
			if v.acked > 0 && v.acked <= acked {
				may = may[:0]
				known++
			}
			if v.sent <= sent {
				may = append(may, v.content)
			}
		}
		if got := found[name]; !slices.Contains(may, got) {
			wrong = append(wrong, fmt.Sprintf("%s is %q and must be one of %q", name, got, may))
		}
	}
	for name := range found {
		if p.records[name] == nil {
			wrong = append(wrong, name+" was never sent")
		}
	}
	return wrong, known
}

// author is a client that writes records of its own, one after another.
type author struct {
	*past
	*rand.Rand
	s        *server
	creds    creds
	name     string
	tag      string // carried by its contacts
	contacts []*authored
	tags     []*authored
	n        int
}

// authored is a record that lives, as its author knows it.
type authored struct {
	id, name string
	below    []*authored
}

// step does one write of some kind. A record whose outcome is not known is let go.
func (a *author) step() error {
	a.n++
	value := fmt.Sprintf("%s %d", a.name, a.n)
	mobile := fmt.Sprint(7_000_000_000 + a.IntN(1_000_000_000))
	long := strings.Repeat("lorem ipsum ", a.IntN(18)) + value
	contact := m{"name": "contact " + value, "email": "a@example.com", "mobile": mobile, "companyName": long, "tagDetails": []m{{"tagId": a.tag}}}
	contactText := strings.Join([]string{"a@example.com", mobile, long, a.tag}, "|")
	person := m{"contactPersonName": "person " + value, "email": "p@example.com", "mobile": mobile, "description": long}
	personText := strings.Join([]string{"p@example.com", mobile, long}, "|")
	color := fmt.Sprintf("#%06X", a.IntN(1<<24))
	switch pick := a.IntN(10); {
	case pick < 3 || len(a.contacts) == 0:
		got, err := a.write(a.s.request(a.creds, "POST", "/contacts/profile", contact), map[string]string{"contact contact " + value: contactText})
		if err == nil {
			a.contacts = append(a.contacts, &authored{id: got.id(), name: "contact " + value})
		}
		return err
	case pick < 5:
		of := a.contacts[a.IntN(len(a.contacts))]
		person["gcId"] = of.id
		got, err := a.write(a.s.request(a.creds, "POST", "/contacts/person", person), map[string]string{"person person " + value: personText})
		if err == nil {
			of.below = append(of.below, &authored{id: got.id(), name: "person " + value})
		}
		return err
	case pick < 7:
		i := a.IntN(len(a.contacts))
		of := a.contacts[i]
		contact["contactId"], contact["name"] = of.id, of.name
		_, err := a.write(a.s.request(a.creds, "PATCH", "/contacts/profile", contact), map[string]string{"contact " + of.name: contactText})
		if err != nil {
			a.contacts = slices.Delete(a.contacts, i, i+1)
		}
		return err
	case pick == 7 && len(a.contacts) > 2:
		i := a.IntN(len(a.contacts))
		of := a.contacts[i]
		gone := map[string]string{"contact " + of.name: ""}
		for _, p := range of.below {
			gone["person "+p.name] = ""
		}
		a.contacts = slices.Delete(a.contacts, i, i+1)
		_, err := a.write(a.s.request(a.creds, "DELETE", "/contacts/profile", m{"contactId": of.id}), gone)
		return err
	case pick == 8 && len(a.tags) > 0:
		i := a.IntN(len(a.tags))
		of := a.tags[i]
		var err error
		if a.IntN(3) == 0 {
			_, err = a.write(a.s.request(a.creds, "DELETE", "/contacts/tag", m{"tagId": of.id}), map[string]string{"tag " + of.name: ""})
		} else if _, err = a.write(a.s.request(a.creds, "PATCH", "/contacts/tag", m{"tagId": of.id, "name": of.name, "hexColorCode": color}), map[string]string{"tag " + of.name: color}); err == nil {
			return nil
		}
		a.tags = slices.Delete(a.tags, i, i+1)
		return err
	default:
		got, err := a.write(a.s.request(a.creds, "POST", "/contacts/tag", m{"name": "tag " + value, "hexColorCode": color}), map[string]string{"tag tag " + value: color})
		if err == nil {
			a.tags = append(a.tags, &authored{id: got.id(), name: "tag " + value})
		}
		return err
	}
}

// authors makes some, each with a source of its own, on one book.
func authors(s *server, c creds, p *past, r *rand.Rand, number int) []*author {
	all := make([]*author, number)
	for i := range all {
		name := fmt.Sprintf("base %d", i)
		got, err := p.write(s.request(c, "POST", "/contacts/tag", m{"name": name, "hexColorCode": "#FF1934"}), map[string]string{"tag " + name: "#FF1934"})
		if err != nil {
			s.t.Fatal(err)
		}
		all[i] = &author{past: p, Rand: rand.New(rand.NewPCG(r.Uint64(), 0)), s: s, creds: c, name: fmt.Sprint("of ", i), tag: got.id()}
	}
	return all
}

// recordsIn are the records of a SQLite file, by kind and name, in the words of an author.
func recordsIn(db *sql.DB) (map[string]string, error) {
	found := map[string]string{}
	for _, query := range []string{
		"select 'contact', name, email || '|' || mobile || '|' || company_name || '|' || lower(hex(tag_ids)) from contact",
		"select 'person', name, email || '|' || mobile || '|' || description from person",
		"select 'tag', name, hex_color_code from tag",
	} {
		rows, err := db.Query(query)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var kind, name, content string
			if err := rows.Scan(&kind, &name, &content); err != nil {
				return nil, err
			}
			if _, ok := found[kind+" "+name]; ok {
				return nil, fmt.Errorf("%s %s is there twice", kind, name)
			}
			found[kind+" "+name] = content
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
		rows.Close()
	}
	return found, nil
}

// recordsShown are the records that a server shows a client.
func recordsShown(s *server, c creds) map[string]string {
	s.t.Helper()
	found := map[string]string{}
	var contacts []contactShown
	var tags []tagShown
	read := func(path string, body m, into any) {
		s.t.Helper()
		if err := json.Unmarshal(s.ok(c, "GET", path, body).Data, into); err != nil {
			s.t.Fatal(err)
		}
	}
	read("/contacts/profile", m{}, &contacts)
	read("/contacts/tag", m{}, &tags)
	for _, t := range tags {
		found["tag "+t.Name] = t.Color
	}
	for _, p := range contacts {
		found["contact "+p.Name] = strings.Join([]string{p.Email, p.Mobile, p.Company, strings.Join(p.TagIDs, "")}, "|")
		var persons []personShown
		read("/contacts/person", m{"gcId": p.ID}, &persons)
		for _, p := range persons {
			found["person "+p.Name] = strings.Join([]string{p.Email, p.Mobile, p.Description}, "|")
		}
	}
	return found
}
