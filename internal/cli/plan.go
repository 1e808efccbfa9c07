package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

func newPlan(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what a worker would do, and change nothing",
		Long: `Plan is a dry run. For each source topic it prints the fields that are taken,
each one that is left out with its reason, what becomes of the schema of the
aggregated topic, and what it costs:

  input      records/s, by the growth of the topic while plan runs; of a topic
             that does not grow, by the time stamps of the last minute of data
  output     records/s and bytes/s: one record for each window
  reduction  R = window · f_in / N_ops: values read for each value written
  memory     of open windows: f_in · (window + grace) · 8 bytes for each value,
             12 where windows are of several sizes or overlap

What becomes of the schema is worked out as the worker does it, from all versions
that are registered: "unchanged" is a version that has the fields and operations, also
an older one; "new" and "changed" (a widening of the newest) would be registered. Of
a topic without numeric fields the records are counted.

The registry is asked whether a schema is compatible with the versions that it
has. If not, a topic goes on with the newest version in use, without the fields that
it lacks, or it waits if there is none; plan says which. Whether it has room for the schema it says only when it has to keep it, so
its size is compared with what Kafka takes by default, 1 MiB. That the registry
is read-only, or that you may not register, plan cannot find out.

Where event_time is set it says which field of each topic has the time, and else
warns of topics whose broker stamps records when they arrive, with the fields that are likely
to have the time of the measurement.

It warns where an aggregated topic would refuse its records or lose them: by their
size (max.message.bytes), by the age of a backlog (retention.ms) or by stamps that lie
ahead. Brokers judge the creation of topics that are missing; nothing is created.

With --detailed-exitcode the exit code is 2 if a worker would create a topic or
register a schema, or if a topic has a problem.`,
		Example: `  kafka-aggregator plan
  kafka-aggregator plan -c config.yaml --schema --measure 0s
  kafka-aggregator plan -o json | jq '.topics[].left_out'`,
	}
	s := addSettings(p, cmd, aggregationSettings()...)
	schema := cmd.Flags().Bool("schema", false, "print the derived schemas too")
	detailed := cmd.Flags().Bool("detailed-exitcode", false, "exit code 2 if a worker would change anything")
	measure := cmd.Flags().Duration("measure", 3*time.Second, "how long to measure the input rate; 0s: not at all")
	format := outputFlag(cmd, "text", "table", "json", "jsonl", "csv")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := s.load()
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		c, err := cluster.Connect(ctx, l)
		if err != nil {
			return err
		}
		defer c.Close()
		found, err := survey.Look(ctx, c)
		if err != nil {
			return err
		}
		forecast, err := found.Forecast(ctx, c, *measure)
		if err != nil {
			return err
		}
		pl := &plan{Survey: found, Forecast: forecast, createTopics: l.Worker.CreateTopics, schema: *schema}
		if err := pl.write(p.Stdout, format.value); err != nil {
			return err
		}
		if *detailed && found.Differs() {
			return errDifferences
		}
		return nil
	}
	return cmd
}

// plan is a survey with a forecast, to be shown.
type plan struct {
	*survey.Survey
	*survey.Forecast
	createTopics bool
	schema       bool // print schemas
}

// topicText says what becomes of a topic that the worker writes to.
func (pl *plan) topicText(topic string, exists bool, partitions int) string {
	switch {
	case exists:
		return topic + ", exists"
	case pl.createTopics:
		return fmt.Sprintf("%s, would be created with %s", topic, count(partitions, "partition"))
	}
	return topic + ", is missing, and worker.create_topics is false"
}
