package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"contactbook/internal/book"
)

// serverFields sends every key of every reply and every column's name as input, and returns how many there are: what
// the server owns stays its own.
func (x *isolation) serverFields() (sent int) {
	other := x.holders[1]
	names := map[string]bool{"__proto__": true, "id": true, "_rev": true, "environment": true, "sandbox": true, "lenient": true, "primary": true}
	maps.Copy(names, x.replied)
	for name := range x.columns {
		names[name] = true
		names[camelCase(name)] = true
	}
	if len(names) < 50 || !names["isVerified"] || !names["panVerified"] || !names["tenant_id"] || !names["tenantId"] {
		x.Fatalf("only these names were found: %v", slices.Sorted(maps.Keys(names)))
	}
	all := x.dump()
	books := map[string]*holder{}
	for i, op := range book.Ops {
		if op.Method() == http.MethodGet {
			continue
		}
		// A book for each resource, so that little need be compared; with something in it that no request names.
		h := books[resourceAt(op)]
		if h == nil {
			h = x.holder("the tenant of "+resourceAt(op), fmt.Sprintf("delta%dx", i), x.s.client(int64(1000+i), "LIVE"))
			books[resourceAt(op)] = h
		}
		if _, err := h.prepare(op); err != nil {
			x.Fatal(err)
		}
		own, err := h.add("profile", given{})
		if err != nil {
			x.Fatal(err)
		}
		// One value for all names of a request: a text, an id that never was, ids that exist, numbers of another
		// tenant and of another time, flags, a date.
		hostile := []any{
			"hostile", h.never(), other.made["profile"][0], own, other.tenant(), other.creds.UserID,
			int64(978307200000), true, false, "2001-01-01T00:00:00.000000Z",
		}
		known := map[string]bool{}
		for _, f := range op.Fields() {
			for part := range strings.SplitSeq(f.Name, ".*.") {
				known[part] = !ownedByServer.MatchString(part)
			}
		}
		extra := slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool { return known[name] })
		cases := make([]*replay, len(hostile))
		for i, v := range hostile {
			if cases[i], err = h.prepare(op); err != nil {
				x.Fatal(err)
			}
			if v == false { // there must be something to take away
				h.flag(cases[i])
			}
		}
		before := x.dump(h.tenant())
		for i, v := range hostile {
			c, start := cases[i], time.Now()
			r := h.send(op, byBody, soil(c.body, extra, v))
			what := fmt.Sprintf("%s with %v in every other field", op.Route, v)
			if r.Code != "TXN" || r.Status != op.Done {
				x.wrong("%s: %s", what, r.Raw)
				continue
			}
			if id, ok := v.(string); ok && id != own && bytes.Contains(r.Raw, []byte(id)) ||
				v != false && (bytes.Contains(r.Raw, []byte(`erified":true`)) || bytes.Contains(r.Raw, []byte(`rimary":true`))) {
				x.wrong("%s takes it: %s", what, r.Raw)
			}
			h.onlyOwn(what, r)
			after := x.dump(h.tenant())
			h.serverOwned(what, c, r, before, after, start)
			before = after
		}
		all[h.tenant()] = before[h.tenant()]
		x.unchanged(all, op.Route+" with other fields")
	}
	return len(names)
}

// ownedByServer are fields of replies that no operation takes, even if the list of its fields said that it does.
var ownedByServer = regexp.MustCompile(`^(_id|userId|created_at|updated_at|isPrimary|.*[vV]erified)$`)

