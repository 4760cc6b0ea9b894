package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"contactbook/client"
)

func (a *app) sandboxSeed(f *sandboxFlags) *cobra.Command {
	var name string
	var seed int
	var keep, asJSON bool
	var cmd *cobra.Command
	cmd = argument(a.sandboxCommand(f, "seed FILE", "Fill the book with a fixture, the same way each time", "  contactbook sandbox seed fixture.json\n  contactbook sandbox seed - --seed 7 --keep <more.json",
		func(ctx context.Context, s *client.SandboxService) error {
			text, err := os.ReadFile(name)
			if name == "-" {
				text, err = io.ReadAll(a.stdin)
			}
			if err != nil {
				return badUsage("the fixture cannot be read: %v", err)
			}
			var fixture map[string]json.RawMessage
			if json.Unmarshal(text, &fixture) != nil {
				return badUsage("%s is not a JSON object", name)
			}
			if fixture == nil {
				fixture = map[string]json.RawMessage{}
			}
			if cmd.Flags().Changed("seed") {
				fixture["seed"] = fmt.Append(nil, seed)
			}
			if keep {
				fixture["keep"] = json.RawMessage("true")
			}
			if text, err = json.Marshal(fixture); err != nil {
				return err
			}
			done, err := s.Seed(ctx, text)
			if err != nil {
				return err
			}
			return a.printValue(asJSON, done, fmt.Sprintf("Made %d tags and %d contacts, with all below them.\n", len(done.Tags), len(done.Contacts)))
		}), "one FILE, - for standard input", false, &name)
	cmd.Long = `seed empties the book and fills it with a fixture: a JSON object with tags and
contacts, as docs/sandbox.md shows it. Ids and dates are the same each time.`
	cmd.Flags().IntVar(&seed, "seed", 1, "the number that the ids follow from, instead of the fixture's own")
	cmd.Flags().BoolVar(&keep, "keep", false, "add to what is in the book")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *app) sandboxSnapshot(f *sandboxFlags) *cobra.Command {
	var name string
	var asJSON bool
	take := argument(a.sandboxCommand(f, "take NAME", "Copy the book under a name, in the place of one of that name", "  contactbook sandbox snapshot take before-the-test",
		func(ctx context.Context, s *client.SandboxService) error {
			v, err := s.Snapshot(ctx, name)
			if err == nil {
				fmt.Fprintf(a.stdout, "Copied %d records.\n", v.Records)
			}
			return err
		}), "one NAME", false, &name)
	show := a.sandboxCommand(f, "list", "List the snapshots, oldest first", "  contactbook sandbox snapshot list",
		func(ctx context.Context, s *client.SandboxService) error {
			all, err := s.Snapshots(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(append([]client.Snapshot{}, all...))
			}
			t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "RECORDS\tTAKEN\tNAME")
			for _, v := range all {
				fmt.Fprintf(t, "%d\t%s\t%s\n", v.Records, v.CreatedAt.Format(time.RFC3339), v.Name)
			}
			return t.Flush()
		})
	jsonFlag(show, &asJSON)
	drop := argument(a.sandboxCommand(f, "drop NAME", "Delete a snapshot", "  contactbook sandbox snapshot drop before-the-test",
		func(ctx context.Context, s *client.SandboxService) error { return s.DropSnapshot(ctx, name) }), "one NAME", false, &name)
	return group("snapshot", "Copy the book, to rewind it later", "", "  contactbook sandbox snapshot take before-the-test", take, show, drop)
}

func (a *app) sandboxRewind(f *sandboxFlags) *cobra.Command {
	var name string
	return argument(a.sandboxCommand(f, "rewind NAME", "Make the book what a snapshot has", "  contactbook sandbox rewind before-the-test",
		func(ctx context.Context, s *client.SandboxService) error {
			v, err := s.Rewind(ctx, name)
			if err == nil {
				fmt.Fprintf(a.stdout, "The book has its %d records of %s again.\n", v.Records, v.CreatedAt.Format(time.RFC3339))
			}
			return err
		}), "one NAME", false, &name)
}
