package e2e

import (
	"errors"
	"testing"

	"contactbook/client"
)

// TestGoClient keeps a book through the project's own client, from the first tag
// to the last deletion.
func TestGoClient(t *testing.T) {
	onEngines(t, func(t *testing.T, s *server) {
		ctx, who := t.Context(), s.client(7, "LIVE")
		c, err := client.New(s.url, who.ID, who.Secret, client.EndpointIP("203.0.113.7"))
		if err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		tag, err := c.Tags.Add(ctx, client.TagInput{Name: "Vendor", HexColorCode: "#00FF00"})
		must(err)
		var ids []string
		for _, name := range []string{"a", "b", "c"} {
			contact, err := c.Contacts.Add(ctx, client.ContactInput{
				Name: name, Email: name + "@example.com", Mobile: "7428585742", TagIDs: []string{tag.ID},
			})
			must(err)
			ids = append([]string{contact.ID}, ids...)
		}
		i := 0
		for contact, err := range c.Contacts.List(ctx, client.ContactFilter{TagID: tag.ID, PageSize: 2}) {
			must(err)
			if contact.ID != ids[i] {
				t.Errorf("contact %d of the list is %s", i, contact.ID)
			}
			i++
		}
		if i != len(ids) {
			t.Errorf("%d contacts listed", i)
		}

		person, err := c.Persons.Add(ctx, ids[0], client.PersonInput{
			Name: "P", Email: "p@example.com", Mobile: "7428585742", Description: "accounts",
		})
		must(err)
		payment, err := c.Payments.Add(ctx, ids[0], client.PaymentInput{AccountType: client.VPA, UPIID: "7428585742@ybl"})
		must(err)
		must(c.Payments.SetPrimary(ctx, ids[0], payment.ID))
		payments, err := c.Payments.List(ctx, ids[0])
		must(err)
		if len(payments) != 1 || !payments[0].Primary {
			t.Errorf("payments %+v", payments)
		}
		must(c.Persons.Delete(ctx, ids[0], person.ID))
		must(c.Contacts.Delete(ctx, ids[0]))

		_, err = c.Contacts.Get(ctx, ids[0])
		var refused *client.Error
		if !errors.Is(err, client.ErrNotFound) || !errors.As(err, &refused) || refused.Reference == "" || refused.Environment != "LIVE" {
			t.Errorf("a deleted contact: %v", err)
		}
	})
}
