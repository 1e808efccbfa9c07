package stats

import "github.com/lsst-sqre/kafka-aggregator/internal/invariants"

// Method is the definition of quantiles.
type Method uint8

const (
	Exclusive Method = iota // Hyndman-Fan R6, Python's default
	Inclusive               // Hyndman-Fan R7, numpy's default
)

// SmallSamples says what stands for an operation that needs more samples than there are.
type SmallSamples uint8

const (
	SmallNull       SmallSamples = iota // no value
	SmallFirstValue                     // the first sample, in every statistic (the predecessor's rule)
)

// Options of a Summarizer.
type Options struct {
	Quantiles     Method
	MinSampleSize int // fewer samples: what describes spread or shape has no value
	SmallSamples  SmallSamples
}

// Summarizer computes a fixed list of operations. It owns scratch memory, so
// each goroutine has its own. No allocation after warm-up.
type Summarizer struct {
	ops  []Operation
	opts Options
	set  sampleSet

	sorter tallySorter
	calls  int // of verify
}

// NewSummarizer prepares a Summarizer for operations made by ParseOperation.
func NewSummarizer(ops []Operation, opts Options) *Summarizer {
	s := &Summarizer{ops: ops, opts: opts}
	s.set.init(ops, opts.Quantiles)
	return s
}

// Summarize writes the result of each operation to dst (len(dst) ==
// len(ops)), NaN where there is none. The result does not depend on the order
// of samples or their split into segments, except that first, last and
// slope look at times: ties in time go by segment, then row.
//
// first and last (and the first value of SmallFirstValue) go by segment and
// row alone where segments have no Times; slope then has no value.
func (s *Summarizer) Summarize(dst []float64, kind Kind, segs []Segment) {
	dst = dst[:len(s.ops)]
	set := &s.set
	set.load(kind, segs)
	short := set.n < s.opts.MinSampleSize
	for i := range s.ops {
		op := &s.ops[i]
		d := op.def
		v := NaN
		switch {
		case d.counter:
			v = d.compute(set, *op)
		case set.n == 0:
		case short && s.opts.SmallSamples == SmallFirstValue:
			v = set.first()
		case short && d.spread, set.n < d.least:
		default:
			v = d.compute(set, *op)
		}
		if v != v {
			v = NaN // whatever its payload
		}
		dst[i] = v
	}
	if invariants.Enabled && !set.sketched {
		s.verify(dst, kind, segs)
	}
	set.segs = nil
}

// RankError is how far the quantiles of the last call of Summarize may be off,
// as a part of the number of samples n: with a probability of at least 99 %,
// for each, a quantile asked for at rank r is a sample whose true rank is
// within RankError·n of r. It is 0 if they are exact, or none was asked for.
func (s *Summarizer) RankError() float64 { return s.set.rankError }
