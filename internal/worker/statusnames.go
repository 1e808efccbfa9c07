package worker

import "github.com/lsst-sqre/kafka-aggregator/internal/status"

// What a worker fills in, by the names that those use who have a worker at hand.
type (
	Status          = status.Status
	TopicStatus     = status.TopicStatus
	TopicCounts     = status.TopicCounts
	OutputStatus    = status.OutputStatus
	PartitionStatus = status.PartitionStatus
	Histogram       = status.Histogram
	Problem         = status.Problem
)
