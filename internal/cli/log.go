package cli

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"contactbook/internal/config"
)

// logQueue is how many lines may wait to be written.
const logQueue = 8192

// lineWriter writes log lines off the request path: a slow terminal or disk must
// not slow the server down. When its queue is full lines are dropped and counted.
type lineWriter struct {
	lines   chan []byte
	done    chan struct{}
	dropped atomic.Int64
}

func newLineWriter(out io.Writer) *lineWriter {
	w := &lineWriter{lines: make(chan []byte, logQueue), done: make(chan struct{})}
	go w.run(bufio.NewWriterSize(out, 64<<10))
	return w
}

// Write takes one line; slog gives each in one call.
func (w *lineWriter) Write(line []byte) (int, error) {
	select {
	case w.lines <- append([]byte(nil), line...):
	default:
		w.dropped.Add(1)
	}
	return len(line), nil
}

func (w *lineWriter) run(out *bufio.Writer) {
	defer close(w.done)
	for line := range w.lines {
		out.Write(line)
		if len(w.lines) > 0 {
			continue
		}
		if n := w.dropped.Swap(0); n > 0 {
			fmt.Fprintf(out, "%d log lines were dropped, because they came faster than they could be written\n", n)
		}
		out.Flush()
	}
	out.Flush()
}

// Close writes what waits. Nothing may be written after it.
func (w *lineWriter) Close() {
	close(w.lines)
	<-w.done
}

// newLog is the log that the settings ask for.
func newLog(s *config.Settings, out io.Writer) (*slog.Logger, error) {
	level, err := s.Level()
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options)), err
	}
	return slog.New(slog.NewTextHandler(out, options)), err
}
