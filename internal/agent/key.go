package agent

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Key is the key of an aggregated record: source topic|group|window start in
// ms|size in ms. Windows that do not start or end on a millisecond have
// decimals.
func Key(topic, group string, start, size int64) []byte {
	b := make([]byte, 0, len(topic)+len(group)+32)
	b = append(append(append(append(b, topic...), '|'), group...), '|')
	b = append(appendMillis(b, start), '|')
	return appendMillis(b, size)
}

func appendMillis(b []byte, ns int64) []byte {
	ms, rest := floorMillis(ns), ns-floorMillis(ns)*1e6
	if ms < 0 && rest > 0 { // written as a sign and a magnitude
		ms, rest = ms+1, 1e6-rest
		if ms == 0 {
			b = append(b, '-')
		}
	}
	b = strconv.AppendInt(b, ms, 10)
	if rest == 0 {
		return b
	}
	return fmt.Appendf(b, ".%06d", rest)
}

func floorMillis(ns int64) int64 { return window.Start(ns, 1e6) / 1e6 }

// ParseKey reads start and size (ns) of the window from a key that Key has
// made.
func ParseKey(key []byte) (start, size int64, ok bool) {
	parts := strings.Split(string(key), "|")
	if len(parts) < 4 {
		return 0, 0, false
	}
	start, ok = parseMillis(parts[len(parts)-2])
	if !ok {
		return 0, 0, false
	}
	size, ok = parseMillis(parts[len(parts)-1])
	return start, size, ok && size > 0
}

// parseMillis reads what appendMillis wrote, as ns.
func parseMillis(text string) (ns int64, ok bool) {
	const nanos = 1_000_000 // in a millisecond
	whole, decimals, _ := strings.Cut(text, ".")
	ms, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || ms > math.MaxInt64/nanos-1 || ms < math.MinInt64/nanos+1 {
		return 0, false
	}
	if decimals == "" {
		return ms * 1e6, whole == text
	}
	rest, err := strconv.ParseUint(decimals, 10, 32)
	if err != nil || len(decimals) != 6 {
		return 0, false
	}
	if strings.HasPrefix(whole, "-") {
		return ms*1e6 - int64(rest), true
	}
	return ms*1e6 + int64(rest), true
}
