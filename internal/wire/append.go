package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// Appender is a value that writes its JSON itself: what the hot replies are made
// of. It must be the same as encoding/json's, which tests compare it with.
type Appender interface {
	AppendJSON(b []byte) []byte
}

// Encode appends v as compact JSON to buf; slashes and non-ASCII stay as they
// are. No newline follows.
func Encode(buf *bytes.Buffer, v any) error {
	b, err := appendAny(buf.AvailableBuffer(), v)
	buf.Write(b)
	return err
}

func appendAny(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case Appender:
		return v.AppendJSON(b), nil
	case *Envelope:
		return v.append(b)
	}
	to := appending(b)
	e := json.NewEncoder(&to)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return b, err
	}
	return to[:len(to)-1], nil // without the encoder's newline
}

// appending is a writer that appends.
type appending []byte

func (b *appending) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// AppendString appends s as a JSON string.
func AppendString(b []byte, s string) []byte {
	beyond := false
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '"', c == '\\', c == 0xe2: // of U+2028 and U+2029, which are escaped too
			return appendEscaped(b, s)
		case c >= utf8.RuneSelf:
			beyond = true
		}
	}
	if beyond && !utf8.ValidString(s) {
		return appendEscaped(b, s)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	b, err := appendAny(b, s)
	if err != nil {
		panic(err) // strings always encode
	}
	return b
}

// AppendJSON appends the id as a string.
func (id ID) AppendJSON(b []byte) []byte {
	b = append(b, '"')
	b = hex.AppendEncode(b, id[:])
	return append(b, '"')
}

// AppendJSON appends the date as MarshalJSON writes it.
func (m Millis) AppendJSON(b []byte) []byte {
	return time.UnixMilli(int64(m)).UTC().AppendFormat(b, `"2006-01-02T15:04:05.000000Z"`)
}

// AppendArray appends the items as a JSON array.
func AppendArray[T Appender](b []byte, items []T) []byte {
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = item.AppendJSON(b)
	}
	return append(b, ']')
}

// Field appends a comma, key, which must need no escape, and a colon.
func Field(b []byte, key string) []byte {
	b = append(b, ',', '"')
	b = append(b, key...)
	return append(b, '"', ':')
}

// AppendInt appends the field key with an integer.
func AppendInt(b []byte, key string, n int64) []byte { return strconv.AppendInt(Field(b, key), n, 10) }

// AppendText appends the field key with a string.
func AppendText(b []byte, key, s string) []byte { return AppendString(Field(b, key), s) }

// append appends the envelope; an error is of its data.
func (e *Envelope) append(b []byte) ([]byte, error) {
	b = AppendString(append(b, `{"statuscode":`...), string(e.Code))
	b = appendMaybe(b, "actcode", e.ActCode)
	b = AppendText(b, "status", e.Status)
	b, err := appendAny(Field(b, "data"), e.Data)
	b = AppendText(b, "timestamp", e.Timestamp)
	b = AppendText(b, "ipay_uuid", e.Reference)
	b = appendMaybe(b, "orderid", e.OrderID)
	b = AppendText(b, "environment", e.Environment)
	b = appendMaybe(b, "internalCode", e.Internal)
	return append(b, '}'), err
}

// appendMaybe appends the field key with a string or null.
func appendMaybe(b []byte, key string, s *string) []byte {
	if s == nil {
		return append(Field(b, key), "null"...)
	}
	return AppendText(b, key, *s)
}
