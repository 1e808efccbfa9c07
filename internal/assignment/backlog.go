package assignment

import "slices"

const (
	// recordBytes is about how long a record is, and catchUp within how many
	// seconds a backlog should be worked off.
	recordBytes = 100
	catchUp     = 60
	// mergeWeight is about what the merging of a topic costs beside the reading
	// of its records.
	mergeWeight = 1.0 / 6
)

// BacklogLoad is what a backlog of so many bytes counts, in bytes/s.
func BacklogLoad(bytes float64) float64 { return bytes / catchUp }

// BacklogOfRecords is what a backlog of so many records counts that nobody has
// measured, in bytes/s.
func BacklogOfRecords(n int64) float64 { return BacklogLoad(float64(n) * recordBytes) }

// complete adds guesses for the topics of which no load is known.
func (b *Balancer) complete(partitions map[string]int32, loads map[string]map[int32]float64) {
	merged := map[string]string{} // source by topic with partials
	for t := range partitions {
		if p := b.Partials(t); partitions[p] > 0 && b.MaxWorkers(t) != 1 {
			merged[p] = t
		}
	}
	var unknown []string
	for t := range partitions {
		if _, known := loads[t]; !known && merged[t] == "" {
			unknown = append(unknown, t)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		for t, parts := range b.Backlog(unknown) {
			loads[t] = parts
		}
	}
	for p, t := range merged {
		if _, known := loads[p]; !known {
			sum := 0.0
			for _, v := range loads[t] {
				sum += v
			}
			loads[p] = map[int32]float64{0: mergeWeight * sum}
		}
	}
}
