package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// SizePlaceholder stands for a window's size, such as 10s, in an aggregated
// topic's name.
const SizePlaceholder = "{size}"

// Outputs are the windows of an aggregation, one entry or more, with all that an
// entry leaves out, in the order of the file.
func (a *Aggregation) Outputs() []Output {
	list := a.Windows
	if len(list) == 0 {
		list = []Output{{Size: a.Window.Size}}
	}
	out := make([]Output, len(list))
	for i, o := range list {
		if o.Advance == 0 {
			o.Advance = o.Size
		}
		if o.AggregatedTopic == "" {
			o.AggregatedTopic = a.AggregatedTopic
		}
		o.AggregatedTopic = strings.ReplaceAll(o.AggregatedTopic, SizePlaceholder, FormatDuration(o.Size))
		if len(o.Operations) == 0 {
			o.Operations = a.Operations
		}
		if o.MinSampleSize == 0 {
			o.MinSampleSize = a.MinSampleSize
		}
		o.EmitEmpty = o.EmitEmpty || a.EmitEmpty
		out[i] = o
	}
	return out
}

// Grid is how the windows of all outputs lie, each shape at the index of its output.
func (a *Aggregation) Grid() (window.Grid, error) {
	var shapes []window.Shape
	for _, o := range a.Outputs() {
		shapes = append(shapes, window.Shape{Size: int64(o.Size), Advance: int64(o.Advance)})
	}
	return window.NewGrid(shapes...)
}

// Longest is the size of the longest windows.
func (a *Aggregation) Longest() (longest time.Duration) {
	for _, o := range a.Outputs() {
		longest = max(longest, o.Size)
	}
	return longest
}

// maxSlices bounds what there is of a window in memory beside its records.
const maxSlices = 100_000

func (a *Aggregation) checkOutputs(c checker) {
	if len(a.Windows) == 0 {
		c.size("window.size", a.Window.Size)
		c.format("aggregated_topic", a.AggregatedTopic, a.Window.Size)
		return
	}
	sound := true
	topics := map[string]int{}
	for i, o := range a.Outputs() {
		in := c.in(fmt.Sprintf("windows[%d]", i))
		before := len(*c.found)
		in.size("size", o.Size)
		switch {
		case o.Advance < 0 || o.Advance > o.Size:
			in.add("advance", "write at most the size", "%s is not above 0 and up to the size", FormatDuration(o.Advance))
		case o.Advance%time.Millisecond != 0:
			in.add("advance", "write for example 1s", "%s is not in whole milliseconds", FormatDuration(o.Advance))
		}
		at := "aggregated_topic"
		if a.Windows[i].AggregatedTopic != "" {
			in.format(at, a.Windows[i].AggregatedTopic, o.Size)
		} else {
			c.format(at, a.AggregatedTopic, o.Size)
		}
		if len(a.Windows[i].Operations) > 0 {
			in.operations("operations", o.Operations)
		}
		in.within("min_sample_size", o.MinSampleSize, 1, 1<<31-1)
		if len(*c.found) > before {
			sound = false
			continue
		}
		if first, ok := topics[o.AggregatedTopic]; ok {
			in.add(at, "write {size} in aggregated_topic, as in '{source_topic}-{size}-aggregated', or a name for each entry", "%s is where the windows of windows[%d] are written to, too", o.AggregatedTopic, first)
		} else {
			topics[o.AggregatedTopic] = i
		}
	}
	if !sound {
		return
	}
	if g, err := a.Grid(); err != nil {
		c.add("windows", "", "%v", err)
	} else if n := int64(a.Longest()) / g.Slice; n > maxSlices {
		c.add("windows", "write sizes and advances that are multiples of a longer time", "the longest window would have %d slices of %s, into which all sizes and advances can be divided; there may be %d", n, FormatDuration(time.Duration(g.Slice)), maxSlices)
	}
}

// size checks the size of windows.
func (c checker) size(key string, d time.Duration) {
	switch {
	case d <= 0:
		c.add(key, "write for example 1s", "%s is not longer than nothing", FormatDuration(d))
	case d%time.Millisecond != 0:
		c.add(key, "write for example "+FormatDuration(d.Truncate(time.Millisecond)+time.Millisecond), "%s is not in whole milliseconds", FormatDuration(d))
	case d > maxWindow:
		c.add(key, "write at most 366d", "%s is too long", FormatDuration(d))
	}
}
