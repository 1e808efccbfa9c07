package survey

import (
	"context"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Forecast is what it would be like to aggregate the topics of a survey.
type Forecast struct {
	Loads    map[*Agent]Load         // of agents that have a schema to go on with
	Outputs  map[*Agent]*OutputTopic // of agents that have a plan
	Warnings map[*Agent][]Warning    // of those that have a load
}

// Forecast measures the input for a while (0: not at all) and looks at last
// records, aggregated topics and backlogs. An aggregated topic that brokers would
// not create becomes the problem of its agent. Errors are those of Look.
func (s *Survey) Forecast(ctx context.Context, of *cluster.Cluster, measure time.Duration) (*Forecast, error) {
	c := looker{of}
	rates, err := c.Rates(ctx, s.Topics(), measure)
	if err != nil {
		return nil, err
	}
	lengths, err := s.ArrayLengths(ctx, of)
	if err != nil {
		return nil, err
	}
	outputs, err := c.outputTopics(ctx, s)
	if err != nil {
		return nil, err
	}
	oldest, err := c.backlog(ctx, s.Topics())
	if err != nil {
		return nil, err
	}
	sources, err := c.settings(ctx, s.Topics())
	if err != nil {
		return nil, err
	}
	f := &Forecast{Loads: make(map[*Agent]Load), Outputs: outputs, Warnings: make(map[*Agent][]Warning)}
	now := time.Now()
	for _, a := range s.Agents {
		if a.Used != nil {
			f.Loads[a] = a.Load(rates[a.Topic], lengths[a])
			f.Warnings[a] = append(a.onArrival(config.LimitsOf(sources[a.Topic])), a.warnings(outputs[a], f.Loads[a], oldest[a.Topic], now)...)
		}
	}
	return f, nil
}
