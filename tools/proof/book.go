package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// book is what was found, the last time that each part of the catalogue and each plant was run.
type book struct {
	root   string
	Proofs map[string]result `json:"proofs"`
	Plants map[string]shown  `json:"plants"`
}

const (
	bookFile = "docs/reliability.json"
	pageFile = "docs/reliability.md"
)

func openBook(root string) (*book, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	b := &book{root: root, Proofs: map[string]result{}, Plants: map[string]shown{}}
	data, err := os.ReadFile(filepath.Join(root, bookFile))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(data, b)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", bookFile, err)
	}
	return b, nil
}

// save writes the book, and the tables of the page.
func (b *book) save() error {
	var data bytes.Buffer
	e := json.NewEncoder(&data)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(b); err != nil {
		return err
	}
	if err := replace(filepath.Join(b.root, bookFile), data.Bytes()); err != nil {
		return err
	}
	path := filepath.Join(b.root, pageFile)
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := b.page(string(page))
	if err != nil {
		return err
	}
	return replace(path, []byte(text))
}

// replace writes a file in one step, so that an interruption leaves the old one or the new one.
func replace(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// page is the text of docs/reliability.md with its tables made anew.
func (b *book) page(text string) (string, error) {
	for _, part := range []struct{ name, table string }{{"figures", b.figures()}, {"plants", b.plants()}} {
		begin, end := "<!-- "+part.name+" of reliability.json -->\n", "<!-- end of "+part.name+" -->\n"
		before, rest, ok := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return "", fmt.Errorf("%s has no lines %q and %q", pageFile, strings.TrimSpace(begin), strings.TrimSpace(end))
		}
		text = before + begin + "\n" + part.table + "\n" + end + after
	}
	return text, nil
}

// figures is the table of what was found.
func (b *book) figures() string {
	var t strings.Builder
	t.WriteString("| id | what was done | target | found | | run |\n|---|---|---|---|---|---|\n")
	row := func(id string, cells ...string) {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(strings.ReplaceAll(c, "|", "\\|"), "\n", " ")
		}
		fmt.Fprintf(&t, "| %s | %s |\n", id, strings.Join(cells, " | "))
	}
	for _, it := range catalogue {
		r, ok := b.Proofs[it.ID]
		if !ok {
			r.Verdict = notRun
		}
		when := ""
		if ok {
			when = fmt.Sprintf("%s, %s, %s", r.Date.Format(time.DateOnly), r.Size, (time.Duration(r.Seconds) * time.Second).String())
		}
		if r.Again != "" {
			when += "; " + r.Again
		}
		word := "**" + string(r.Verdict) + "**"
		if r.Verdict == met {
			word = string(met)
		} else if r.Why != "" {
			word += ": " + r.Why
		}
		if len(r.Figures) == 0 {
			row(it.ID, it.Title, it.Target, "", word, when)
		}
		id := it.ID
		for _, f := range r.Figures {
			if id == "" { // the verdict of all stands in the first row
				if word = string(met); !f.Met {
					word = "**" + string(missed) + "**"
				}
			}
			seed := when
			if f.Seed != 0 {
				seed += fmt.Sprintf("; seed %d", f.Seed)
			}
			row(id, f.What, f.Target, f.Got, word, strings.TrimPrefix(seed, "; "))
			id, when = "", ""
		}
	}
	return t.String()
}

// plants is the table of the faults put there on purpose.
func (b *book) plants() string {
	var t strings.Builder
	t.WriteString("| id | fault | for | test | | run |\n|---|---|---|---|---|---|\n")
	for _, p := range plants {
		s, ok := b.Plants[p.ID]
		word, when := "**"+string(notRun)+"**", ""
		if ok {
			word, when = string(s.Verdict), fmt.Sprintf("%s, %s", s.Date.Format(time.DateOnly), (time.Duration(s.Seconds)*time.Second).String())
			if s.Verdict != found {
				word = "**" + word + "**: " + s.Why
			}
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s |\n", p.ID, p.What, p.For, p.Test, word, when)
	}
	return t.String()
}

// print shows what was run against what was promised.
func (b *book) print(out io.Writer, ids []item, faults []fault) {
	fmt.Fprintln(out)
	line := func(id string, word verdict, text, why string) {
		if word == "" {
			word = notRun
		}
		if why != "" {
			text += " (" + why + ")"
		}
		fmt.Fprintf(out, "%-5s %-10s %s\n", id, word, text)
	}
	for _, it := range ids {
		r := b.Proofs[it.ID]
		line(it.ID, r.Verdict, it.Title, r.Why)
		for _, f := range r.Figures {
			line("", f.verdict(), fmt.Sprintf("%s: %s (target %s)", f.What, f.Got, f.Target), "")
		}
	}
	for _, p := range faults {
		s := b.Plants[p.ID]
		line(p.ID, s.Verdict, p.What, s.Why)
	}
}
