package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// none stands where there is no number.
const none = "–"

// number groups the digits of n by threes with narrow spaces.
func number(n int64) string {
	digits, negative := strings.CutPrefix(strconv.FormatInt(n, 10), "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	if negative {
		return "−" + digits
	}
	return digits
}

// bytesText is n with a decimal unit and up to three digits.
func bytesText(n float64) string {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return none
	}
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if math.Abs(n) < 999.5 {
			return fmt.Sprintf("%.3g %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.0f TB", n)
}

// secondsText is a duration for people, with its two largest units.
func secondsText(s float64) string {
	const minute, hour, day = 60, 3600, 86400
	switch a := math.Abs(s); {
	case math.IsNaN(s) || math.IsInf(s, 0):
		return none
	case a < 0.9995:
		return fmt.Sprintf("%.0f ms", s*1000)
	case a < minute:
		return fmt.Sprintf("%.1f s", s)
	case a < hour:
		return fmt.Sprintf("%.0f min %.0f s", math.Trunc(s/minute), math.Trunc(math.Mod(a, minute)))
	case a < day:
		return fmt.Sprintf("%.0f h %.0f min", math.Trunc(s/hour), math.Trunc(math.Mod(a, hour)/minute))
	}
	return fmt.Sprintf("%.0f d %.0f h", math.Trunc(s/day), math.Trunc(math.Mod(math.Abs(s), day)/hour))
}
