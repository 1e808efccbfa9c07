package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

func newConfig(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, show and describe the configuration",
		Long: `Settings come from the built-in defaults, from the file named by -c or
KAFKA_AGGREGATOR_CONFIG, from environment variables, and from flags; the later
ones win. The variable of kafka.brokers is KAFKA_AGGREGATOR_KAFKA_BROKERS, that
of a key of the one aggregation is for example KAFKA_AGGREGATOR_WINDOW_SIZE.`,
		RunE: help,
	}
	cmd.AddCommand(newConfigCheck(p), newConfigShow(p), newConfigSchema(p))
	return cmd
}

func newConfigCheck(p *Process) *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Check a configuration file, without connecting to anything",
		Long: `Check reads a configuration file (- is standard input) and reports every problem
with its line and column, the key, what is wrong and what to write instead.
Environment variables and flags play no part. The exit code is 78 if there is a
problem.`,
		Example: `  kafka-aggregator config check config.yaml`,
		Args:    arguments("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			sources := config.Sources{File: args[0]}
			if args[0] == "-" {
				text, err := io.ReadAll(io.LimitReader(p.Stdin, 2<<20))
				if err != nil {
					return fmt.Errorf("read standard input: %w", err)
				}
				sources = config.Sources{File: "standard input", Text: append([]byte{}, text...)}
			}
			l, err := config.Load(sources)
			if err != nil {
				return err
			}
			for _, w := range l.Warnings {
				fmt.Fprintln(p.Stderr, "warning:", w)
			}
			_, err = fmt.Fprintf(p.Stdout, "%s: no problems, %s\n", sources.File, count(len(l.Aggregations), "aggregation"))
			return err
		},
	}
}

func newConfigShow(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the values in effect, each with its origin",
		Long: `Show prints the configuration that a worker started with the same file,
environment and flags would have, as a file that can be used again, with the
origin of each value as a comment. Passwords and tokens are hidden.`,
		Example: `  kafka-aggregator config show -c config.yaml
  kafka-aggregator config show -o csv | grep environment`,
	}
	s := addSettings(p, cmd, workerSettings()...)
	format := outputFlag(cmd, "yaml", "table", "json", "jsonl", "csv")
	cmd.RunE = func(*cobra.Command, []string) error {
		l, err := s.load()
		if err != nil {
			return err
		}
		if format.value == "yaml" {
			_, err := io.WriteString(p.Stdout, l.YAML())
			return err
		}
		t := &table{columns: []string{"key", "value", "origin"}}
		for _, item := range l.Settings() {
			t.rows = append(t.rows, []any{item.Path, item.Value, item.Origin.String()})
		}
		return t.write(p.Stdout, format.value)
	}
	return cmd
}

func newConfigSchema(p *Process) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file, for editors",
		Long: `Schema prints a JSON Schema (draft 2020-12). Editors use it to complete and
check the file while it is written, for example if its first line is
# yaml-language-server: $schema=./kafka-aggregator.schema.json`,
		Example: `  kafka-aggregator config schema > kafka-aggregator.schema.json`,
		RunE: func(*cobra.Command, []string) error {
			_, err := p.Stdout.Write(config.JSONSchema())
			return err
		},
	}
}

// count is "1 topic", "2 topics".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
