package book

import (
	"context"
	"encoding/base64"
	"iter"
	"net/url"
	"slices"
	"strconv"

	"contactbook/internal/identity"
	"contactbook/internal/store"
	"contactbook/internal/wire"
)

// contact is a payee: whom the user pays or is paid by.
type contact struct {
	store.Meta
	Name, Email, Mobile, CallingCode, Company string
	Tags                                      tagIDs
}

func (*contact) Table() string { return "contact" }

func (p *contact) Key() []store.Col { return []store.Col{{Name: "id", Ptr: &p.ID}} }

func (p *contact) Cols() []store.Col {
	return []store.Col{
		{Name: "name", Ptr: &p.Name}, {Name: "email", Ptr: &p.Email}, {Name: "mobile", Ptr: &p.Mobile},
		{Name: "calling_code", Ptr: &p.CallingCode}, {Name: "company_name", Ptr: &p.Company}, {Name: "tag_ids", Ptr: &p.Tags},
	}
}

type contactIn struct {
	name, email string
	phone       identity.Phone
	company     string
	tags        tagIDs // as sent, repeats and all, so that a fault names its place
}

func (in *contactIn) read(f *form) {
	in.name = f.text("name", must, maxText)
	in.email = f.email("email")
	in.phone = f.phone("mobile", must)
	in.company = f.text("companyName", optional, maxText)
	in.tags = f.tagIDs()
}

// contactBody is what every reply about a contact has.
type contactBody struct {
	UserID      int64  `json:"userId"`
	Name        string `json:"name"`
	Email       string `json:"email"`
	Mobile      string `json:"mobile"`
	CallingCode string `json:"callingCode"`
	Company     string `json:"companyName"`
}

// append appends the fields, the first without a comma.
func (c *contactBody) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, `"userId":`...), c.UserID, 10)
	b = wire.AppendText(b, "name", c.Name)
	b = wire.AppendText(b, "email", c.Email)
	b = wire.AppendText(b, "mobile", c.Mobile)
	b = wire.AppendText(b, "callingCode", c.CallingCode)
	return wire.AppendText(b, "companyName", c.Company)
}

func (p *contact) body(userID int64) contactBody {
	return contactBody{userID, p.Name, p.Email, p.Mobile, p.CallingCode, p.Company}
}

type contactAdded struct {
	contactBody
	dated
	TagIDs tagIDs `json:"tagId"`
}

func (a contactAdded) AppendJSON(b []byte) []byte {
	b = a.contactBody.append(append(b, '{'))
	b = a.dates().append(b)
	b = a.ID.AppendJSON(wire.Field(b, "_id"))
	b = wire.AppendArray(wire.Field(b, "tagId"), a.TagIDs)
	return append(b, '}')
}

func addContact(c *Call, in *contactIn) (any, error) {
	p := contact{
		Meta: c.new(), Name: in.name, Email: in.email, Mobile: in.phone.National, CallingCode: in.phone.CallingCode,
		Company: in.company, Tags: in.tags.unique(),
	}
	err := c.Book.Add(c.Context, &p, func(ctx context.Context, from store.Reader) error {
		return checkTags(ctx, from, in.tags)
	})
	if err != nil {
		return nil, err
	}
	return contactAdded{p.body(c.UserID), dated{p.Updated, p.Created, p.ID}, p.Tags}, nil
}

type contactEdit struct {
	id          wire.ID
	name, email string
	phone       identity.Phone
	tags        tagIDs
	company     *string // nil keeps it
}

func (in *contactEdit) read(f *form) {
	in.id = f.id("contactId")
	in.name = f.text("name", must, maxText)
	in.email = f.email("email")
	in.phone = f.phone("mobile", must)
	in.tags = f.tagIDs()
	in.company = f.edit("companyName", maxText)
}

type contactUpdated struct {
	ID wire.ID `json:"_id"`
	contactBody
	dates
	TagIDs tagIDs `json:"tagId"`
}

