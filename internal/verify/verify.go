// Package verify asks somebody outside whether a bank account, a VPA, a wallet or
// a business identity is what it is said to be. It keeps nothing: whoever asks
// stores the question before and the answer after.
package verify

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Verifier is whom to ask.
type Verifier interface {
	// Name is stored with what was verified.
	Name() string
	// Ask asks, or asks again under the same reference, for which nothing may be
	// done twice. An error that is not ErrNotAsked leaves the outcome unknown.
	Ask(ctx context.Context, q Question) (Answer, error)
}

// ErrNotAsked says that a question certainly did not reach the verifier.
var ErrNotAsked = errors.New("the verifier was not asked")

// The kinds of question beside those of payment methods, ACCOUNT, VPA and WALLET.
const (
	PAN   = "PAN"
	CIN   = "CIN"
	GSTIN = "GSTIN"
	TAN   = "TAN"
	Udyam = "UDYAM"
)

// Question is what is asked. All but Reference and Again is personal data.
type Question struct {
	Reference   string // the same each time that one verification is asked for
	Kind        string // ACCOUNT, VPA, WALLET, PAN, CIN, GSTIN, TAN or UDYAM
	Number      string // an account number, a VPA, a phone number or an identity
	CallingCode string // of a phone number
	IFSC        string // of an account
	Name        string // whom the asker takes for its holder
	Latitude    string // where the end customer is; "" for an identity
	Longitude   string
	Again       int // how often it was asked before
}

// Outcome is what came of it.
type Outcome string

const (
	Pending     Outcome = "pending"   // ask again
	Verified    Outcome = "verified"  // it exists, and Answer has its holder's name
	Invalid     Outcome = "invalid"   // there is no such account or identity
	BankDown    Outcome = "bank_down" // its bank, or register, cannot be reached
	BankFailed  Outcome = "failed"    // its bank, or register, failed
	DuplicateOf Outcome = "duplicate" // the verifier has the reference for another question
)

// Outcomes are all of them.
var Outcomes = []Outcome{Pending, Verified, Invalid, BankDown, BankFailed, DuplicateOf}

// Answer is what a verifier says. Only Outcome is of every answer; the rest is
// of Verified, and personal data.
type Answer struct {
	Outcome       Outcome
	Name          string // of the holder, as its bank or register has it
	BankReference string // of the transfer that proved it
	Value         Paise  // of that transfer
	Pool          Pool
	Payer         Party
}

// Pool is the asker's balance with the verifier, which the question was charged to.
type Pool struct {
	Account                  string
	Opening, Charge, Closing Paise
}

// Party is one side of the transfer.
type Party struct{ Account, Name string }

// Paise is an amount of money in hundredths of a rupee.
type Paise int64

// String has two decimals.
func (p Paise) String() string {
	sign := ""
	if p < 0 {
		sign, p = "-", -p
	}
	return fmt.Sprintf("%s%d.%02d", sign, p/100, p%100)
}

// ParsePaise reads a decimal number of rupees of at most two decimals; "" is none.
func ParsePaise(s string) (Paise, error) {
	if s == "" {
		return 0, nil
	}
	whole, part, _ := strings.Cut(s, ".")
	digits := strings.TrimPrefix(whole, "-") + part
	if len(part) > 2 || strings.Trim(digits, "0123456789") != "" || digits == "" || len(digits) > 15 {
		return 0, fmt.Errorf("not an amount of rupees")
	}
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	return Paise(n), err
}

// Manual leaves every question to a person, who answers it with contactbook verify.
type Manual struct{}

func (Manual) Name() string { return "manual" }

// Ask says that it is pending.
func (Manual) Ask(context.Context, Question) (Answer, error) { return Answer{Outcome: Pending}, nil }
