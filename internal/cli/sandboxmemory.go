package cli

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"contactbook/client"
)

// group is a command that only groups others.
func group(use, short, long, example string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: cobra.ArbitraryArgs, RunE: needsCommand}
	cmd.AddCommand(commands...)
	return cmd
}

// argument gives a command one argument, or at most one where it may be left out.
func argument(cmd *cobra.Command, what string, may bool, into *string) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			*into = args[0]
		}
		if len(args) == 0 && may {
			return nil
		}
		return exactly(1, what)(cmd, args)
	}
	return cmd
}

func (a *app) sandboxClock(f *sandboxFlags) *cobra.Command {
	var asJSON bool
	show := func(k *client.SandboxClock, err error) error {
		if err != nil {
			return err
		}
		how := "runs"
		switch {
		case k.Real:
			how = "is the real one"
		case k.Frozen:
			how = "stands still"
		}
		return a.printValue(asJSON, k, fmt.Sprintf("%s, and %s\n", k.Now.Format(time.RFC3339Nano), how))
	}
	moment := func(text string) (time.Time, error) {
		if text == "" {
			return time.Time{}, nil
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return t, badUsage("%q is no time such as 2026-01-31T09:30:00Z", text)
		}
		return t, nil
	}
	yes, no := true, false
	var at, span string
	read := a.sandboxCommand(f, "show", "Show the book's time", "  contactbook sandbox clock show",
		func(ctx context.Context, s *client.SandboxService) error { return show(s.Clock(ctx)) })
	set := argument(a.sandboxCommand(f, "set TIME", "Set the book's time", "  contactbook sandbox clock set 2027-01-31T09:30:00Z",
		func(ctx context.Context, s *client.SandboxService) error {
			t, err := moment(at)
			if err != nil {
				return err
			}
			return show(s.SetClock(ctx, client.ClockInput{At: t}))
		}), "one TIME", false, &at)
	freeze := argument(a.sandboxCommand(f, "freeze [TIME]", "Have the book's time stand still, now or at a time", "  contactbook sandbox clock freeze 2027-01-31T09:30:00Z",
		func(ctx context.Context, s *client.SandboxService) error {
			t, err := moment(at)
			if err != nil {
				return err
			}
			return show(s.SetClock(ctx, client.ClockInput{At: t, Frozen: &yes}))
		}), "one TIME or none", true, &at)
	advance := argument(a.sandboxCommand(f, "advance DURATION", "Move the book's time on", "  contactbook sandbox clock advance 36h",
		func(ctx context.Context, s *client.SandboxService) error {
			d, err := time.ParseDuration(span)
			if err != nil || d <= 0 {
				return badUsage("%q is no duration such as 36h or 90s", span)
			}
			return show(s.SetClock(ctx, client.ClockInput{Advance: d}))
		}), "one DURATION", false, &span)
	run := a.sandboxCommand(f, "run", "Have a frozen time run again, from where it stands", "  contactbook sandbox clock run",
		func(ctx context.Context, s *client.SandboxService) error {
			return show(s.SetClock(ctx, client.ClockInput{Frozen: &no}))
		})
	real := a.sandboxCommand(f, "real", "Give the book the real time again", "  contactbook sandbox clock real",
		func(ctx context.Context, s *client.SandboxService) error {
			if err := s.RealClock(ctx); err != nil {
				return err
			}
			return show(s.Clock(ctx))
		})
	cmd := group("clock", "Set, advance and freeze the book's time", "",
		"  contactbook sandbox clock freeze 2027-01-31T09:30:00Z\n  contactbook sandbox clock advance 36h",
		read, set, freeze, advance, run, real)
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) sandboxFaults(f *sandboxFlags) *cobra.Command {
	var in client.SandboxFault
	var code string
	var seed, id int
	var latency time.Duration
	var asJSON bool
	var add *cobra.Command
	add = a.sandboxCommand(f, "add", "Have requests of the client go wrong",
		`  contactbook sandbox faults add --op "POST /contacts/profile" --code FAB --count 2
  contactbook sandbox faults add --http-status 503 --probability 0.1 --seed 7
  contactbook sandbox faults add --drop after --latency 2s`,
		func(ctx context.Context, s *client.SandboxService) error {
			in.Code, in.LatencyMs = client.Code(code), int(latency.Milliseconds())
			if add.Flags().Changed("seed") {
				in.Seed = &seed
			}
			made, err := s.AddFault(ctx, in)
			if err != nil {
				return err
			}
			return a.printValue(asJSON, made, fmt.Sprintf("Fault %d: %s\n", made.ID, faultText(made)))
		})
	flags := add.Flags()
	flags.StringVar(&in.Op, "op", "", `the operation, such as "POST /contacts/profile"; none: any`)
	flags.StringVar(&code, "code", "", "statuscode to answer instead of doing the request")
	flags.StringVar(&in.Message, "message", "", "what the answer says; none: the published table's words")
	flags.IntVar(&in.HTTPStatus, "http-status", 0, "HTTP status to answer with, 400 to 599")
	flags.DurationVar(&latency, "latency", 0, "how long to hold requests up, at most 2m")
	flags.StringVar(&in.Drop, "drop", "", "drop the connection before or after the request is done")
	flags.BoolVar(&in.Cut, "cut", false, "send half of the answer")
	flags.Float64Var(&in.Probability, "probability", 1, "of each request, above 0 and at most 1")
	flags.IntVar(&in.Count, "count", 0, "how often it happens; 0: until it is ended")
	flags.IntVar(&seed, "seed", 0, "draw the same requests each time")
	jsonFlag(add, &asJSON)
	show := a.sandboxCommand(f, "list", "List the faults, used up or not", "  contactbook sandbox faults list",
		func(ctx context.Context, s *client.SandboxService) error {
			all, err := s.Faults(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(append([]client.SandboxFault{}, all...))
			}
			t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "ID\tOP\tHITS\tWHAT")
			for _, one := range all {
				fmt.Fprintf(t, "%d\t%s\t%d\t%s\n", one.ID, orAny(one.Op), one.Hits, faultText(&one))
			}
			return t.Flush()
		})
	jsonFlag(show, &asJSON)
	clear := a.sandboxCommand(f, "clear", "End all faults, or one", "  contactbook sandbox faults clear\n  contactbook sandbox faults clear --id 1",
		func(ctx context.Context, s *client.SandboxService) error { return s.ClearFaults(ctx, id) })
	clear.Flags().IntVar(&id, "id", 0, "the fault; none: all")
	return group("faults", "Have requests fail, lag, hang up or break off", "",
		`  contactbook sandbox faults add --op "POST /contacts/profile" --code FAB --count 2`, add, show, clear)
}

