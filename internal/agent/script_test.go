package agent

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// TestWindows plays testdata/windows/*.txt. They are the chapters of the manual
// of windows: prose, and commands with what comes of them. A line that begins
// with "> " is a command, the lines below it that are indented by two spaces
// are its output, all else is prose. UPDATE=1 writes the outputs anew.
//
// Event times are in seconds since the epoch, without a unit; durations have
// one (10s, 1m). A record is partition/offset, and 0/3-5 are the offsets 3 to 5
// of partition 0. In the commands W is the name of a worker; without it the
// worker is a, which has all partitions at first.
//
//	windows SIZE[/ADVANCE]… [SETTING=VALUE]…
//	                    a new topic, and the worker a with these windows. Settings:
//	                    grace=0s idle=5s skew=10m partitions=1 operations=sum empty=false, and
//	                    confirm=0, the records for which a clock that is ahead of others is
//	                    doubted (1024 in a worker). time=NAME,… says in which fields of the
//	                    records their time is, and fallback=bad that one with none there is
//	                    bad; time=kafka is the default
//	record P TIME… [x=V] [NAME=T]… [kafka=T]
//	                    records are written to partition P, and read by the worker
//	                    that has it. FROM..TO is each whole second,
//	                    FROM..TO/HZ so many times a second. V is 1, null
//	                    (a tombstone) or bad (not to be decoded). Records that get
//	                    into their windows have no output. Where the time is in fields, TIME
//	                    is that of the first one, unless NAME=T says another; of others it is
//	                    null without. kafka=T is the timestamp in Kafka, TIME without
//	silent [P] DURATION
//	                    brokers say that the partition (or all) is read to its end;
//	                    the last record came that long ago
//	clock TIME          what time it is; all partitions are read to their end. Without
//	                    it, nothing is from the future
//	close [W]           the worker takes the windows out that are final
//	commit [W]          they become visible, with the offsets to start from again
//	state [W]           how far the worker is, and the slices that it has in memory
//	stop [W], start [W], restart [W]
//	                    memory is gone, with what was not committed; the worker
//	                    goes on from its last commit. Without W: all workers
//	reconfigure SIZE[/ADVANCE]… [SETTING=VALUE]…
//	                    all workers start again with another configuration
//	delete P OFFSET     the topic's retention deletes what is below the offset
//	compact P OFFSET    the record at the offset is compacted away
//	split               the topic may be split
//	take W P…           the partitions go to the worker W
//	merge               the worker "merger" reads what was shipped, and takes
//	                    the windows out that are final
//
// Beside the expected lines, it is checked that each window has exactly the
// records that were taken for it, unless it is partial, and that none becomes
// visible twice.
func TestWindows(t *testing.T) {
	files, err := filepath.Glob("testdata/windows/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, name, string(text))
			if got == string(text) {
				return
			}
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			a, b := strings.Split(got, "\n"), strings.Split(string(text), "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("%s:%d: got\n%s\nwant\n%s", name, i+1, a[i], b[i])
				}
			}
			t.Errorf("%s: got %d lines, want %d", name, len(a), len(b))
		})
	}
}

// play plays a script and returns it with the outputs that came.
func play(t *testing.T, name, text string) string {
	w := &world{t: t}
	var out strings.Builder
	output := false // the line may be one of a command's output
	for i, line := range strings.SplitAfter(text, "\n") {
		command, is := strings.CutPrefix(line, "> ")
		if output = is || output && strings.HasPrefix(line, "  "); output && !is {
			continue
		}
		out.WriteString(line)
		if !is {
			continue
		}
		w.at = name + ":" + strconv.Itoa(i+1)
		w.out.Reset()
		if args := strings.Fields(command); len(args) > 0 {
			w.do(args)
		}
		for line := range strings.Lines(w.out.String()) {
			out.WriteString("  " + line)
		}
	}
	return out.String()
}

// arguments are how many a command has at least.
var arguments = map[string]int{"windows": 1, "reconfigure": 1, "record": 2, "silent": 1, "clock": 1, "delete": 2, "compact": 2, "take": 2}

// do runs a command.
func (w *world) do(args []string) {
	command, args := args[0], args[1:]
	switch {
	case command != "windows" && w.members == nil:
		w.fail("the first command of a script is windows")
	case len(args) < arguments[command]:
		w.fail("%s needs %d arguments or more", command, arguments[command])
	}
	switch command {
	case "windows":
		w.begin(args)
	case "reconfigure":
		w.stop("")
		w.configure(args)
		w.start("")
	case "record":
		w.write(w.partition(args[0]), args[1:])
	case "silent":
		d := w.duration(args[len(args)-1])
		for id := range w.silent {
			if len(args) == 1 || w.partition(args[0]) == id {
				w.silent[id] = d
			}
		}
	case "clock":
		w.now = w.time(args[0])
		for _, m := range w.members {
			for _, p := range m.agent.Partitions() {
				p.ReadToEnd(w.now)
			}
		}
	case "close":
		w.close(w.member(args))
	case "commit":
		w.commit(w.member(args))
	case "state":
		w.state(w.member(args))
	case "stop":
		w.stop(strings.Join(args, ""))
	case "start":
		w.start(strings.Join(args, ""))
	case "restart":
		w.stop(strings.Join(args, ""))
		w.start(strings.Join(args, ""))
	case "delete":
		w.first[w.partition(args[0])] = w.number(args[1])
	case "compact":
		log, offset := w.logs[w.partition(args[0])], w.number(args[1])
		if offset >= int64(len(log)) {
			w.fail("there is no offset %d", offset)
		}
		log[offset].gone = true
	case "split":
		w.share(Split)
	case "take":
		w.take(args[0], args[1:])
	case "merge":
		w.merge()
	default:
		w.fail("unknown command %q", command)
	}
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf(w.at+": "+format, args...)
}

// truth reads whether something is.
func (w *world) truth(text string) bool {
	is, err := strconv.ParseBool(text)
	if err != nil {
		w.fail("%v", err)
	}
	return is
}

func (w *world) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		w.fail("%v", err)
	}
	return n
}

// partition reads the number of one.
func (w *world) partition(text string) int {
	id := w.number(text)
	if id < 0 || id >= int64(len(w.logs)) {
		w.fail("there is no partition %d", id)
	}
	return int(id)
}

func (w *world) duration(text string) int64 {
	d, err := time.ParseDuration(text)
	if err != nil {
		w.fail("%v", err)
	}
	return int64(d)
}

// time reads an event time, in ns.
func (w *world) time(text string) int64 { return w.duration(text + "s") }

// times reads one event time, or a range of them.
func (w *world) times(text string) (list []int64) {
	from, to, ok := strings.Cut(text, "..")
	if !ok {
		return []int64{w.time(text)}
	}
	to, rate, ok := strings.Cut(to, "/")
	step := second
	if ok {
		hz, err := strconv.ParseInt(rate, 10, 64)
		if err != nil || hz < 1 {
			w.fail("%s is not a number of records a second", rate)
		}
		step /= hz
	}
	for t := w.time(from); t <= w.time(to); t += step {
		list = append(list, t)
	}
	return list
}

// clockTime writes an event time, in seconds.
func clockTime(t int64) string {
	if t == window.Unset {
		return "none"
	}
	return strconv.FormatFloat(float64(t)/float64(second), 'f', -1, 64)
}

// interval writes that of a window or a slice.
func interval(start, end int64) string { return "[" + clockTime(start) + ", " + clockTime(end) + ")" }
