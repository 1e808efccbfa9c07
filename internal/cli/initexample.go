package cli

import (
	"github.com/spf13/cobra"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

func newInitExample(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init-example",
		Short: "Make example topics and register their schemas",
		Long: `Makes the topics example-000, example-001, … and registers their Avro schemas:
a time and the fields value0, value1, …, all of type double. There may be up to
999 topics and 999 fields. What exists already stays as it is, and the table
says so; run it again as often as you like.`,
		Example: `  kafka-aggregator init-example
  kafka-aggregator init-example --topics 3 --fields 5 --partitions 4`,
	}
	s := addSettings(p, cmd, append(connectionSettings(),
		setting{"topics", "example.topics"},
		setting{"fields", "example.fields"},
		setting{"partitions", "example.partitions"},
		setting{"prefix", "example.prefix"},
	)...)
	output := outputFlag(cmd, "table", "json", "jsonl", "csv")
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
		e := l.Config.Example
		created, err := example.Create(cmd.Context(), c.Kafka, c.Source, example.Plan{
			Prefix: e.Prefix, Topics: e.Topics, Fields: e.Fields, Partitions: e.Partitions,
		})
		if err != nil {
			return c.RegistryError(cmd.Context(), c.Source, err)
		}
		return createdTable(created).write(p.Stdout, output.value)
	}
	return cmd
}

func createdTable(created []example.Created) *table {
	t := &table{columns: []string{"topic", "partitions", "fields", "schema_id", "topic_state", "schema_state"}}
	state := map[bool]string{false: "created", true: "existed"}
	for _, c := range created {
		t.rows = append(t.rows, []any{c.Name, c.Partitions, c.Fields, c.SchemaID, state[c.TopicExisted], state[c.SchemaExisted]})
	}
	return t
}
