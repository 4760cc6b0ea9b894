package book

import (
	"bytes"
	"testing"
	"time"

	"contactbook/internal/wire"
)

// addContactBody is the documented request; decoding it is measured in wire.
const addContactBody = `{"name":"Sample Name","email":"sample@example.com","mobile":"7428585742",` +
	`"companyName":"Business Name","tagDetails":[{"tagId":"645b280e95335f08eb021aa2"}]}`

func BenchmarkValidateAddContact(b *testing.B) {
	body, err := wire.Decode([]byte(addContactBody))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var in contactIn
		f := form{body: body}
		in.read(&f)
		if len(f.faults) > 0 {
			b.Fatal(f.faults)
		}
	}
}

func BenchmarkEncodeAddContact(b *testing.B) {
	tag, _ := wire.ParseID("645b280e95335f08eb021aa2")
	now := wire.Millis(time.Now().UnixMilli())
	envelope := wire.Envelope{
		Code: wire.TXN, Status: "Contact Added Successfully", Timestamp: wire.Timestamp(time.Now()),
		Reference: wire.Reference(0, time.Now()), Environment: wire.Live,
		Data: contactAdded{
			contactBody{1, "Sample Name", "sample@example.com", "7428585742", "91", "Business Name"},
			dated{now, now, wire.NewIDs(time.Now).New()}, tagIDs{tag},
		},
	}
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buf.Reset()
		if err := wire.Encode(&buf, &envelope); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(buf.Len()))
}
