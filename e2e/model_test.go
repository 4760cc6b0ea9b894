package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"contactbook/e2e/model"
	"contactbook/internal/proof"
	"pgregory.net/rapid"
)

// modelled is a server beside the model of it.
type modelled struct {
	*server
	world *model.World
	creds []creds
}

// newModelled makes three books: of one user in both environments, and of another.
func newModelled(s *server) *modelled {
	d := &modelled{server: s, world: &model.World{}}
	for _, b := range []model.Book{{User: 7, Environment: "LIVE"}, {User: 7, Environment: "SANDBOX"}, {User: 8, Environment: "LIVE"}} {
		d.world.Books = append(d.world.Books, &b)
		d.creds = append(d.creds, s.client(b.User, b.Environment))
	}
	return d
}

// step sends an operation and compares the reply with the model's, byte by byte but for what the server makes: its
// time, its reference, and the ids and dates of records, which the model holds it to afterwards.
func (d *modelled) step(o model.Op, cursor string) (reply, error) {
	method, path := o.Route()
	body := o.Body()
	if cursor != "" {
		body["cursor"] = cursor
	}
	var sent any = body
	if o.Query {
		q := url.Values{}
		for k, v := range body {
			if v != nil {
				q.Set(k, fmt.Sprint(v))
			}
		}
		path, sent = path+"?"+q.Encode(), nil
	}
	start := time.Now()
	a, err := send(d.request(d.creds[o.Book], method, path, sent))
	if err != nil {
		return a, err
	}
	next := a.Header.Get("X-Next-Cursor")
	want, err := d.world.Apply(o, model.Reply{Data: a.Data, Start: start, End: time.Now(), NextCursor: next != ""})
	if err != nil {
		return a, fmt.Errorf("%s\n got %d %s\n but %w", o, a.HTTP, a.Raw, err)
	}
	environment := d.world.Books[o.Book].Environment
	expect := fmt.Sprintf(`{"statuscode":%q,"actcode":null,"status":%q,"data":%s,"timestamp":%q,"ipay_uuid":%q,"orderid":null,"environment":%q,"internalCode":null}`,
		want.Code, want.Status, want.Data, a.Timestamp, a.Reference, environment)
	switch {
	case a.HTTP != 200 || string(bytes.TrimSpace(a.Raw)) != expect:
		err = fmt.Errorf("%s\n got %d %s\nwant 200 %s", o, a.HTTP, a.Raw, expect)
	case !timestampForm.MatchString(a.Timestamp) || !referenceForm.MatchString(a.Reference):
		err = fmt.Errorf("%s: timestamp %q, ipay_uuid %q", o, a.Timestamp, a.Reference)
	case want.Next != (next != "") || want.Next != (a.Header.Get("Link") != ""):
		err = fmt.Errorf("%s: X-Next-Cursor %q, Link %q, but there is another page: %t", o, next, a.Header.Get("Link"), want.Next)
	}
	return a, err
}

var (
	timestampForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`)
	referenceForm = regexp.MustCompile(`^h\d{3}[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-[A-Za-z0-9]{12}$`)
)

// draw draws an operation and does it; a list with a limit is followed to its end.
func (d *modelled) draw(pick model.Source) ([]reply, error) {
	o := d.world.Next(pick)
	cursor := ""
	var all []reply
	for {
		a, err := d.step(o, cursor)
		all = append(all, a)
		if err != nil {
			return all, err
		}
		if cursor = a.Header.Get("X-Next-Cursor"); cursor == "" {
			return all, nil
		}
		var page []struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(a.Data, &page); err != nil || len(page) == 0 {
			return all, fmt.Errorf("%s: an empty page with a next one: %s", o, a.Raw)
		}
		o.After = page[len(page)-1].ID
	}
}

// empty deletes all that the books hold, through the same comparison, and looks.
func (d *modelled) empty() error {
	for i, b := range d.world.Books {
		do := func(name, key, id string) error {
			_, err := d.step(model.Op{Name: name, Book: i, Fields: []model.Field{{Name: key, Send: id, Value: id}}}, "")
			return err
		}
		for len(b.Contacts) > 0 {
			if err := do("deleteContact", "contactId", b.Contacts[0].ID); err != nil {
				return err
			}
		}
		for len(b.Tags) > 0 {
			if err := do("deleteTag", "tagId", b.Tags[0].ID); err != nil {
				return err
			}
		}
		for _, name := range []string{"listContacts", "listTags"} {
			if _, err := d.step(model.Op{Name: name, Book: i}, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

const modelSteps = 60

// TestModel (M1) holds random sequences of all operations in three books against the model.
func TestModel(t *testing.T) {
	// The quick size is the same everywhere; the larger ones look further each time.
	checks, seed := flag.Lookup("rapid.checks").Value, flag.Lookup("rapid.seed").Value
	var from uint64
	switch {
	case seed.String() != "0":
	case proof.Sized() == proof.Quick:
		if err := errors.Join(seed.Set("1"), checks.Set("20")); err != nil {
			t.Fatal(err)
		}
	default:
		_, from = proof.Rand(t)
		if err := seed.Set(fmt.Sprint(from)); err != nil {
			t.Fatal(err)
		}
	}
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := newModelled(start(t, engine))
			// How many checks rapid makes is a flag of the whole test binary: several sequences make one check.
			per := proof.Pick(1, 50, 1000)
			ran, differences := 0, 0
			t.Cleanup(func() {
				if t.Failed() {
					differences = 1 // rapid stops at the first
				}
				proof.Record(t, proof.Figure{ID: "M1", What: fmt.Sprintf("%s, %d sequences of %d operations: differences", engine, ran, modelSteps),
					Target: "0", Got: fmt.Sprint(differences), Met: differences == 0, Seed: from})
			})
			rapid.Check(t, func(r *rapid.T) {
				pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "") }
				for range per {
					if err := d.empty(); err != nil {
						t.Fatal(err) // the state is not what shrinking would start from
					}
					for range modelSteps {
						if _, err := d.draw(pick); err != nil {
							r.Fatal(err)
						}
					}
					ran++
				}
			})
		})
	}
}

// TestModelIsWhole finds every operation of the published description in the model, but for those of a sandbox, which change
// the rules themselves, and those that ask a verifier, whose word no model knows; both have tests of their own.
func TestModelIsWhole(t *testing.T) {
	spec, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found, path := 0, ""
	for _, m := range regexp.MustCompile(`(?m)^  (/\S*):\n|^      operationId: (\w+)$`).FindAllStringSubmatch(string(spec), -1) {
		if m[1] != "" {
			path = m[1]
			continue
		}
		if strings.HasPrefix(path, "/_sandbox/") || strings.HasSuffix(path, "/verify") || m[2] == "live" || m[2] == "ready" || strings.HasPrefix(m[2], "metrics") {
			continue
		}
		if _, ok := model.Routes[m[2]]; !ok {
			t.Errorf("the model does not know %s", m[2])
		}
		found++
	}
	if found != len(model.Routes) {
		t.Errorf("the model has %d operations, openapi.yaml %d", len(model.Routes), found)
	}
}
