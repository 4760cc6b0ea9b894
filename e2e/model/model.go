// Package model is a contact book in plain Go slices, written from the wire contract alone: what a server must answer
// to any operation in any state. Tests compare the real one with it, so it imports nothing of the server.
//
// Ids and dates are the server's to choose. The model takes them from a reply and holds the server to them from then on.
package model

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// World is every book of a server.
type World struct {
	Books []*Book
	last  string   // the highest id given, in any book
	gone  []string // ids of what was deleted
}

// Book is one user's records in one environment, each slice in the order of creation.
type Book struct {
	User        int64
	Environment string
	Tags        []*Tag
	Contacts    []*Contact
	refs        map[string]reference // externalRef to what was verified under it
}

// reference is one verification.
type reference struct {
	contact *Contact
	payment *Child
}

// Tag is a tag.
type Tag struct {
	Name, Color string
	stamp
}

// Contact is a contact with everything below it.
type Contact struct {
	Name, Email, Mobile, Code, Company string
	Tags                               []*Tag
	Persons, Addresses, Payments       []*Child
	Business                           *Child
	stamp
}

// Child is a record below a contact: its values by field.
type Child struct {
	Values   map[string]string
	Primary  bool
	Verified bool
	bank     string // whom the bank has for it
	stamp
}

// stamp is what the server makes of a record. Where updated is empty a reply has not shown it yet: it lies in the window.
type stamp struct {
	ID, created, updated string
	from, to             string
}

// Reply is what the server answered, and when.
type Reply struct {
	Data       json.RawMessage
	Start, End time.Time
	NextCursor bool
}

// Want is what it must answer.
type Want struct {
	Code, Status string
	Data         string // compact JSON
	Next         bool   // there is another page
}

var idForm, dateForm = regexp.MustCompile(`^[0-9a-f]{24}$`), regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000Z$`)

// date writes a time as records carry it: cut to the millisecond.
func date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000") + "000Z" }

// Within tells whether a date lies in the time of a request.
func (r Reply) within(d string) bool {
	return dateForm.MatchString(d) && date(r.Start) <= d && d <= date(r.End)
}

// made takes the id and dates of a new record from the reply.
func (w *World) made(r Reply) (stamp, error) {
	s, err := w.madeAndChanged(r)
	if err == nil && s.created != s.updated {
		return s, fmt.Errorf("created_at %s is not updated_at %s", s.created, s.updated)
	}
	return s, err
}

// madeAndChanged is made for a record that may have been changed before the reply.
func (w *World) madeAndChanged(r Reply) (stamp, error) {
	var s struct {
		ID      string `json:"_id"`
		Created string `json:"created_at"`
		Updated string `json:"updated_at"`
	}
	if err := json.Unmarshal(r.Data, &s); err != nil || !idForm.MatchString(s.ID) {
		return stamp{}, fmt.Errorf("no record with an _id: %s", r.Data)
	}
	if s.ID <= w.last {
		return stamp{}, fmt.Errorf("the id %s is not above %s, which was given before", s.ID, w.last)
	}
	if s.Created > s.Updated || !r.within(s.Created) || !r.within(s.Updated) {
		return stamp{}, fmt.Errorf("created_at %s, updated_at %s: not both in %s to %s", s.Created, s.Updated, date(r.Start), date(r.End))
	}
	w.last = s.ID
	return stamp{ID: s.ID, created: s.Created, updated: s.Updated}, nil
}

// touch says that a reply which does not show it changed updated_at.
func (s *stamp) touch(r Reply) {
	s.from, s.to = max(date(r.Start), s.updated, s.from), date(r.End)
	s.updated = ""
}

// learn takes updated_at from the item of a list, where it was not known.
func (s *stamp) learn(seen map[string]string) error {
	if s.updated != "" {
		return nil
	}
	d, ok := seen[s.ID]
	if !ok {
		return fmt.Errorf("%s is not listed", s.ID)
	}
	if !dateForm.MatchString(d) || d < s.from || d > s.to {
		return fmt.Errorf("%s has updated_at %s, not in %s to %s", s.ID, d, s.from, s.to)
	}
	s.updated = d
	return nil
}

// updates collects updated_at by _id, at any depth.
func updates(data json.RawMessage) map[string]string {
	seen := map[string]string{}
	var v any
	if json.Unmarshal(data, &v) != nil {
		return seen
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if id, ok := v["_id"].(string); ok {
				if d, ok := v["updated_at"].(string); ok {
					seen[id] = d
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return seen
}

// find returns the contact of that id.
func (b *Book) find(id string) *Contact {
	for _, c := range b.Contacts {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (b *Book) tag(id string) *Tag {
	for _, t := range b.Tags {
		if t.ID == id {
			return t
		}
	}
	return nil
}

func child(of []*Child, id string) *Child {
	for _, c := range of {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// taken tells whether another tag than id has the name.
func (b *Book) taken(name, id string) bool {
	return slices.ContainsFunc(b.Tags, func(t *Tag) bool { return t.ID != id && strings.EqualFold(t.Name, name) })
}

// object writes keys and values as compact JSON, in that order.
func object(pairs ...any) string {
	var out strings.Builder
	out.WriteByte('{')
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(text(pairs[i].(string)) + ":")
		switch v := pairs[i+1].(type) {
		case string:
			out.WriteString(text(v))
		case raw:
			out.WriteString(string(v))
		default:
			fmt.Fprint(&out, v)
		}
	}
	out.WriteByte('}')
	return out.String()
}

// raw is JSON already.
type raw string

func text(s string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.Encode(s)
	return strings.TrimSuffix(out.String(), "\n")
}

func array(items []string) string { return "[" + strings.Join(items, ",") + "]" }
