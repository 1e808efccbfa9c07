package web

import (
	"fmt"
	"log/slog"
)

// promLog hands the complaints of Prometheus' library to our log.
type promLog struct{ logger *slog.Logger }

func (l promLog) Println(v ...any) { l.logger.Error("metrics", "error", fmt.Sprint(v...)) }
