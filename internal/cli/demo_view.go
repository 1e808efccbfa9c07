package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/demo"
)

// demoView shows aggregated results: a table that is painted again and again
// on a terminal, a line for each result otherwise.
type demoView struct {
	out    io.Writer
	live   bool
	topics []string // those shown
	more   int      // that are not

	mu      sync.Mutex
	newest  map[string]demo.Result
	painted int // lines on the screen
	headed  bool
}

// demoRows bounds the topics that are shown; all are counted.
const demoRows = 15

func newDemoView(out io.Writer, topics []string) *demoView {
	_, live := terminal(out)
	shown := min(len(topics), demoRows)
	return &demoView{out: out, live: live, topics: topics[:shown], more: len(topics) - shown, newest: map[string]demo.Result{}}
}

const demoHeading = "TOPIC            WINDOW (UTC)       COUNT   MIN value0  MEAN value0  STDEV value0   MAX value0"

// demoRow is a line of the table.
func demoRow(r demo.Result) string {
	v := func(name string) string {
		if f, ok := r.Values[name].(float64); ok {
			return fmt.Sprintf("%.6g", f)
		}
		return "-"
	}
	return fmt.Sprintf("%-16s %-16s %7v %12s %12s %13s %12s", r.Topic, r.Start.UTC().Format("15:04:05.000"), r.Values["count"],
		v("min_value0"), v("mean_value0"), v("stdev_value0"), v("max_value0"))
}

// result takes a new result of a source topic.
func (v *demoView) result(r demo.Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.newest[r.Topic].Start.Before(r.Start) {
		v.newest[r.Topic] = r
	}
	if v.live {
		return
	}
	for _, shown := range v.topics {
		if shown == r.Topic {
			if !v.headed {
				fmt.Fprintln(v.out, demoHeading)
				v.headed = true
			}
			fmt.Fprintln(v.out, demoRow(r))
		}
	}
}

// paint draws the table over the last one.
func (v *demoView) paint(c demo.Counts) {
	if !v.live {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	if v.painted > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", v.painted)
	}
	lines := []string{fmt.Sprintf("%s  %d records in (%.0f/s of %.0f/s), %d aggregated records out",
		c.Rate.Elapsed.Round(time.Second), c.Records, c.Rate.Reached, c.Rate.Asked, c.Results), demoHeading}
	for _, topic := range v.topics {
		if r, ok := v.newest[topic]; ok {
			lines = append(lines, demoRow(r))
		} else {
			lines = append(lines, fmt.Sprintf("%-16s waiting for the first window", topic))
		}
	}
	if v.more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more topics", v.more))
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
func printSummary(out io.Writer, s *demo.Summary, fields, operations int) {
	fmt.Fprintln(out)
	fmt.Fprintf(out, "records in          %d in %.1f s, %.1f/s of %.1f/s asked for\n", s.Records, s.Rate.Elapsed.Seconds(), s.Rate.Reached, s.Rate.Asked)
	fmt.Fprintf(out, "windows expected    %d\n", s.Expected)
	fmt.Fprintf(out, "windows produced    %d\n", s.Produced)
	if s.Produced > 0 {
		fmt.Fprintf(out, "reduction factor    %.2f (%d values in, %d out)\n", float64(s.Records)/float64(s.Produced*int64(operations)),
			s.Records*int64(fields), s.Produced*int64(fields*operations))
		fmt.Fprintf(out, "result latency      p50 %s, p99 %s (window end + grace until readable, %d windows)\n",
			milliseconds(demo.Quantile(s.Live, 0.5)), milliseconds(demo.Quantile(s.Live, 0.99)), len(s.Live))
	}
	if len(s.Last) > 0 {
		fmt.Fprintf(out, "last windows        %d, closed without newer records, up to %s after window end + grace\n", len(s.Last), milliseconds(demo.Quantile(s.Last, 1)))
	}
	if len(s.Faults) == 0 {
		fmt.Fprintln(out, "every window of every topic has exactly one record")
	}
	for _, f := range s.Faults {
		fmt.Fprintln(out, f)
	}
	if more := s.FaultCount - len(s.Faults); more > 0 {
		fmt.Fprintf(out, "and %d more\n", more)
	}
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