func updateContact(c *Call, in *contactEdit) (any, error) {
	var p contact
	err := c.write(func(ctx context.Context, tx *store.Tx) error {
		if err := checkTags(ctx, tx, in.tags); err != nil {
			return err
		}
		p = contact{Meta: store.Meta{ID: in.id}}
		if err := tx.HoldContact(ctx, p.ID); err != nil {
			return err
		}
		if err := store.Get(ctx, tx, &p); err != nil {
			return err
		}
		p.Name, p.Email, p.Mobile, p.CallingCode = in.name, in.email, in.phone.National, in.phone.CallingCode
		p.Tags, p.Updated = in.tags.unique(), c.Now
		keep(&p.Company, in.company)
		return tx.Set(ctx, &p)
	})
	if err != nil {
		return nil, err
	}
	return contactUpdated{p.ID, p.body(c.UserID), dates{p.Updated, p.Created}, p.Tags}, nil
}

// keep changes a value to what was sent, if anything was.
func keep(value *string, sent *string) {
	if sent != nil {
		*value = *sent
	}
}

type contactRef struct{ id wire.ID }

func (in *contactRef) read(f *form) { in.id = f.id("contactId") }

// deleteContact deletes its persons, addresses, business and payments with it.
func deleteContact(c *Call, in *contactRef) (any, error) {
	p := contact{Meta: store.Meta{ID: in.id}}
	return nil, c.write(func(ctx context.Context, tx *store.Tx) error { return tx.Drop(ctx, &p) })
}

// contactsIn asks for a list of contacts: newest first, all of them, or a page.
type contactsIn struct {
	id     *wire.ID // that one contact
	tag    *wire.ID // only contacts with this tag
	limit  int      // of a page; 0 for all
	cursor string
}

const maxPage = 500

func (in *contactsIn) read(f *form) {
	in.id = f.maybeID("contactId")
	in.tag = f.maybeID("tagId")
	in.limit = f.integer("limit", 1, maxPage)
	in.cursor = f.text("cursor", optional, maxText)
}

type contactItem struct {
	ID wire.ID `json:"_id"`
	contactBody
	TagIDs tagIDs   `json:"tagId"`
	Tags   []tagDoc `json:"tags"`
}

func (p contactItem) AppendJSON(b []byte) []byte {
	b = p.ID.AppendJSON(append(b, `{"_id":`...))
	b = p.contactBody.append(append(b, ','))
	b = wire.AppendArray(wire.Field(b, "tagId"), p.TagIDs)
	b = wire.AppendArray(wire.Field(b, "tags"), p.Tags)
	return append(b, '}')
}

type contactItems []contactItem

func (all contactItems) AppendJSON(b []byte) []byte { return wire.AppendArray(b, all) }

func listContacts(c *Call, in *contactsIn) (any, error) {
	walk := contactWalk{call: c, tags: map[wire.ID]*tag{}, tag: in.tag, before: lastID}
	if in.cursor != "" && !walk.resume(in.cursor) {
		return nil, wire.ErrFields([]wire.Fault{wire.NewFault("cursor", "cursor", badChoice)})
	}
	if in.id != nil {
		return walk.one(*in.id)
	}
	if walk.tag != nil {
		if err := walk.load(*walk.tag); err != nil || walk.tags[*walk.tag] == nil {
			return []any{}, err // no contact carries a tag that does not exist
		}
	}
	if in.limit > 0 {
		return walk.page(in.limit)
	}
	return walk.stream(), nil
}

// lastID is above every id that is ever made.
var lastID = wire.ID{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}

// contactWalk goes through a book's contacts, newest first, in chunks, so that
// neither memory nor a read transaction grows with the book.
type contactWalk struct {
	call   *Call
	tag    *wire.ID         // the filter; nil for none
	before wire.ID          // where to go on
	tags   map[wire.ID]*tag // read on the way; nil for one that is gone
}

var contactsBefore = store.NewQuery[contact]("contact list", "where "+store.OfBook+" and id < $2 order by id desc limit $3")

const (
	streamChunk = 100 // rows in memory for each client that reads a list slowly
	filterChunk = 500 // rows to look through for a page of those that match
)

// next reads size more contacts and returns those that match, with their tags
// loaded, and whether the book ended.
func (w *contactWalk) next(size int) (found []contact, end bool, err error) {
	rows, err := contactsBefore.All(w.call.Context, w.call.Book, w.before, size)
	if err != nil {
		return nil, false, err
	}
	if end = len(rows) < size; len(rows) > 0 {
		w.before = rows[len(rows)-1].ID
	}
	if w.tag != nil {
		rows = slices.DeleteFunc(rows, func(p contact) bool { return !slices.Contains(p.Tags, *w.tag) })
	}
	var ids tagIDs
	for i := range rows {
		ids = append(ids, rows[i].Tags...)
	}
	return rows, end, w.load(ids...)
}

