package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var days = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)d(.*)$`)

// ParseDuration reads Go's form ("250ms", "1m30s"), and days before it
// ("1d", "1d12h").
func ParseDuration(s string) (time.Duration, error) {
	var d time.Duration
	rest := s
	if m := days.FindStringSubmatch(s); m != nil {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil || n*float64(24*time.Hour) >= math.MaxInt64 {
			return 0, fmt.Errorf("%q is too long", s)
		}
		d = time.Duration(math.Round(n * float64(24*time.Hour)))
		if rest = m[2]; rest == "" {
			return d, nil
		}
	}
	t, err := time.ParseDuration(rest)
	switch {
	case err != nil && strings.Contains(err.Error(), "missing unit"):
		return 0, fmt.Errorf("%q has no unit", s)
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration", s)
	case t > 0 && d+t < d:
		return 0, fmt.Errorf("%q is too long", s)
	}
	return d + t, nil
}

// FormatDuration writes what ParseDuration reads, without needless zeros: 1m30s, 1h, 250ms.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
