package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"contactbook/client"
)

// The examples run against the real program, which the tests start: baseURL,
// clientID and clientSecret are what it printed.

func Example() {
	ctx := context.Background()
	c, err := client.New(baseURL, clientID, clientSecret, client.EndpointIP("203.0.113.7"))
	if err != nil {
		log.Fatal(err)
	}
	tag, err := c.Tags.Add(ctx, client.TagInput{Name: "Employee", HexColorCode: "#FF1934"})
	if err != nil {
		log.Fatal(err)
	}
	contact, err := c.Contacts.Add(ctx, client.ContactInput{
		Name: "Sample Name", Email: "sample@example.com", Mobile: "7428585742",
		CompanyName: "Business Name", TagIDs: []string{tag.ID},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(contact.Name, "of", contact.CompanyName)
	fmt.Printf("+%s %s\n", contact.CallingCode, contact.Mobile)
	// Output:
	// Sample Name of Business Name
	// +91 7428585742
}

func ExampleContactService_List() {
	ctx := context.Background()
	c, err := client.New(baseURL, clientID, clientSecret, client.EndpointIP("203.0.113.7"))
	if err != nil {
		log.Fatal(err)
	}
	tag, err := c.Tags.Add(ctx, client.TagInput{Name: "Vendor", HexColorCode: "#1EB626"})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"Asha", "Bilal", "Chitra"} {
		_, err := c.Contacts.Add(ctx, client.ContactInput{
			Name: name, Email: "sample@example.com", Mobile: "7428585742", TagIDs: []string{tag.ID},
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	// All contacts with the tag, newest first, two to a request.
	for contact, err := range c.Contacts.List(ctx, client.ContactFilter{TagID: tag.ID, PageSize: 2}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(contact.Name, contact.Tags[0].Name)
	}
	// Output:
	// Chitra Vendor
	// Bilal Vendor
	// Asha Vendor
}

func ExampleContactService_Update() {
	ctx := context.Background()
	c, err := client.New(baseURL, clientID, clientSecret, client.EndpointIP("203.0.113.7"))
	if err != nil {
		log.Fatal(err)
	}
	tag, err := c.Tags.Add(ctx, client.TagInput{Name: "Landlord", HexColorCode: "#3BB1CD"})
	if err != nil {
		log.Fatal(err)
	}
	contact, err := c.Contacts.Add(ctx, client.ContactInput{
		Name: "Asha", Email: "asha@example.com", Mobile: "7428585742", CompanyName: "Asha Homes", TagIDs: []string{tag.ID},
	})
	if err != nil {
		log.Fatal(err)
	}
	change := client.ContactUpdate{Name: "Asha Rao", Email: contact.Email, Mobile: contact.Mobile, TagIDs: contact.TagIDs}
	contact, err = c.Contacts.Update(ctx, contact.ID, change)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %q\n", contact.Name, contact.CompanyName) // kept: it was nil

	change.CompanyName = new("") // cleared
	contact, err = c.Contacts.Update(ctx, contact.ID, change)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %q\n", contact.Name, contact.CompanyName)
	// Output:
	// Asha Rao, "Asha Homes"
	// Asha Rao, ""
}

func ExamplePaymentService_SetPrimary() {
	ctx := context.Background()
	c, err := client.New(baseURL, clientID, clientSecret, client.EndpointIP("203.0.113.7"))
	if err != nil {
		log.Fatal(err)
	}
	tag, err := c.Tags.Add(ctx, client.TagInput{Name: "Borrower", HexColorCode: "#FF9123"})
	if err != nil {
		log.Fatal(err)
	}
	contact, err := c.Contacts.Add(ctx, client.ContactInput{
		Name: "Bilal", Email: "bilal@example.com", Mobile: "7428585742", TagIDs: []string{tag.ID},
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Payments.Add(ctx, contact.ID, client.PaymentInput{AccountType: client.VPA, UPIID: "7428585742@ybl"})
	if err != nil {
		log.Fatal(err)
	}
	account, err := c.Payments.Add(ctx, contact.ID, client.PaymentInput{
		AccountType: client.Account, AccountNumber: "7770007428585742", AccountIFSC: "YESB0CMSNOC", BeneficiaryName: "Bilal",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Payments.SetPrimary(ctx, contact.ID, account.ID); err != nil {
		log.Fatal(err)
	}
	payments, err := c.Payments.List(ctx, contact.ID)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range payments {
		fmt.Println(p.AccountType, p.AccountNumber, p.Primary)
	}
	// Output:
	// VPA 7428585742@ybl false
	// ACCOUNT 7770007428585742 true
}

func ExampleError() {
	c, err := client.New(baseURL, clientID, clientSecret, client.EndpointIP("203.0.113.7"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Contacts.Get(context.Background(), "645b283b9b2e242ec80dd5c2")
	fmt.Println(errors.Is(err, client.ErrNotFound))

	_, err = c.Tags.Add(context.Background(), client.TagInput{Name: "Red", HexColorCode: "red"})
	if e, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(e.Code, e.Message, e.Code == client.CodeRPI, errors.Is(e, client.ErrInvalidInput))
		fmt.Println(e.Code.Meaning())
	}
	// Output:
	// true
	// RPI The hexColorCode format is invalid. true true
	// Request Parameters are Invalid or Incomplete
}

func ExampleWithEndpointIP() {
	c, err := client.New(baseURL, clientID, clientSecret)
	if err != nil {
		log.Fatal(err)
	}
	// Each call is made on behalf of the end customer at this address.
	ctx := client.WithEndpointIP(context.Background(), "2001:db8::7")
	_, err = c.Tags.Add(ctx, client.TagInput{Name: "Friend", HexColorCode: "#1EB626"})
	fmt.Println(err)
	// Output:
	// <nil>
}
