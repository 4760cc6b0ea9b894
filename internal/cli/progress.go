package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far a long work is: a bar with its rate and the time left on
// a terminal, a plain line now and then in a log.
type progress struct {
	out      io.Writer
	terminal bool
	step     string
	began    time.Time
	shown    time.Time
}

// Between two showings: often enough to see it move, seldom enough to cost nothing.
const (
	redraw = 100 * time.Millisecond
	reline = 10 * time.Second
)

func newProgress(out io.Writer) *progress {
	p := &progress{out: out}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// show is told of each bit of work; done and all are bytes.
func (p *progress) show(step string, done, all int64) {
	now := time.Now()
	if step != p.step {
		p.end()
		p.step, p.began, p.shown = step, now, now
	}
	every := reline
	if p.terminal {
		every = redraw
	}
	if now.Sub(p.shown) < every && done < all {
		return
	}
	p.shown = now
	line := p.line(done, all, now.Sub(p.began))
	if !p.terminal {
		fmt.Fprintln(p.out, line)
		return
	}
	const width = 30
	full := 0
	if all > 0 {
		full = int(width * done / all)
	}
	fmt.Fprintf(p.out, "\r[%s%s] %s\x1b[K", strings.Repeat("#", full), strings.Repeat(".", width-full), line)
}

func (p *progress) line(done, all int64, took time.Duration) string {
	const mb = 1e6
	text := fmt.Sprintf("%s %.1f of %.1f MB", p.step, float64(done)/mb, float64(all)/mb)
	if s := took.Seconds(); s > 0 && done > 0 {
		text += fmt.Sprintf(", %.0f MB/s", float64(done)/mb/s)
		if left := time.Duration(float64(all-done) / float64(done) * float64(took)); left > 0 {
			text += fmt.Sprintf(", %s left", left.Round(time.Second))
		}
	}
	return text
}

// end leaves the line of the bar.
func (p *progress) end() {
	if p.terminal && p.step != "" {
		fmt.Fprintln(p.out)
	}
	p.step = ""
}
