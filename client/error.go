package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is an answer that is not a success: a refusal in the API's own envelope,
// or an answer that is no envelope at all, which is [ErrReply] too.
type Error struct {
	// Code is the statuscode; "" when the answer was no envelope, TXN when it was a
	// success whose data cannot be read.
	Code Code
	// Message is the envelope's status, for people. It names fields, and never
	// repeats their values.
	Message string
	// Reference is the ipay_uuid, by which the server's operator finds the call;
	// "" when there is none: the call was not sent, the answer was no envelope, or
	// it was an empty list where one record was asked for.
	Reference string
	// Op is the method and path of the call, such as "POST /contacts/profile".
	Op string
	// HTTPStatus is 200 for most refusals; 0 where the client itself refuses.
	HTTPStatus int
	// Environment is LIVE or SANDBOX, decided by the credentials; LIVE as long as
	// they were not accepted.
	Environment string
	// RetryAfter is how long the server asks to wait before another try; 0 when it
	// does not say.
	RetryAfter time.Duration

	reply bool            // what came is not of the API
	first json.RawMessage // of CodeDTX: the data of the first answer
}

// Error is the code, the message, and what finds the call in logs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("contactbook: ")
	if e.Code != "" {
		b.WriteString(string(e.Code) + ": ")
	}
	b.WriteString(e.Message)
	var about []string
	if e.Op != "" {
		about = append(about, e.Op)
	}
	if e.HTTPStatus != 0 {
		about = append(about, fmt.Sprintf("HTTP %d", e.HTTPStatus))
	}
	if e.Reference != "" {
		about = append(about, e.Reference)
	}
	if len(about) > 0 {
		b.WriteString(" (" + strings.Join(about, ", ") + ")")
	}
	return b.String()
}

// What an [*Error] is, for errors.Is. One that is none of these has a Code of its
// own.
var (
	// ErrNotFound: the record to act on, or the contact that it belongs to, does
	// not exist in this book.
	ErrNotFound = errors.New("contactbook: no record found")
	// ErrInvalidInput: a field or a header is missing or wrong; Message says which
	// (statuscode RPI).
	ErrInvalidInput = errors.New("contactbook: invalid input")
	// ErrCredentials: the client id is unknown or the secret is wrong (IAC, IAT).
	ErrCredentials = errors.New("contactbook: invalid credentials")
	// ErrBlocked: the client is disabled (AAB, UAD), or it may not be used from the
	// caller's own address.
	ErrBlocked = errors.New("contactbook: access blocked")
	// ErrDuplicate: a tag of that name exists, or the contact has business details
	// already.
	ErrDuplicate = errors.New("contactbook: it exists already")
	// ErrUnavailable: the server takes no calls for now (SPD, USM, or HTTP 429, 502,
	// 503, 504); a later try may succeed. A connection that cannot be made is not
	// one of these: it wraps the error of net/http.
	ErrUnavailable = errors.New("contactbook: unavailable for now")
	// ErrReply: what came back is not a reply of the API, such as a page of a proxy,
	// or has data of another form than documented. A write may have been done.
	ErrReply = errors.New("contactbook: not a reply of the API")
)

// Is tells whether e is what one of the sentinels stands for.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Code == CodeERR && e.Message == noRecord
	case ErrInvalidInput:
		return e.Code == CodeRPI
	case ErrCredentials:
		return e.Code == CodeIAC || e.Code == CodeIAT
	case ErrBlocked:
		return e.Code == CodeAAB || e.Code == CodeUAD ||
			e.Code == CodeERR && strings.HasPrefix(e.Message, "Request made from invalid ip address")
	case ErrDuplicate:
		return e.Code == CodeERR && (e.Message == "The name has already been taken." || e.Message == "Business details already exist.")
	case ErrUnavailable:
		return e.Code == CodeSPD || e.Code == CodeUSM || e.HTTPStatus == http.StatusTooManyRequests || gatewayFailed(e.HTTPStatus)
	case ErrReply:
		return e.reply
	}
	return false
}

const noRecord = "No Record Found"

// gatewayFailed tells statuses that servers in between answer with, too.
func gatewayFailed(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}
