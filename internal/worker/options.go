package worker

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Options of a Worker.
type Options struct {
	Config  *config.Config
	Version string       // of the program, for Status and the client's name
	Logger  *slog.Logger // nil: slog.Default
	// StopAtEnd: process everything up to the end offsets found at the
	// start, close every window including the last, commit, and return.
	StopAtEnd bool
	// KafkaOpts are added to those of the configuration: hooks, or a dialer.
	KafkaOpts []kgo.Opt
	// HTTPClient carries the requests to the registries; nil is one of its own.
	HTTPClient *http.Client
	// Hard ends work in flight without waiting for it, as the end of the
	// process would: no transaction is finished and the group is not told.
	// nil: never. The context of Run ends work in an orderly way.
	Hard context.Context
}
