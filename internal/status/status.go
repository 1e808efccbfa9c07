// Package status is what is known of a worker at one moment: the values that a worker
// fills in, and that page, JSON, metrics and command line show. It knows neither how
// they come about nor how they are shown.
package status

import "time"

// Status is what is known of a worker at one moment. The page, the JSON API, the
// Prometheus metrics and the progress bar are views of it; nothing else is exported.
// Counters count since the process started.
type Status struct {
	Time     time.Time `json:"time"`
	Started  time.Time `json:"started"`
	Version  string    `json:"version"`
	State    string    `json:"state"` // starting, running, retrying, stopping, stopped, failed
	Ready    bool      `json:"ready"`
	Reason   string    `json:"reason,omitempty"`  // why not ready
	Notices  []Problem `json:"notices,omitempty"` // what people should know, and holds nothing up
	Clocks   []Clock   `json:"clocks,omitempty"`  // others', against this machine's
	Group    string    `json:"group"`
	ID       string    `json:"id"`
	MemberID string    `json:"member_id"`
	Delivery string    `json:"delivery"`
	LoopAge  float64   `json:"loop_age_seconds"` // since the worker's loop last turned; liveness

	Commits        int64     `json:"commits"`       // transactions, or offset commits, with output
	PlainCommits   int64     `json:"plain_commits"` // offset commits without output
	Aborts         int64     `json:"aborts"`        // transactions that did not commit
	Sessions       int64     `json:"sessions"`      // group sessions begun; more than 1 means a restart from committed state
	CommitDuration Histogram `json:"-"`             // seconds
	ResultLatency  Histogram `json:"-"`             // seconds from window end + grace to committed, windows closed by records while not lagging

	Topics []TopicStatus `json:"topics"`
}

// Clock is how far another clock is ahead of this machine's.
type Clock struct {
	Of    string  `json:"of"` // registry, or topics: the median of their newest records
	Ahead float64 `json:"ahead_seconds"`
}

// TopicStatus is one source topic's agent. A topic with partials of a source
// topic that is split has one too: its records are those in the partials, and
// the windows of the source topic are counted there.
type TopicStatus struct {
	Topic            string         `json:"topic"`
	AggregatedTopic  string         `json:"aggregated_topic"`
	Aggregation      string         `json:"aggregation"`
	SchemaID         *int           `json:"schema_id"`            // newest source schema met, null before the first
	AggregatedSchema *int           `json:"aggregated_schema_id"` // newest in use, null before the first
	Fields           int            `json:"fields"`               // numeric fields aggregated
	LeftOut          int            `json:"left_out"`             // fields left out
	Weight           float64        `json:"bytes_per_second"`     // measured load
	Phase            string         `json:"phase"`                // where it stands: new, held, partials, letters, placing, partitions, draining, drained, probing, schema, running or gone
	Problems         []Problem      `json:"problems,omitempty"`   // what holds this topic up
	WindowSize       float64        `json:"window_size_seconds"`
	Outputs          []OutputStatus `json:"outputs"`                 // of windows of each size; the fields above are those of the first
	EventTime        string         `json:"event_time,omitempty"`    // field that the records of the newest schema have their time from, or kafka
	Watermark        time.Time      `json:"watermark"`               // all windows that end at or before are out; zero before the first
	WatermarkDelay   float64        `json:"watermark_delay_seconds"` // now - watermark
	TopicCounts
	OtherBranches []OtherBranch     `json:"other_branches,omitempty"` // of unions, that are no samples
	PartialsTopic string            `json:"partials_topic,omitempty"` // where they are sent, if the topic is split now
	Merges        string            `json:"merges,omitempty"`         // of a topic with partials: the source topic that is merged from it
	Lost          int64             `json:"lost"`                     // offsets that were deleted before they were read
	Rejected      int64             `json:"rejected_schemas"`         // aggregated schemas the registry refused
	Mismatches    int64             `json:"replay_mismatches"`        // re-read ranges that differ from what was read before
	Partitions    []PartitionStatus `json:"partitions"`
}