// flag sets the flags of what a request is about, as a verification would. A primary payment method stays what it is:
// there is one at most.
func (h *holder) flag(c *replay) {
	h.Helper()
	set := 0
	for _, r := range h.dump(h.tenant())[h.tenant()] {
		for i, name := range r.names {
			if _, flag := r.values[i].(bool); !flag || name == "is_primary" || fmt.Sprint(r.col("contact_id")) != c.have["profile"] {
				continue
			}
			id, err := hex.DecodeString(c.have["profile"])
			if err != nil {
				h.Fatal(err)
			}
			query := "update " + r.table + " set " + name + " = true where tenant_id = $1 and contact_id = $2"
			if _, err := h.db.Exec(query, h.tenant(), id); err != nil {
				h.Fatal(err)
			}
			set++
		}
	}
	if owner := resourceAt(c.op); set == 0 && (owner == "business" || owner == "payment") && c.op.Route != "POST /contacts/"+owner {
		h.Fatalf("%s: nothing has a flag", c.op.Route)
	}
}

// camelCase is a column's name as a key would be written.
func camelCase(column string) string {
	parts := strings.Split(column, "_")
	for i := 1; i < len(parts); i++ {
		if parts[i] != "" {
			parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
		}
	}
	return strings.Join(parts, "")
}

// soil adds fields with one value to a request, in the objects within it too.
func soil(body m, extra []string, v any) m {
	body = altered(body, "", nil)
	into := []m{body}
	for _, field := range body {
		if list, ok := field.([]any); ok {
			for _, item := range list {
				if o, ok := item.(map[string]any); ok {
					into = append(into, o)
				}
			}
		}
	}
	for _, o := range into {
		for _, name := range extra {
			o[name] = v
		}
	}
	return body
}

// serverOwned compares the book before and after a request that succeeded.
func (h *holder) serverOwned(what string, c *replay, r reply, before, after dump, start time.Time) {
	h.Helper()
	low, high := start.Add(-time.Second).UnixMilli(), time.Now().Add(time.Second).UnixMilli()
	named := func(id any) bool {
		return slices.Contains(slices.Collect(maps.Values(map[string]string(c.have))), fmt.Sprint(id))
	}
	primary := c.op.Route == "POST /contacts/payment/primary" // the one op that sets a flag
	old, now := before[h.tenant()], after[h.tenant()]
	added := 0
	for key, was := range old {
		is, ok := now[key]
		switch {
		case !ok && (c.op.Method() != http.MethodDelete || !named(was.col("id")) && !named(was.col("contact_id"))):
			h.wrong("%s deleted %s", what, was.text)
		case ok && was.text != is.text:
			if !named(is.col("id")) && !named(is.col("contact_id")) {
				h.wrong("%s changed %s\nto %s", what, was.text, is.text)
			}
			for i, name := range was.names {
				v := was.values[i]
				_, flag := v.(bool)
				if verifies(c.op) && (name == "is_verified" || name == fmt.Sprint(c.body["identity"], "_verified")) {
					flag = false // it is what the op is for
				}
				owned := name == "id" || name == "tenant_id" || name == "contact_id" || name == "created" || flag && !primary
				if owned && v != is.col(name) {
					h.wrong("%s changed %s of %s\nto %v", what, name, was.text, is.col(name))
				}
			}
			if u := is.col("updated").(int64); u < low || u > high {
				h.wrong("%s set updated of %s", what, is.text)
			}
		}
	}
	for key, is := range now {
		if _, ok := old[key]; ok {
			continue
		}
		added++
		if question := verifies(c.op) && is.table == "verification" && named(is.col("contact_id")); !question && (c.op.Route != "POST /contacts/"+resourceAt(c.op) || is.col("id") != r.id()) {
			h.wrong("%s made %s and answered %s", what, is.text, r.Raw)
		}
		for _, name := range []string{"created", "updated"} {
			if at := is.col(name).(int64); at < low || at > high {
				h.wrong("%s set %s of %s", what, name, is.text)
			}
		}
		for i, v := range is.values {
			if v == true || v == "hostile" {
				h.wrong("%s set %s of %s", what, is.names[i], is.text)
			}
		}
	}
	if c.op.Route == "POST /contacts/"+resourceAt(c.op) && added != 1 {
		h.wrong("%s made %d rows", what, added)
	}
}
