package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"contactbook/internal/book"
	"contactbook/internal/store"
	"contactbook/internal/verify"
	"contactbook/internal/wire"
)

// decision is what verify is told.
type decision struct {
	userID                       int64
	environment                  string
	ref, contact                 string
	numbers                      map[string]*string // of book.Identities
	outcome, name, reference, by string
	asJSON                       bool
	id                           wire.ID // of contact
	identity, number             string
	tenant                       store.Tenant
	answer                       verify.Answer
}

func (a *app) verify() *cobra.Command {
	d := decision{numbers: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "verify --user-id N --environment LIVE|SANDBOX [--ref REF | --contact ID --pan NUMBER]",
		Short: "Decide verifications by hand, or list those that are pending",
		Long: `verify stores what a person found out. With --ref it answers a pending
verification, of a payment method or of a business identity, whoever was asked; with
--contact and one identity it verifies that number of the contact's, which must be
the one in the book. With neither it lists what is pending, without personal data.

An answer is final. It works while servers run. SQLite's file must be on this machine.`,
		Example: `  contactbook verify --user-id 1001 --environment LIVE
  contactbook verify --user-id 1001 --environment LIVE --ref 1234567 --name "ASHA SAMPLE"
  contactbook verify --user-id 1001 --environment LIVE --ref 1234568 --outcome invalid
  contactbook verify --user-id 1001 --environment LIVE --contact 645b283b9b2e242ec80dd5c2 --pan AAOCS6028B --name "SAMPLE PVT LTD"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := d.read(); err != nil {
				return err
			}
			return a.withDB(cmd, func(ctx context.Context, db *store.DB) error {
				if d.ref == "" && d.identity == "" {
					return a.listPending(ctx, db, &d)
				}
				return a.decide(ctx, db, &d)
			})
		},
	}
	f := cmd.Flags()
	f.Int64Var(&d.userID, "user-id", 0, "the user whose book it is")
	f.StringVar(&d.environment, "environment", "", "LIVE or SANDBOX")
	f.StringVar(&d.ref, "ref", "", "externalRef of a pending verification")
	f.StringVar(&d.contact, "contact", "", "id of the contact whose identity is verified")
	for _, name := range book.Identities {
		d.numbers[name] = f.String(name, "", "the contact's number of that kind")
	}
	f.StringVar(&d.outcome, "outcome", string(verify.Verified), "verified, invalid, bank_down, failed or duplicate")
	f.StringVar(&d.name, "name", "", "the holder, as the bank or the register has it")
	f.StringVar(&d.reference, "bank-reference", "", "the bank's reference of the transfer")
	f.StringVar(&d.by, "by", "manual", "who decided, as it is stored")
	jsonFlag(cmd, &d.asJSON)
	return cmd
}

// read checks the flags.
func (d *decision) read() error {
	if d.userID < 1 || d.userID > store.MaxUserID {
		return badUsage("--user-id must be from 1 to %d", int64(store.MaxUserID))
	}
	if d.environment != wire.Live && d.environment != wire.Sandbox {
		return badUsage("--environment must be LIVE or SANDBOX")
	}
	d.tenant = store.TenantOf(d.userID, d.environment == wire.Sandbox)
	for _, name := range book.Identities {
		if *d.numbers[name] == "" {
			continue
		}
		if d.identity != "" {
			return badUsage("give one identity at a time")
		}
		d.identity, d.number = name, *d.numbers[name]
	}
	if (d.contact == "") != (d.identity == "") || d.contact != "" && d.ref != "" {
		return badUsage("give --ref, or --contact and one of --pan, --cin, --gstin, --tan and --udyam")
	}
	var ok bool
	if d.id, ok = wire.ParseID(d.contact); d.contact != "" && !ok {
		return badUsage("--contact must be 24 hex digits")
	}
	d.answer = verify.Answer{Outcome: verify.Outcome(d.outcome), Name: d.name, BankReference: d.reference}
	switch d.answer.Outcome {
	case verify.Verified:
		if (d.ref != "" || d.identity != "") && d.name == "" {
			return badUsage("--name must say who the holder is")
		}
	case verify.Invalid, verify.BankDown, verify.BankFailed, verify.DuplicateOf:
	default:
		return badUsage("--outcome must be verified, invalid, bank_down, failed or duplicate")
	}
	return nil
}

func (a *app) decide(ctx context.Context, db *store.DB, d *decision) error {
	b, clock := db.Book(d.tenant), func() wire.Millis { return wire.Millis(time.Now().UnixMilli()) }
	var err error
	if d.identity != "" {
		err = book.DecideIdentity(ctx, b, wire.NewIDs(time.Now).New(), d.id, d.identity, d.number, d.answer, d.by, clock)
	} else {
		err = book.Decide(ctx, b, d.ref, d.answer, d.by, clock)
	}
	if errors.Is(err, book.ErrNoVerification) && d.identity != "" {
		return errors.New("the contact does not have that number")
	}
	if err != nil {
		return err
	}
	if d.asJSON {
		return a.printJSON(struct {
			Ref      string         `json:"externalRef,omitempty"`
			Contact  string         `json:"gcId,omitempty"`
			Identity string         `json:"identity,omitempty"`
			Outcome  verify.Outcome `json:"outcome"`
		}{d.ref, d.contact, d.identity, d.answer.Outcome})
	}
	what := d.ref
	if d.identity != "" {
		what = "The " + d.identity + " of " + d.contact
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s.\n", what, d.answer.Outcome)
	return err
}

func (a *app) listPending(ctx context.Context, db *store.DB, d *decision) error {
	list, err := book.Pending(ctx, db.Book(d.tenant))
	if err != nil {
		return err
	}
	if d.asJSON {
		return a.printJSON(list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.stdout, "No verification is pending.")
		return err
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REF\tSUBJECT\tCONTACT\tPAYMENT\tASKED\tSINCE")
	for _, v := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", v.Ref, v.Subject, v.Contact, v.Payment, v.Verifier, v.Since.Format(time.RFC3339))
	}
	return t.Flush()
}
