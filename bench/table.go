package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is Markdown, on standard output and in a file.
type report struct {
	file *os.File
	err  error
}

func newReport(name string) (*report, error) {
	f, err := os.Create(name)
	return &report{file: f}, err
}

func (r *report) printf(format string, args ...any) {
	_, err := fmt.Fprintf(io.MultiWriter(os.Stdout, r.file), format, args...)
	r.err = cmp.Or(r.err, err)
}

// machine says where and when the figures were taken.
func (r *report) machine() {
	commit, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	r.printf("%s, commit %s, %s, %d cores (%s), load before: %s\n",
		time.Now().UTC().Format("2006-01-02 15:04 MST"), strings.TrimSpace(string(commit)), runtime.Version(), runtime.NumCPU(), cpuModel(), loadAverage())
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// loadAverage is the kernel's, of the last minute.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return cmp.Or(first, "unknown")
}

// table writes rows under headings; the first column is text, the others are numbers.
func (r *report) table(headings []string, rows [][]string) {
	r.printf("\n| %s |\n| --- |%s\n", strings.Join(headings, " | "), strings.Repeat(" --: |", len(headings)-1))
	for _, row := range rows {
		r.printf("| %s |\n", strings.Join(row, " | "))
	}
}

func (r *report) backlog(o *options, records int64, list []contestant, runs [][]result) {
	r.printf("\n%d records of %d doubles in %d partitions, %d a window; median of %d, and the span of the times; load now %s\n",
		records, fields+1, partitions, perWindow, o.rounds, loadAverage())
	n := float64(records)
	var rows [][]string
	var fetch, streams time.Duration
	for i, c := range list {
		m := median(runs[i])
		switch c.name {
		case "fetching alone":
			fetch = m.wall
		case "Kafka Streams":
			streams = m.wall
		}
	}
	for i, c := range list {
		m := median(runs[i])
		least, most := span(runs[i])
		rows = append(rows, []string{
			c.name,
			fmt.Sprintf("%.2f", m.wall.Seconds()), fmt.Sprintf("%.2f–%.2f", least.Seconds(), most.Seconds()),
			fmt.Sprintf("%.2f M", n/m.wall.Seconds()/1e6),
			fmt.Sprintf("%.2f", float64(m.cpu)/n/1e3), fmt.Sprint(m.peak >> 20),
			ratio(fetch, m.wall), ratio(streams, m.wall),
		})
	}
	r.table([]string{"", "s", "span", "records/s", "CPU µs/record", "peak RSS MiB", "of fetching alone", "× Kafka Streams"}, rows)
}

// marginal writes what the records cost by which a backlog is larger than the
// one before: start-up, joining the group and the like fall out.
func (r *report) marginal(sizes []int64, list []contestant, medians [][]result) {
	for k := 1; k < len(sizes); k++ {
		n := float64(sizes[k] - sizes[k-1])
		more := func(i int) time.Duration { return medians[i][k].wall - medians[i][k-1].wall }
		var fetch, streams time.Duration
		for i, c := range list {
			switch c.name {
			case "fetching alone":
				fetch = more(i)
			case "Kafka Streams":
				streams = more(i)
			}
		}
		var rows [][]string
		for i, c := range list {
			cpu := medians[i][k].cpu - medians[i][k-1].cpu
			rows = append(rows, []string{c.name, fmt.Sprintf("%.2f M", n/more(i).Seconds()/1e6), fmt.Sprintf("%.2f", float64(cpu)/n/1e3),
				ratio(fetch, more(i)), ratio(streams, more(i))})
		}
		r.printf("\nMarginal: from %d to %d records\n", sizes[k-1], sizes[k])
		r.table([]string{"", "records/s", "CPU µs/record", "of fetching alone", "× Kafka Streams"}, rows)
	}
}

func ratio(a, b time.Duration) string {
	if a <= 0 || b <= 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a.Seconds()/b.Seconds())
}

// median is the run of median wall time, with the medians of the rest.
func median(runs []result) result {
	return result{
		wall: middle(runs, func(r result) time.Duration { return r.wall }),
		cpu:  middle(runs, func(r result) time.Duration { return r.cpu }),
		peak: middle(runs, func(r result) int64 { return r.peak }),
	}
}

func middle[R any, T cmp.Ordered](runs []R, of func(R) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func span(runs []result) (least, most time.Duration) {
	least = runs[0].wall
	for _, r := range runs {
		least, most = min(least, r.wall), max(most, r.wall)
	}
	return least, most
}

// slug makes a name for files and topics.
func slug(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

// self is this program's file.
func self() string {
	name, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return name
}
