package model

import "encoding/json"

// Field is one field of a request: what is sent, and what the contract makes of it.
type Field struct {
	Name  string
	Send  any    // any JSON value
	Omit  bool   // not sent at all
	Value string // as it is kept; empty when it counts as missing
	Fault string // the message of the rule that it breaks
	Code  string // a phone number's calling code
	List  []string
}

// missing tells whether the field counts as not sent.
func (f Field) missing() bool { return f.Fault == "" && f.Value == "" && len(f.List) == 0 }

// Op is one request.
type Op struct {
	Name   string // like addTag: openapi.yaml's operationId
	Book   int    // whose credentials
	Fields []Field
	Query  bool   // the fields go in the query string
	After  string // the id that the page's cursor stands behind
}

// Route is the operation's method and path.
func (o Op) Route() (method, path string) { r := Routes[o.Name]; return r[0], r[1] }

// Routes are all operations.
var Routes = map[string][2]string{
	"addTag": {"POST", "/contacts/tag"}, "updateTag": {"PATCH", "/contacts/tag"},
	"listTags": {"GET", "/contacts/tag"}, "deleteTag": {"DELETE", "/contacts/tag"},
	"addContact": {"POST", "/contacts/profile"}, "updateContact": {"PATCH", "/contacts/profile"},
	"listContacts": {"GET", "/contacts/profile"}, "deleteContact": {"DELETE", "/contacts/profile"},
	"addPerson": {"POST", "/contacts/person"}, "updatePerson": {"PATCH", "/contacts/person"},
	"listPersons": {"GET", "/contacts/person"}, "deletePerson": {"DELETE", "/contacts/person"},
	"addAddress": {"POST", "/contacts/address"}, "updateAddress": {"PATCH", "/contacts/address"},
	"listAddresses": {"GET", "/contacts/address"}, "deleteAddress": {"DELETE", "/contacts/address"},
	"addBusiness": {"POST", "/contacts/business"}, "updateBusiness": {"PATCH", "/contacts/business"},
	"listBusiness": {"GET", "/contacts/business"}, "deleteBusiness": {"DELETE", "/contacts/business"},
	"addPayment": {"POST", "/contacts/payment"}, "listPayments": {"GET", "/contacts/payment"},
	"deletePayment": {"DELETE", "/contacts/payment"}, "setPrimaryPayment": {"POST", "/contacts/payment/primary"},
}

// Body is the request's fields as a JSON object.
func (o Op) Body() map[string]any {
	body := map[string]any{}
	for _, f := range o.Fields {
		if !f.Omit {
			body[f.Name] = f.Send
		}
	}
	return body
}

// String shows the request.
func (o Op) String() string {
	method, path := o.Route()
	body, _ := json.Marshal(o.Body())
	return string(rune('A'+o.Book)) + " " + method + " " + path + " " + string(body)
}

// get returns the field of that name.
func (o Op) get(name string) Field {
	for _, f := range o.Fields {
		if f.Name == name {
			return f
		}
	}
	return Field{Name: name, Omit: true}
}

// optional are the fields that may be missing, wherever they stand.
var optional = map[string]bool{
	"companyName": true, "pan": true, "cin": true, "gstin": true, "tan": true, "udyam": true, "udhyam": true,
	"limit": true, "cursor": true, "isVerificationOn": true,
}

// fault is the message of the first field that breaks a rule; the fields stand in documented order.
func (o Op) fault() string {
	for _, f := range o.Fields {
		switch {
		case f.Fault != "":
			return f.Fault
		case f.missing() && !optional[f.Name] && o.Name != "listContacts":
			return "The " + f.Name + " field is required."
		}
	}
	return ""
}
