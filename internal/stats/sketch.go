package stats

import "unsafe"

// Needs says what a Sketch must keep for a list of operations.
type Needs struct {
	order     int  // highest power of the samples
	quantiles bool // of any kind
	ends      bool // first and last
	slope     bool
}

// NeedsOf is what these operations need.
func NeedsOf(ops []Operation, opts Options) Needs {
	n := Needs{ends: opts.SmallSamples == SmallFirstValue}
	for _, op := range ops {
		n.order = max(n.order, op.def.order)
		n.quantiles = n.quantiles || op.quantile()
		n.slope = n.slope || op.def == &opSlope
		n.ends = n.ends || op.def.times && op.def != &opSlope
	}
	return n
}

// And is what both need.
func (n Needs) And(o Needs) Needs {
	return Needs{max(n.order, o.order), n.quantiles || o.quantiles, n.ends || o.ends, n.slope || o.slope}
}

// quantile is true for what is computed of quantiles and can be of
// approximate ones.
func (o Operation) quantile() bool {
	return o.def == &opPercentile || len(o.def.cuts) > 0 && o.def != &opMAD
}

// Sketch is the samples of one field in one window from one source
// partition in bounded memory (at most MaxSketch bytes), for when they are
// too many to be kept. Moments, extremes, first, last, slope and counts stay
// exact; of the distribution it keeps a quantile sketch.
//
// Its state depends on the samples, their order and the seed, and not on how
// they were divided among calls of Add. Sketches are merged by giving all of
// them to a Summarizer, which rounds once and adds no error of its own.
type Sketch struct {
	needs  Needs
	origin int64 // ns; line counts from here
	n      int64
	nulls  int64
	nans   int64
	lo, hi extreme

	sums        *PowerSums // nil if no power is needed
	quantiles   kll
	line        *line
	first, last timed
}

// extreme is a smallest or largest sample; if it is an integer that no double
// holds, rest is what is missing.
type extreme struct {
	value float64
	rest  int16
}

func (e extreme) less(o extreme) bool {
	return e.value < o.value || e.value == o.value && e.rest < o.rest
}

// timed is a sample with its time, which is 0 where segments have none.
type timed struct {
	value float64
	time  int64
}

// MaxSketch is the most that a Sketch can take, in bytes: 105 KiB for the
// quantiles, 10 KiB at most for the exact sums.
const MaxSketch = 120 << 10

// NewSketch makes a sketch of no samples. No event time is before origin (ns
// since the epoch), which must be the same for all sketches of a window. Seeds
// of sketches that are merged should differ, so that their errors are
// independent.
func NewSketch(needs Needs, origin int64, seed uint64) *Sketch {
	s := &Sketch{needs: needs, origin: origin}
	if needs.order > 0 {
		s.sums = NewPowerSums(needs.order)
	}
	if needs.slope {
		s.line = new(line)
		s.line.reset()
	}
	if needs.quantiles {
		s.quantiles.reset(seed)
	}
	return s
}

// N is the number of samples.
func (s *Sketch) N() int64 { return s.n }

// Size is the memory that the sketch takes, in bytes.
func (s *Sketch) Size() int64 {
	n := int64(unsafe.Sizeof(*s)) + int64(cap(s.quantiles.items))*8
	if s.sums != nil {
		n += s.sums.size()
	}
	if s.line != nil {
		n += s.line.size()
	}
	return n
}

// AddNulls adds nulls alone.
func (s *Sketch) AddNulls(n int64) { s.nulls += n }

// Nulls is the number of nulls.
func (s *Sketch) Nulls() int64 { return s.nulls }

// Add adds the rows of a segment, which has no Sketch, in their order.
func (s *Sketch) Add(seg *Segment) {
	if s.needs.quantiles {
		s.quantiles.add(seg.Values)
	}
	rests := seg.Residuals
	for row, x := range seg.Values {
		if x != x {
			s.mark(x)
			continue
		}
		x += 0 // makes 0 of -0
		rest := int16(0)
		for len(rests) > 0 && int(rests[0].Row) < row {
			rests = rests[1:]
		}
		if len(rests) > 0 && int(rests[0].Row) == row {
			rest = rests[0].Value
		}
		s.sample(x, rest)
		if s.needs.ends || s.needs.slope {
			s.timed(x, rest, seg.time(row), seg.Times != nil)
		}
	}
}

func (s *Sketch) mark(x float64) {
	switch {
	case IsAbsent(x):
	case IsNull(x):
		s.nulls++
	default:
		s.nans++
	}
}

func (s *Sketch) sample(x float64, rest int16) {
	e := extreme{x, rest}
	if s.n == 0 || e.less(s.lo) {
		s.lo = e
	}
	if s.n == 0 || s.hi.less(e) {
		s.hi = e
	}
	s.n++
	if s.sums == nil {
		return
	}
	if rest != 0 {
		if v, ok := joinInt64(x, rest); ok {
			s.sums.AddInt(v)
			return
		}
	}
	s.sums.Add(x)
}

// timed is called after sample.
func (s *Sketch) timed(x float64, rest int16, t int64, known bool) {
	if s.n == 1 || t < s.first.time {
		s.first = timed{x, t}
	}
	if s.n == 1 || t >= s.last.time {
		s.last = timed{x, t}
	}
	if s.line != nil {
		s.line.add(x, rest, uint64(t)-uint64(s.origin), known)
	}
}
