package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// progress follows a worker on its way to the end offsets. Partitions may
// become known one after the other.
type progress struct {
	first    map[partitionKey]span
	position map[partitionKey]int64 // last seen; a worker that ends lets go of its partitions
	began    time.Time              // when the first partition was seen
}

type partitionKey struct {
	topic     string
	partition int32
}

// span is from where a partition was begun to its end when it was first seen.
type span struct{ from, to int64 }

// step is how far a worker has come.
type step struct {
	done, total int64 // offsets
	windows     int64
	rate        float64       // offsets/s since the beginning
	left        time.Duration // negative: not known
}

// at takes a status in and says how far the worker has come.
func (g *progress) at(s status.Status) step {
	if g.first == nil {
		g.first, g.position = make(map[partitionKey]span), make(map[partitionKey]int64)
	}
	now := step{left: -1}
	for _, t := range s.Topics {
		now.windows += t.Windows
		for _, p := range t.Partitions {
			key := partitionKey{t.Topic, p.Partition}
			g.position[key] = p.Position
			if _, ok := g.first[key]; !ok {
				g.first[key] = span{p.Position - p.Records, p.End}
				if g.began.IsZero() {
					g.began = s.Time
				}
			}
		}
	}
	for key, sp := range g.first {
		if sp.to <= sp.from {
			continue
		}
		now.total += sp.to - sp.from
		now.done += min(max(g.position[key], sp.from), sp.to) - sp.from
	}
	if took := s.Time.Sub(g.began).Seconds(); took > 0 && now.done > 0 {
		now.rate = float64(now.done) / took
		now.left = time.Duration(float64(now.total-now.done) / now.rate * float64(time.Second))
	}
	return now
}

// line is a bar with figures, at most so many columns wide.
func (s step) line(columns int) string {
	share := 0.0
	if s.total > 0 {
		share = float64(s.done) / float64(s.total)
	}
	left := "?"
	if s.left >= 0 {
		left = s.left.Round(time.Second).String()
	}
	text := fmt.Sprintf(" %3.0f%%  %s records/s  %d windows  %s left", 100*share, short(s.rate), s.windows, left)
	width := min(40, columns-len(text)-3)
	if width < 5 {
		return text[:min(len(text), max(columns-1, 0))]
	}
	full := int(share * float64(width))
	return "[" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "]" + text
}

// short is a number with a k or M.
func short(f float64) string {
	switch {
	case f >= 1e6:
		return fmt.Sprintf("%.2f M", f/1e6)
	case f >= 1e4:
		return fmt.Sprintf("%.1f k", f/1e3)
	}
	return fmt.Sprintf("%.0f", f)
}

// showProgress draws the bar on the terminal of standard error until ctx ends.
func (p *Process) showProgress(ctx context.Context, look func() status.Status) {
	var g progress
	every := time.NewTicker(250 * time.Millisecond)
	defer every.Stop()
	for {
		columns, _ := terminal(p.Stderr)
		now := g.at(look())
		io.WriteString(p.Stderr, "\r\x1b[K"+now.line(columns))
		select {
		case <-ctx.Done():
			if now = g.at(look()); now.total == 0 { // it was over before there was anything to see
				io.WriteString(p.Stderr, "\r\x1b[K")
				return
			}
			io.WriteString(p.Stderr, "\r\x1b[K"+now.line(columns)+"\n")
			return
		case <-every.C:
		}
	}
}

// overBar writes log lines where the bar stands; the bar comes again below them.
type overBar struct{ w io.Writer }

func (o overBar) Write(b []byte) (int, error) {
	if _, err := io.WriteString(o.w, "\r\x1b[K"); err != nil {
		return 0, err
	}
	return o.w.Write(b)
}
