package wire

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is a refusal as the client sees it. Whatever else happens inside the
// server reaches the client as Internal.
type Error struct {
	Code    Code
	Message string
	// Status is the true HTTP status, which problem+json always carries. The
	// envelope carries it only when Loud: where an HTTP intermediary must act.
	Status int
	Loud   bool
	// RetryAfter, in seconds, becomes the header of that name when positive.
	RetryAfter int
	// Data and OrderID go where a success has them: DTX alone has data.
	Data    any
	OrderID string
	// Faults has every failed field, in documented order; Message is the first's.
	Faults []Fault
}

// Fault is one failed rule of one input field.
type Fault struct {
	Pointer string `json:"pointer"` // RFC 6901, "" for the body itself
	Rule    string `json:"rule"`    // required, string, format, max ...
	Message string `json:"message"`
}

func (e *Error) Error() string { return string(e.Code) + " " + e.Message }

// The refusals that are the same everywhere. Values, never changed.
var (
	ErrCredentials = &Error{Code: IAC, Message: "Invalid Dealer Credentials", Status: http.StatusUnauthorized}
	ErrDisabled    = &Error{Code: AAB, Message: "Account Blocked, Contact Helpdesk", Status: http.StatusForbidden}
	ErrNoRecord    = &Error{Code: ERR, Message: "No Record Found", Status: http.StatusNotFound}
	ErrNameTaken   = &Error{Code: ERR, Message: "The name has already been taken.", Status: http.StatusConflict}
	ErrBusiness    = &Error{Code: ERR, Message: "Business details already exist.", Status: http.StatusConflict}
	ErrLimit       = &Error{Code: ERR, Message: "Limit reached", Status: http.StatusConflict}
	ErrNoService   = &Error{Code: SNA, Message: "Service not available", Status: http.StatusNotImplemented}
	ErrInternal    = &Error{Code: ISE, Message: "System Error", Status: http.StatusInternalServerError, Loud: true}
	ErrUnknownPath = &Error{Code: OUE, Message: "Unknown Method", Status: http.StatusNotFound, Loud: true}
	ErrMethod      = &Error{Code: OUE, Message: "Unknown Method", Status: http.StatusMethodNotAllowed, Loud: true}
	ErrDown        = &Error{Code: SPD, Message: "Service Provider Downtime", Status: http.StatusServiceUnavailable, Loud: true, RetryAfter: 1}
	ErrBodySize    = &Error{Code: RPI, Message: "The request body may not be greater than 256 kilobytes.", Status: http.StatusRequestEntityTooLarge, Loud: true}
	ErrHeaderSize  = &Error{Code: RPI, Message: "The request headers may not be greater than 16 kilobytes.", Status: http.StatusRequestHeaderFieldsTooLarge, Loud: true}
)

// NewOutcome is the failure of a transaction that was carried out, or was before:
// for an HTTP intermediary it is a reply like any other.
func NewOutcome(code Code, orderID string, data any) *Error {
	status := http.StatusUnprocessableEntity
	switch code {
	case DTX:
		status = http.StatusConflict
	case SPD, FAB:
		status = http.StatusFailedDependency
	}
	return &Error{Code: code, Message: Meanings[code], Status: status, Data: data, OrderID: orderID}
}

// ErrHeader says that a mandatory header is missing ("required") or wrong ("invalid").
func ErrHeader(name, what string) *Error {
	return &Error{Code: RPI, Message: fmt.Sprintf("The %s header is %s.", name, what), Status: http.StatusBadRequest}
}

// ErrAddress refuses a caller whose own address is not on the client's allow-list.
func ErrAddress(ip string) *Error {
	return &Error{Code: ERR, Message: "Request made from invalid ip address - " + ip, Status: http.StatusForbidden}
}

// ErrTooMany refuses a caller for the given time, told in whole seconds.
func ErrTooMany(wait time.Duration) *Error {
	return &Error{Code: ERR, Message: "Too many requests", Status: http.StatusTooManyRequests, Loud: true,
		RetryAfter: int((wait + time.Second - 1) / time.Second)}
}

// ErrBody refuses a body that is not one JSON object by the strict rules of
// Decode; why goes to problem details only.
func ErrBody(why error) *Error {
	const message = "The request body must be valid JSON."
	return &Error{Code: RPI, Message: message, Status: http.StatusBadRequest,
		Faults: []Fault{{Rule: "json", Message: fmt.Sprintf("%s (%v)", message, why)}}}
}

// ErrFields refuses input fields; faults must not be empty.
func ErrFields(faults []Fault) *Error {
	return &Error{Code: RPI, Message: faults[0].Message, Status: http.StatusUnprocessableEntity, Faults: faults}
}

// NewFault makes a fault of the field at a dotted path, such as
// tagDetails.0.tagId; message holds one %s for that path.
func NewFault(path, rule, message string) Fault {
	return Fault{Pointer: "/" + strings.ReplaceAll(path, ".", "/"), Rule: rule, Message: fmt.Sprintf(message, path)}
}
