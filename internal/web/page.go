package web

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

//go:embed page.html style.css
var files embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"join":    strings.Join,
	"text":    oneLine,
	"number":  number,
	"bytes":   bytesText,
	"seconds": secondsText,
	"clock":   clockText,
}).ParseFS(files, "page.html"))

// page is the status page. /?topic=NAME shows the partitions of a topic too.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, newView(s.options.Status(), r.URL.Query().Get("topic"))); err != nil {
		s.logger.Error("status page", "error", err)
		http.Error(w, "the status page cannot be shown; see the log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(out.Bytes())
}

func style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=3600")
	http.ServeFileFS(w, r, files, "style.css")
}

// view is what the page shows.
type view struct {
	status.Status
	Uptime                 float64 // seconds
	Records, Windows, Lag  int64
	Load                   float64 // bytes/s
	LatencyP50, LatencyP99 float64 // seconds, NaN before the first result
	Unused                 int64   // records that are in no window
	Rows                   []row
	Detail                 *row // the topic asked for
}

type row struct {
	status.TopicStatus
	State       string // one of the words below
	Lag         int64
	Unaccounted int64
}

// States of a topic, the most urgent first.
const (
	stateProblem = "problem" // something holds it up
	stateBehind  = "behind"  // it catches up
	stateWaiting = "waiting" // no record yet
	stateLive    = "live"
	stateIdle    = "idle" // read to the end, and silent
)

// behindAfter is how far a topic that has a lag may be behind the clock, in
// seconds beyond its window size, before the page says so.
const behindAfter = 30

func newView(st status.Status, detail string) view {
	v := view{
		Status:     st,
		Uptime:     st.Time.Sub(st.Started).Seconds(),
		LatencyP50: quantile(st.ResultLatency, 0.5),
		LatencyP99: quantile(st.ResultLatency, 0.99),
	}
	for _, t := range st.Topics {
		r := row{TopicStatus: t, State: topicState(&t), Lag: lag(&t), Unaccounted: unaccounted(&t)}
		v.Records += t.Records
		v.Windows += t.Windows
		v.Lag += r.Lag
		v.Load += t.Weight
		v.Unused += t.Late + t.DeadLettered + t.Lost
		v.Rows = append(v.Rows, r)
	}
	slices.SortStableFunc(v.Rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(urgency(a.State), urgency(b.State)), cmp.Compare(a.Topic, b.Topic))
	})
	if i := slices.IndexFunc(v.Rows, func(r row) bool { return r.Topic == detail }); i >= 0 && detail != "" {
		v.Detail = &v.Rows[i]
	}
	return v
}

func topicState(t *status.TopicStatus) string {
	switch {
	case len(t.Problems) > 0:
		return stateProblem
	case lag(t) > 0 && !t.Watermark.IsZero() && t.WatermarkDelay > t.WindowSize+behindAfter:
		return stateBehind
	case len(t.Partitions) > 0 && countPartitions(t, func(p status.PartitionStatus) bool { return p.Idle }) == float64(len(t.Partitions)):
		return stateIdle
	case t.Records == 0:
		return stateWaiting
	}
	return stateLive
}

// urgency puts problems and backlogs at the top; all else is by name, so that
// rows do not jump about.
func urgency(state string) int {
	switch state {
	case stateProblem:
		return 0
	case stateBehind:
		return 1
	}
	return 2
}

// quantile estimates a quantile of h, as Prometheus' histogram_quantile does:
// by linear interpolation in the bucket; the last bound if it is beyond it.
// NaN if h is empty.
func quantile(h status.Histogram, q float64) float64 {
	var total uint64
	for _, n := range h.Counts {
		total += n
	}
	if total == 0 || len(h.Bounds) == 0 {
		return math.NaN()
	}
	rank, below, lower := q*float64(total), 0.0, 0.0
	for i, bound := range h.Bounds {
		n := float64(h.Counts[i])
		if n > 0 && below+n >= rank {
			return lower + (bound-lower)*(rank-below)/n
		}
		below, lower = below+n, bound
	}
	return h.Bounds[len(h.Bounds)-1]
}

// clockText is a time of day in UTC, with the date if it is not that of now.
func clockText(t, now time.Time) string {
	switch {
	case t.IsZero():
		return "–"
	case t.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly):
		return t.UTC().Format("15:04:05.0")
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
