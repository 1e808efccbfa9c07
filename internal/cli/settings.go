package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// setting is a flag for a key of the configuration.
type setting struct{ flag, key string }

// The settings that several commands have.
func connectionSettings() []setting {
	return []setting{
		{"brokers", "kafka.brokers"},
		{"schema-registry", "schema_registry.url"},
	}
}

func aggregationSettings() []setting {
	return append(connectionSettings(),
		setting{"aggregated-schema-registry", "aggregated_schema_registry.url"},
		setting{"group", "worker.group"},
		setting{"include", "aggregations[].topics.include"},
		setting{"exclude", "aggregations[].topics.exclude"},
		setting{"aggregated-topic", "aggregations[].aggregated_topic"},
		setting{"window", "aggregations[].window.size"},
		setting{"grace", "aggregations[].window.grace"},
		setting{"operations", "aggregations[].operations"},
	)
}

// settings are the configuration flags of one command.
type settings struct {
	process *Process
	cmd     *cobra.Command
	list    []setting
	file    string
}

// addSettings gives a command the flags --config, --log-level, --log-format
// and those listed. Values come from the flags only where they were given, so
// that the file and the environment stand otherwise.
func addSettings(p *Process, cmd *cobra.Command, list ...setting) *settings {
	s := &settings{process: p, cmd: cmd}
	s.list = append(list, setting{"log-level", "log.level"}, setting{"log-format", "log.format"})
	cmd.Flags().StringVarP(&s.file, "config", "c", "", "configuration `file` (environment "+config.FileEnv+")")
	for _, item := range s.list {
		k, ok := config.Lookup(item.key)
		if !ok {
			panic("BUG: cli: flag for no key: " + item.key)
		}
		cmd.Flags().Var(&text{kind: flagKind(k)}, item.flag, flagHelp(k))
		complete(cmd, item.flag, k.Values)
	}
	return s
}

// text is the value of a flag that the configuration will read.
type text struct{ value, kind string }

func (t *text) String() string     { return t.value }
func (t *text) Set(s string) error { t.value = s; return nil }
func (t *text) Type() string       { return t.kind }

// flagKind names what is to be written behind a flag.
func flagKind(k config.Key) string {
	if len(k.Values) > 0 {
		return strings.Join(k.Values, "|")
	}
	return map[string]string{
		"text": "text", "duration": "duration", "whole number": "n", "number": "x",
		"list of texts": "list", "map of texts": "map", "true or false": "true|false",
	}[k.Type()]
}

// flagHelp is the first clause of a key's description, the key and its default.
func flagHelp(k config.Key) string {
	doc := k.Doc
	for _, end := range []string{". ", "; ", ": "} {
		doc, _, _ = strings.Cut(doc, end)
	}
	doc = strings.TrimSuffix(doc, ".")
	if len(doc) > 1 && strings.ToUpper(doc[:2]) != doc[:2] { // not URL, TLS
		doc = strings.ToLower(doc[:1]) + doc[1:]
	}
	help := doc + " [" + strings.Replace(k.Path, "[]", "", 1)
	if k.Default != "" && k.Default != "''" && k.Default != "[]" {
		help += " = " + k.Default
	}
	return help + "]"
}

// complete tells the shell which values a flag can have.
func complete(cmd *cobra.Command, flag string, values []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic("BUG: cli: " + err.Error())
	}
}

// load puts the configuration together and prints its warnings.
func (s *settings) load() (*config.Loaded, error) {
	l, err := s.read()
	if err != nil {
		return nil, err
	}
	for _, w := range l.Warnings {
		fmt.Fprintln(s.process.Stderr, "warning:", w)
	}
	return l, nil
}

// read is load for those who say the warnings in their own way.
func (s *settings) read() (*config.Loaded, error) {
	sources := config.Sources{File: s.configFile(), Environ: s.process.Environ}
	for _, item := range s.list {
		if f := s.cmd.Flags().Lookup(item.flag); f.Changed {
			sources.Flags = append(sources.Flags, config.Flag{Name: item.flag, Path: item.key, Text: f.Value.String()})
		}
	}
	return config.Load(sources)
}

// configFile is the file of the flag, else of the environment, else none.
func (s *settings) configFile() string {
	if s.file != "" {
		return s.file
	}
	return environment(s.process.Environ, config.FileEnv)
}

func environment(environ []string, name string) string {
	for _, pair := range environ {
		if text, ok := strings.CutPrefix(pair, name+"="); ok {
			return text
		}
	}
	return ""
}