func orAny(op string) string {
	if op == "" {
		return "any"
	}
	return op
}

// faultText says what a fault does.
func faultText(f *client.SandboxFault) string {
	var words []string
	if f.LatencyMs > 0 {
		words = append(words, (time.Duration(f.LatencyMs)*time.Millisecond).String()+" late")
	}
	if f.Code != "" {
		words = append(words, "answer "+string(f.Code))
	}
	if f.HTTPStatus != 0 {
		words = append(words, fmt.Sprintf("HTTP %d", f.HTTPStatus))
	}
	if f.Drop != "" {
		words = append(words, "drop the connection "+f.Drop+" the request is done")
	}
	if f.Cut {
		words = append(words, "cut the answer in half")
	}
	if f.Probability < 1 {
		words = append(words, fmt.Sprintf("with probability %g", f.Probability))
	}
	if f.Count > 0 {
		words = append(words, fmt.Sprintf("%d times", f.Count))
	}
	return strings.Join(words, ", ")
}

func (a *app) sandboxJournal(f *sandboxFlags) *cobra.Command {
	var in client.JournalFilter
	var asJSON, personal bool
	var reference string
	read := a.sandboxCommand(f, "list", "List the last requests, the newest first, and why each failed",
		"  contactbook sandbox journal list --failed\n  contactbook sandbox journal list --limit 1000 --json",
		func(ctx context.Context, s *client.SandboxService) error {
			all, err := s.Journal(ctx, in)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(append([]client.JournalEntry{}, all...))
			}
			for _, e := range all {
				code := string(e.Code)
				if code == "" {
					code = "cut off"
				}
				fmt.Fprintf(a.stdout, "%s  %s  %s\n  %s  %s\n", e.At.Format("15:04:05.000"), e.Op, e.Reference, code, e.Status)
				for _, n := range e.NearMisses {
					fmt.Fprintf(a.stdout, "  %s\n", n.Why)
				}
				if e.Request != "" {
					fmt.Fprintf(a.stdout, "  %s\n", e.Request)
				}
			}
			return nil
		})
	flags := read.Flags()
	flags.StringVar(&in.Op, "op", "", "of one operation")
	flags.BoolVar(&in.Failed, "failed", false, "those that failed")
	flags.IntVar(&in.Limit, "limit", 20, "at most so many, up to 1000")
	flags.BoolVar(&in.Personal, "personal", false, "show values, not their shapes")
	jsonFlag(read, &asJSON)
	curl := argument(a.sandboxCommand(f, "curl IPAY_UUID", "Print a request as a curl command, whose secret is a variable", "  contactbook sandbox journal curl IPAY_UUID --personal",
		func(ctx context.Context, s *client.SandboxService) error {
			text, err := s.Curl(ctx, reference, personal)
			if err == nil {
				fmt.Fprintln(a.stdout, text)
			}
			return err
		}), "one IPAY_UUID", false, &reference)
	curl.Flags().BoolVar(&personal, "personal", false, "values as they were sent, not their shapes")
	replay := argument(a.sandboxCommand(f, "replay IPAY_UUID", "Send a request again and print its answer", "  contactbook sandbox journal replay IPAY_UUID",
		func(ctx context.Context, s *client.SandboxService) error {
			r, err := s.Replay(ctx, reference)
			if err != nil {
				return err
			}
			if !r.Answered {
				return fmt.Errorf("the connection was dropped, after %d bytes of an answer", len(r.Reply))
			}
			fmt.Fprintln(a.stdout, strings.TrimSpace(r.Reply))
			return nil
		}), "one IPAY_UUID", false, &reference)
	clear := a.sandboxCommand(f, "clear", "Empty the journal", "  contactbook sandbox journal clear",
		func(ctx context.Context, s *client.SandboxService) error { return s.ClearJournal(ctx) })
	return group("journal", "Look at the last 1,000 requests, copy one as curl, send it again", "",
		"  contactbook sandbox journal list --failed", read, curl, replay, clear)
}
