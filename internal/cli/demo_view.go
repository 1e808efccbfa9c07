package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

// demoView shows aggregated results: a table that is painted again and again
// on a terminal, a line for each result otherwise.
type demoView struct {
	out    io.Writer
	live   bool
	topics []string // those shown

	mu      sync.Mutex
	newest  map[string]demoResult
	painted int // lines on the screen
	headed  bool
}

type demoResult struct {
	start  time.Time
	values map[string]any
}

// demoRows bounds the topics that are shown; all are counted.
const demoRows = 15

func newDemoView(out io.Writer, topics []string) *demoView {
	_, live := terminal(out)
	return &demoView{out: out, live: live, topics: topics[:min(len(topics), demoRows)], newest: map[string]demoResult{}}
}

const demoHeading = "TOPIC            WINDOW (UTC)       COUNT   MIN value0  MEAN value0  STDEV value0   MAX value0"

func (r demoResult) row(topic string) string {
	v := func(name string) string {
		if f, ok := r.values[name].(float64); ok {
			return fmt.Sprintf("%.6g", f)
		}
		return "-"
	}
	return fmt.Sprintf("%-16s %-16s %7v %12s %12s %13s %12s", topic, r.start.UTC().Format("15:04:05.000"), r.values["count"],
		v("min_value0"), v("mean_value0"), v("stdev_value0"), v("max_value0"))
}

// result takes a new result of a source topic.
func (v *demoView) result(topic string, start time.Time, values map[string]any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := demoResult{start, values}
	if v.newest[topic].start.Before(start) {
		v.newest[topic] = r
	}
	if v.live {
		return
	}
	for _, shown := range v.topics {
		if shown == topic {
			if !v.headed {
				fmt.Fprintln(v.out, demoHeading)
				v.headed = true
			}
			fmt.Fprintln(v.out, r.row(topic))
		}
	}
}

// paint draws the table over the last one.
func (v *demoView) paint(t *tally, rate example.Rate) {
	if !v.live {
		return
	}
	t.mu.Lock()
	records, results := t.records, t.results
	t.mu.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	if v.painted > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", v.painted)
	}
	lines := []string{fmt.Sprintf("%s  %d records in (%.0f/s of %.0f/s), %d aggregated records out",
		rate.Elapsed.Round(time.Second), records, rate.Reached, rate.Asked, results), demoHeading}
	for _, topic := range v.topics {
		if r, ok := v.newest[topic]; ok {
			lines = append(lines, r.row(topic))
		} else {
			lines = append(lines, fmt.Sprintf("%-16s waiting for the first window", topic))
		}
	}
	if more := len(t.names) - len(v.topics); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more topics", more))
	}
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	v.painted = len(lines)
	_, _ = io.WriteString(v.out, b.String())
}

// close leaves the table where it is: what follows stands below.
func (v *demoView) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.painted = 0
}

// printSummary prints the end of a demo.
func printSummary(out io.Writer, s demoSummary, rate example.Rate, fields, operations int) {
	fmt.Fprintln(out)
	fmt.Fprintf(out, "records in          %d in %.1f s, %.1f/s of %.1f/s asked for\n", s.records, rate.Elapsed.Seconds(), rate.Reached, rate.Asked)
	fmt.Fprintf(out, "windows expected    %d\n", s.expected)
	fmt.Fprintf(out, "windows produced    %d\n", s.produced)
	if s.produced > 0 {
		fmt.Fprintf(out, "reduction factor    %.2f (%d values in, %d out)\n", float64(s.records)/float64(s.produced*int64(operations)),
			s.records*int64(fields), s.produced*int64(fields*operations))
		fmt.Fprintf(out, "result latency      p50 %s, p99 %s (window end + grace until readable, %d windows)\n",
			milliseconds(quantile(s.live, 0.5)), milliseconds(quantile(s.live, 0.99)), len(s.live))
	}
	if len(s.last) > 0 {
		fmt.Fprintf(out, "last windows        %d, closed without newer records, up to %s after window end + grace\n", len(s.last), milliseconds(quantile(s.last, 1)))
	}
	if len(s.faults) == 0 {
		fmt.Fprintln(out, "every window of every topic has exactly one record")
	}
	for _, f := range s.faults {
		fmt.Fprintln(out, f)
	}
	if more := s.faultCount - len(s.faults); more > 0 {
		fmt.Fprintf(out, "and %d more\n", more)
	}
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