// TopicCounts are of all records of a topic that this worker has read, and of what
// became of them.
type TopicCounts struct {
	Records         int64 `json:"records"`
	Bytes           int64 `json:"bytes"`
	Windows         int64 `json:"windows"`          // aggregated records committed
	EmptyWindows    int64 `json:"empty_windows"`    // of these: of windows without records
	UnfilledWindows int64 `json:"unfilled_windows"` // empty windows without a record, since there were too many in a row
	OpenWindows     int64 `json:"open_windows"`
	Late            int64 `json:"late"`
	LateByClock     int64 `json:"late_by_clock"` // of these: whose window the clock had closed, not the order of records
	Future          int64 `json:"future"`        // stamped too far ahead; also dead-lettered
	DeadLettered    int64 `json:"dead_lettered"`
	Unsent          int64 `json:"unsent_letters"` // of all that were put aside: those that have no letter, because its topic refused it
	Tombstones      int64 `json:"tombstones"`
	Shipped         int64 `json:"shipped"` // records sent on to be merged, where a topic is split

	TimesPassedOver map[string]int64 `json:"times_passed_over,omitempty"` // fields of event_time that had no time, by reason
	TimeFallbacks   int64            `json:"time_fallbacks"`              // records with a time in none of these fields
	TimesApart      int64            `json:"times_apart"`                 // records in which two of them disagree by more than a day
}

// OtherBranch counts the values of a union that are a branch without samples, and not
// null. They count as null in the statistics.
type OtherBranch struct {
	Field  string `json:"field"`
	Branch string `json:"branch"`
	Values int64  `json:"values"`
}

// OutputStatus is an aggregated topic with its windows.
type OutputStatus struct {
	Topic            string  `json:"aggregated_topic"`
	WindowSize       float64 `json:"window_size_seconds"`
	Advance          float64 `json:"advance_seconds"`      // a window begins so often
	AggregatedSchema *int    `json:"aggregated_schema_id"` // newest in use, null before the first
}

// PartitionStatus is one assigned source partition. The conservation law is
// Records = InWindows + Open + Late + DeadLettered + Tombstones + Shipped.
type PartitionStatus struct {
	Partition    int32         `json:"partition"`
	Position     int64         `json:"position"`  // next offset to read
	Committed    int64         `json:"committed"` // oldest record of a window that is not final
	End          int64         `json:"end"`       // high watermark last seen
	Lag          int64         `json:"lag"`       // End - Position
	Watermark    time.Time     `json:"watermark"`
	Idle         bool          `json:"idle"`
	Paused       bool          `json:"paused"`
	PausedBy     []string      `json:"paused_by,omitempty"` // reasons: schema, output, letters, partials, partitions, end, clock or ahead
	Clocks       []SourceClock `json:"clocks,omitempty"`    // that stamp its records and disagree, the slowest first
	Records      int64         `json:"records"`
	InWindows    int64         `json:"in_windows"`
	Open         int64         `json:"open"`
	Late         int64         `json:"late"`
	DeadLettered int64         `json:"dead_lettered"`
	Tombstones   int64         `json:"tombstones"`
	Shipped      int64         `json:"shipped"` // sent on to be merged
}

// SourceClock is a clock that stamps records of a partition.
type SourceClock struct {
	Ahead    float64 `json:"ahead_seconds"` // of the slowest
	Records  int64   `json:"records"`       // that it has stamped since it was found
	Producer *int64  `json:"producer_id"`   // of its newest record, null if that is not known
}

// Apart is how far the clocks of a partition are apart, in seconds.
func (p *PartitionStatus) Apart() float64 {
	if n := len(p.Clocks); n > 0 {
		return p.Clocks[n-1].Ahead
	}
	return 0
}

// Histogram counts observations in buckets; Bounds are upper bounds in
// seconds, Counts has one more entry for what is above the last bound.
type Histogram struct {
	Bounds []float64
	Counts []uint64
	Sum    float64
}
