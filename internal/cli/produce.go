package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

func newProduce(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "produce",
		Short: "Write records to the example topics",
		Long: `Writes records to the example topics that init-example has made, so many per
second to each, with the clock's time as their timestamps. How many fields and
partitions there are, it sees for itself. It ends when each topic has
--max-messages records, or when it is stopped. Once a second it says which rate
was reached, and which was asked for; a machine that cannot keep the pace does
what it can.

With --clock-share, that share of each topic's records comes from an instrument whose
clock is wrong: --clock-error ahead, as of one that takes TAI for UTC, or behind if
it is negative. No other record may be late because of it.

With --framing records name their schema in another way than by the 5-byte prefix: by
its id (header) or its GUID (guid) in a record header, in Avro's single-object encoding,
or not at all (bare). Several take turns in each partition. For single-object and bare,
workers need the setting framing.`,
		Example: `  kafka-aggregator produce
  kafka-aggregator produce --frequency 100 --max-messages 10000
  kafka-aggregator produce --clock-share 0.02 --clock-error 37s
  kafka-aggregator produce --framing prefix,guid`,
	}
	s := addSettings(p, cmd, append(connectionSettings(),
		setting{"topics", "example.topics"},
		setting{"frequency", "example.frequency"},
		setting{"max-messages", "example.max_messages"},
		setting{"prefix", "example.prefix"},
	)...)
	seed := cmd.Flags().Uint64("seed", 1, "the same seed gives the same values")
	wrong, framings := clockFlags(cmd), framingFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := wrong.Validate(); err != nil {
			return usageError("", "--clock-share: %w", err)
		}
		framings, err := example.ParseFramings(*framings)
		if err != nil {
			return usageError("", "--framing: %w", err)
		}
		l, err := s.load()
		if err != nil {
			return err
		}
		topics, err := findTopics(cmd.Context(), l, framings)
		if err != nil {
			return err
		}
		opts, err := l.Config.Kafka.Opts()
		if err != nil {
			return err
		}
		e := l.Config.Example
		producer, err := example.NewProducer(example.ProducerOptions{
			Kafka: opts, Topics: topics, Frequency: e.Frequency, MaxMessages: e.MaxMessages, Seed: *seed, Wrong: *wrong, Framings: framings,
		})
		if err != nil {
			return err
		}
		return produce(cmd.Context(), p.Stderr, producer, len(topics))
	}
	return cmd
}

// clockFlags adds the flags of a clock that is wrong.
func clockFlags(cmd *cobra.Command) *example.WrongClock {
	f := cmd.Flags()
	c := &example.WrongClock{}
	f.DurationVar(&c.Ahead, "clock-error", 37*time.Second, "how far the clock of --clock-share is ahead")
	f.Float64Var(&c.Share, "clock-share", 0, "share of the records that a wrong clock stamps, 0 to 1")
	return c
}

// framingFlag adds the flag of the framings that records have.
func framingFlag(cmd *cobra.Command) *[]string {
	names := make([]string, 0, len(example.Framings()))
	for _, f := range example.Framings() {
		names = append(names, string(f))
	}
	list := cmd.Flags().StringSlice("framing", nil, "how records name their schema: "+strings.Join(names, ", ")+"; several take turns (default prefix)")
	complete(cmd, "framing", names)
	return list
}

// findTopics are the example topics that exist, with what framings need of their
// schemas; --topics takes the first ones.
func findTopics(ctx context.Context, l *config.Loaded, framings []example.Framing) ([]example.Topic, error) {
	c, err := cluster.Connect(ctx, l)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	limit := l.Config.Example.Topics
	if l.Origin("example.topics") == (config.Origin{}) { // a default is no wish
		limit = 0
	}
	topics, err := example.Find(ctx, c.Kafka, c.Source, l.Config.Example.Prefix, limit)
	if errors.Is(err, example.ErrNone) {
		return nil, withHint(err, `make them with "kafka-aggregator init-example"`)
	}
	if err == nil {
		err = example.Identify(ctx, c.Source, topics, framings)
	}
	if err != nil {
		return nil, c.RegistryError(ctx, c.Source, err)
	}
	return topics, nil
}

// produce runs a producer to its end and reports its rate. Being stopped by a
// signal is a good end.
func produce(ctx context.Context, out io.Writer, producer *example.Producer, topics int) error {
	done := make(chan error, 1)
	go func() { done <- producer.Run(ctx) }()
	every := time.NewTicker(time.Second)
	defer every.Stop()
	_, live := terminal(out)
	for {
		select {
		case err := <-done:
			if live {
				fmt.Fprint(out, "\r\x1b[K")
			}
			fmt.Fprintf(out, "%s to %d topics\n", rateText(producer.Rate()), topics)
			return err
		case <-every.C:
			if live {
				fmt.Fprintf(out, "\r\x1b[K%s", rateText(producer.Rate()))
			} else {
				fmt.Fprintln(out, rateText(producer.Rate()))
			}
		}
	}
}

func rateText(r example.Rate) string {
	text := fmt.Sprintf("%d records in %.1f s: %.1f records/s (%.0f%% of the %g asked for)",
		r.Acked, r.Elapsed.Seconds(), r.Reached, 100*r.Reached/r.Asked, r.Asked)
	if r.Failed > 0 {
		text += fmt.Sprintf(", %d failed", r.Failed)
	}
	return text
}
