package estimate

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

// Class is a number of topics with like loads.
type Class struct {
	Topics      float64 // not whole where a part of a load stands for all of it
	Values      int     // of a record
	Rate        float64 // records/s of each topic
	Aggregation *config.Aggregation
}

// Records and ValuesIn are per second, of all topics of the class.
func (c Class) Records() float64 { return c.Topics * c.Rate }

// ValuesIn: see Records.
func (c Class) ValuesIn() float64 { return c.Records() * float64(c.Values) }

// Windows is how many windows of all its topics become final in a second.
func (c Class) Windows() float64 {
	return c.Topics * min(c.Rate, 1/c.Aggregation.Window.Size.Seconds())
}

// Samples is how many records a window has.
func (c Class) Samples() int {
	return max(1, int(math.Round(c.Rate*c.Aggregation.Window.Size.Seconds())))
}

// Uniform is a load of topics that are all alike. Of the aggregation the first of its
// windows are measured.
func Uniform(topics, values int, rate float64, a *config.Aggregation) []Class {
	return []Class{{Topics: float64(topics), Values: values, Rate: rate, Aggregation: ofFirstWindows(a)}}
}

// ofFirstWindows is the aggregation with the first of its windows only: those are
// measured.
func ofFirstWindows(a *config.Aggregation) *config.Aggregation {
	only, first := *a, a.Outputs()[0]
	only.Window.Size, only.Operations, only.MinSampleSize, only.EmitEmpty, only.Windows = first.Size, first.Operations, first.MinSampleSize, first.EmitEmpty, nil
	return &only
}

// Existing is the load of the source topics of a survey, by their rates and the
// lengths of their arrays, and how many topics have no known rate.
func Existing(s *survey.Survey, rates map[string]cluster.Rate, lengths map[*survey.Agent][]int) (classes []Class, unknown int) {
	first := make(map[*config.Aggregation]*config.Aggregation)
	for _, a := range s.Agents {
		if a.Problem != "" || a.Used == nil || !a.First() {
			continue
		}
		of := a.Choice.Aggregation
		if first[of] == nil {
			first[of] = ofFirstWindows(of)
		}
		r := rates[a.Topic]
		if r.How == "" {
			unknown++
			continue
		}
		classes = append(classes, Class{Topics: 1, Values: max(1, a.Values(lengths[a])), Rate: r.PerSecond, Aggregation: first[of]})
	}
	return gather(classes), unknown
}

// gather puts topics together whose rates are within a factor of 4 and whose
// records are within a factor of 2 in size. Records/s stay what they were.
func gather(classes []Class) []Class {
	type key struct {
		aggregation  *config.Aggregation
		values, rate int
	}
	sums := map[key]*Class{}
	total := map[key]float64{} // values/s
	var order []key
	for _, c := range classes {
		k := key{c.Aggregation, int(math.Log2(float64(c.Values))), int(math.Floor(math.Log2(c.Rate) / 2))}
		s := sums[k]
		if s == nil {
			s = &Class{Aggregation: c.Aggregation}
			sums[k], order = s, append(order, k)
		}
		total[k] += c.ValuesIn()
		s.Rate += c.Records() // for now
		s.Topics += c.Topics
	}
	var out []Class
	for _, k := range order {
		s := sums[k]
		s.Values = int(math.Ceil(total[k] / s.Rate))
		s.Rate /= s.Topics
		out = append(out, *s)
	}
	slices.SortStableFunc(out, func(a, b Class) int { return -cmp.Compare(a.ValuesIn(), b.ValuesIn()) })
	return out
}