// load reads the tags with these ids, each once in a walk.
func (w *contactWalk) load(ids ...wire.ID) error {
	var unread []wire.ID
	for _, id := range ids {
		if _, ok := w.tags[id]; !ok {
			w.tags[id] = nil
			unread = append(unread, id)
		}
	}
	found, err := store.Recall(w.call.Book, unread, func(unknown []wire.ID) ([]tag, error) {
		return findTags(w.call.Context, w.call.Book, unknown)
	})
	for i, t := range found {
		w.tags[unread[i]] = t
	}
	return err
}

// show is a contact with its living tags.
func (w *contactWalk) show(p *contact) contactItem {
	item := contactItem{p.ID, p.body(w.call.UserID), make(tagIDs, 0, len(p.Tags)), make([]tagDoc, 0, len(p.Tags))}
	for _, id := range p.Tags {
		if t := w.tags[id]; t != nil {
			item.TagIDs = append(item.TagIDs, id)
			item.Tags = append(item.Tags, tagDoc{t.ID, tagBody{w.call.UserID, t.Name, t.Color}, dates{t.Updated, t.Created}})
		}
	}
	return item
}

// one is the list of one contact, or of none when it lacks the tag asked for.
func (w *contactWalk) one(id wire.ID) (any, error) {
	p := contact{Meta: store.Meta{ID: id}}
	if err := store.Get(w.call.Context, w.call.Book, &p); err != nil {
		return nil, err
	}
	if err := w.load(p.Tags...); err != nil {
		return nil, err
	}
	if w.tag != nil && (!slices.Contains(p.Tags, *w.tag) || w.tags[*w.tag] == nil) {
		return []any{}, nil
	}
	return contactItems{w.show(&p)}, nil
}

// stream is the whole book, or what of it follows the cursor.
func (w *contactWalk) stream() iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for end := false; !end; {
			var rows []contact
			var err error
			if rows, end, err = w.next(streamChunk); err != nil {
				yield(nil, refusal(err))
				return
			}
			for i := range rows {
				if !yield(w.show(&rows[i]), nil) {
					return
				}
			}
		}
	}
}

// page is at most limit contacts, with headers that lead to the next ones.
func (w *contactWalk) page(limit int) (any, error) {
	size := limit + 1 // one more tells whether there is a next page
	if w.tag != nil {
		size = filterChunk
	}
	var found []contact
	for end := false; !end && len(found) <= limit; {
		var rows []contact
		var err error
		if rows, end, err = w.next(size); err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	if len(found) > limit {
		found = found[:limit]
		w.offer(found[limit-1].ID, limit)
	}
	list := make(contactItems, len(found))
	for i := range found {
		list[i] = w.show(&found[i])
	}
	return list, nil
}

// offer names the page that follows the contact after. A cursor carries its
// filter, sealed for this book.
func (w *contactWalk) offer(after wire.ID, limit int) {
	text, query := after[:], url.Values{"limit": {strconv.Itoa(limit)}}
	if w.tag != nil {
		text = append(text, w.tag[:]...)
		query.Set("tagId", w.tag.String())
	}
	cursor := base64.RawURLEncoding.EncodeToString(w.call.Book.Seal(text))
	query.Set("cursor", cursor)
	w.call.Header.Set("X-Next-Cursor", cursor)
	w.call.Header.Set("Link", `</contacts/profile?`+query.Encode()+`>; rel="next"`)
}

// resume goes on after a cursor; false when it is not one of this book and filter.
func (w *contactWalk) resume(cursor string) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return false
	}
	text, ok := w.call.Book.Unseal(sealed)
	if !ok {
		return false
	}
	w.before = wire.ID(text)
	rest := text[len(wire.ID{}):]
	if len(rest) == 0 {
		return w.tag == nil
	}
	tag := wire.ID(rest)
	if w.tag != nil && *w.tag != tag {
		return false
	}
	w.tag = &tag
	return true
}
