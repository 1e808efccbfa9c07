package eventtime

import "strings"

// likely are names that fields with the time of a measurement have, the most likely
// first, in small letters and without what is no letter.
var likely = []string{
	"privatesndstamp", "eventtime", "eventtimestamp", "timestamp", "sndstamp", "time", "ts", "measurementtime", "measuredat", "observedat",
	"sampletime", "acquisitiontime", "sourcetimestamp", "utc", "utctime", "tai", "datetime", "createdat", "occurredat", "recordedat", "privateefdstamp", "privatekafkastamp",
}

// Likely says how likely it is, by its name, that a field has the time of a record:
// the less the likelier; -1 if there is no reason to think so. Of a nested field the name is the
// last one of its path.
func Likely(path string) int {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(path[strings.LastIndex(path, ".")+1:]))
	for i, l := range likely {
		if name == l {
			return i
		}
	}
	for _, end := range []string{"timestamp", "stamp", "datetime"} {
		if strings.HasSuffix(name, end) {
			return len(likely)
		}
	}
	return -1
}
