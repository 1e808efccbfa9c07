package cli

import (
	"io"
	"log/slog"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// logger logs to standard error: text on a terminal, JSON otherwise, unless
// the configuration says which.
func (p *Process) logger(l config.Log) *slog.Logger {
	_, live := terminal(p.Stderr)
	return newLogger(l, p.Stderr, live)
}

func newLogger(l config.Log, w io.Writer, live bool) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		panic("BUG: cli: level that was validated: " + err.Error())
	}
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "text" || l.Format == "auto" && live {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
