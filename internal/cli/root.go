package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// newRoot builds the command tree.
func newRoot(p *Process) *cobra.Command {
	root := &cobra.Command{
		Use:   "kafka-aggregator",
		Short: "Statistics of every numeric field of Kafka topics, one record per time window",
		Long: `kafka-aggregator reads Avro topics of a Kafka cluster and writes, for each, an
aggregated topic: one small Avro record per time window, with statistics of
every numeric field. Nobody names the fields: they, and the schema of the
aggregated topic, come from the source topic's schema in the Schema Registry.

To see it work, with nothing installed:
    kafka-aggregator demo

With a Kafka cluster and a registry of your own:
    kafka-aggregator init-example      make example topics, or use yours
    kafka-aggregator produce           write to them
    kafka-aggregator plan              see what a worker would do, change nothing
    kafka-aggregator worker            do it
    kafka-aggregator tail example-000-aggregated

Without a file, the broker is localhost:9092, the registry
http://localhost:8081, and the example topics are aggregated. All settings can
come from a YAML file (-c FILE), from environment variables KAFKA_AGGREGATOR_…,
and the common ones from flags; the latter win. See "config --help".

` + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          help,
	}
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(fmt.Sprintf("see %q", cmd.CommandPath()+" --help"), "%s", lowerFirst(err.Error()))
	})
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run:"}, &cobra.Group{ID: "look", Title: "Look:"}, &cobra.Group{ID: "try", Title: "Try:"}, &cobra.Group{ID: "more", Title: "More:"})
	root.SetHelpCommandGroupID("more")
	root.SetCompletionCommandGroupID("more")
	root.SetHelpCommand(&cobra.Command{Use: "help [COMMAND]", Short: "Help about a command", GroupID: "more", Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, args []string) error {
		target, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return unknownCommand(root, args[0])
		}
		return target.Help()
	}})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("run", newWorker(p), newConfig(p))
	add("look", newPlan(p), newBench(p), newAgents(p), newTail(p))
	add("try", newDemo(p), newInitExample(p), newProduce(p))
	add("more", newVersion(p))
	strictArguments(root)
	return root
}

// help is what a command with subcommands does when none is given.
func help(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return cmd.Help()
}

func unknownCommand(cmd *cobra.Command, name string) error {
	hint := fmt.Sprintf("see %q", cmd.CommandPath()+" --help")
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError(hint, "unknown command %q", name)
}

// arguments checks that a command has exactly the arguments named.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		usage := "usage: " + cmd.UseLine()
		switch {
		case len(args) < len(names):
			return usageError(usage, "%s is missing", names[len(args)])
		case len(args) > len(names):
			return usageError(usage, "unexpected argument %q", args[len(names)])
		}
		return nil
	}
}

// strictArguments makes commands that say nothing of arguments refuse them.
func strictArguments(cmd *cobra.Command) {
	switch {
	case cmd.HasSubCommands():
		cmd.Args = cobra.ArbitraryArgs // help looks at them
	case cmd.Args == nil:
		cmd.Args = arguments()
	}
	for _, c := range cmd.Commands() {
		strictArguments(c)
	}
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
