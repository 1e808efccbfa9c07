package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

func newAgents(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agents",
		Short: "List what a worker would run, one agent for each source topic",
		Long: `Agents lists the source topics that a worker with this configuration would
aggregate: partitions, newest schema, fields used and left out, the aggregated
topic and its schema (0 if none is registered yet). It changes nothing. For the
reasons and the derived schemas see "plan".`,
		Example: `  kafka-aggregator agents
  kafka-aggregator agents --brokers kafka:9092 --include '^sensor-' -o csv`,
	}
	s := addSettings(p, cmd, aggregationSettings()...)
	format := outputFlag(cmd, "table", "json", "jsonl", "csv")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := s.load()
		if err != nil {
			return err
		}
		c, err := cluster.Connect(cmd.Context(), l)
		if err != nil {
			return err
		}
		defer c.Close()
		found, err := survey.Look(cmd.Context(), c)
		if err != nil {
			return err
		}
		if len(found.Agents) == 0 {
			fmt.Fprintf(p.Stderr, "no topic is taken; the cluster has %d\nhint: see \"kafka-aggregator plan\" for the reasons\n", len(found.Passed))
		}
		return agentsTable(found).write(p.Stdout, format.value)
	}
	return cmd
}

func agentsTable(s *survey.Survey) *table {
	t := &table{columns: []string{"source_topic", "partitions", "schema_id", "fields", "left_out", "aggregated_topic", "aggregated_schema_id", "problem"}}
	for _, a := range s.Agents {
		t.rows = append(t.rows, []any{a.Topic, a.Partitions, a.SchemaID, len(a.Fields()), len(a.LeftOut()), a.Output.Topic, a.CurrentID(), a.Problem})
	}
	return t
}
