package cli

import (
	"fmt"

	"github.com/spf13/cobra"
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
		c, err := connect(cmd.Context(), l)
		if err != nil {
			return err
		}
		defer c.Close()
		found, err := c.look(cmd.Context())
		if err != nil {
			return err
		}
		if len(found.agents) == 0 {
			fmt.Fprintf(p.Stderr, "no topic is taken; the cluster has %d\nhint: see \"kafka-aggregator plan\" for the reasons\n", len(found.passed))
		}
		return found.table().write(p.Stdout, format.value)
	}
	return cmd
}

func (s *survey) table() *table {
	t := &table{columns: []string{"source_topic", "partitions", "schema_id", "fields", "left_out", "aggregated_topic", "aggregated_schema_id", "problem"}}
	for _, a := range s.agents {
		t.rows = append(t.rows, []any{a.topic, a.partitions, a.schemaID, len(a.fields()), len(a.leftOut()), a.output.Topic, a.currentID(), a.problem})
	}
	return t
}
