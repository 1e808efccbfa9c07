package main

import (
	"fmt"
	"time"
)

func (l *liveRun) report(r *report) {
	total := 0
	for _, c := range l.classes {
		total += c.topics
	}
	r.printf("\n%s: %d topics with one partition and %d fields, windows of 1 s, grace %v, measured for %.0f s; load now %s\n", l.name, total, l.fields, grace, l.took.Seconds(), loadAverage())
	r.table([]string{"", ""}, [][]string{
		{"records/s asked for", fmt.Sprintf("%.0f", l.asked)},
		{"records/s written", fmt.Sprintf("%.0f", l.reached)},
		{"worker: cores", fmt.Sprintf("%.3f", l.cpu.Seconds()/l.took.Seconds())},
		{"worker: CPU µs/record", fmt.Sprintf("%.2f", l.cpu.Seconds()*1e6/(l.reached*l.took.Seconds()))},
		{"worker: RSS MiB at the end, peak", fmt.Sprintf("%d, %d", l.rss>>20, l.peak>>20)},
		{"broker: cores", fmt.Sprintf("%.2f", l.brokerCPU.Seconds()/l.took.Seconds())},
		{"transactions a second, ms each", fmt.Sprintf("%.1f, %.0f", l.commits/l.took.Seconds(), 1e3*l.committing/max(1, l.commits))},
		{"lag in records at the start, at the end", fmt.Sprintf("%d, %d", l.lag[0], l.lag[1])},
		{"records written, all in windows", fmt.Sprint(l.produced)},
		{"windows missing between others, late records", fmt.Sprintf("%d, %d", l.gaps, l.late)},
	})
	var rows [][]string
	row := func(name string, delays []time.Duration) {
		cells := []string{name, fmt.Sprint(len(delays))}
		for _, q := range []float64{0.5, 0.9, 0.99, 1} {
			cells = append(cells, fmt.Sprint(quantile(delays, q).Milliseconds()))
		}
		rows = append(rows, cells)
	}
	for i, c := range l.classes {
		row(fmt.Sprintf("%d topics at %v Hz", c.topics, c.hz), l.observer.delays(i, 0, l.took))
	}
	third := l.took / 3
	if len(l.classes) > 1 {
		row("all", l.observer.delays(-1, 0, l.took))
	}
	row("all, first third", l.observer.delays(-1, 0, third))
	row("all, last third", l.observer.delays(-1, 2*third, l.took))
	r.printf("\nms from window end + grace to the record being readable\n")
	r.table([]string{"", "windows", "p50", "p90", "p99", "max"}, rows)
}
