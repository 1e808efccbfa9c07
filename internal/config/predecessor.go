package config

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// old is an environment variable of the Python program this one replaces.
type old struct {
	name  string
	paths []string
	turn  func(string) (string, error) // into the form of today's variable; nil if it is the same
}

func predecessor() []old {
	same := func(name string, paths ...string) old { return old{name, paths, nil} }
	return []old{
		{"KAFKA_BROKER_URL", []string{"kafka.brokers"}, oldBrokers},
		same("SCHEMA_REGISTRY_URL", "schema_registry.url"),
		same("INTERNAL_SCHEMA_REGISTRY_URL", "aggregated_schema_registry.url"),
		{"TOPIC_REGEX", []string{entry + "topics.include"}, oldRegex},
		{"EXCLUDED_TOPICS", []string{entry + "topics.exclude"}, oldTopics},
		same("EXCLUDED_FIELD_NAMES", entry+"fields.exclude"),
		{"TOPIC_RENAME_FORMAT", []string{entry + "aggregated_topic"}, func(s string) (string, error) {
			return strings.ReplaceAll(s, "{source_topic_name}", Placeholder), nil
		}},
		{"WINDOW_SIZE", []string{entry + "window.size"}, oldSeconds},
		{"WINDOW_EXPIRES", []string{entry + "window.grace"}, oldSeconds},
		same("MIN_SAMPLE_SIZE", entry+"min_sample_size"),
		same("OPERATIONS", entry+"operations"),
		same("TOPIC_PARTITIONS", entry+"partitions", "example.partitions"),
		same("SOURCE_TOPIC_NAME_PREFIX", "example.prefix"),
		same("NTOPICS", "example.topics"),
		same("NFIELDS", "example.fields"),
		same("FREQUENCY", "example.frequency"),
		same("MAX_MESSAGES", "example.max_messages"),
	}
}

// oldEnvironment sets what the predecessor's variables say.
func (l *loading) oldEnvironment(environ []string) {
	for _, p := range predecessor() {
		for _, pair := range environ {
			name, text, _ := strings.Cut(pair, "=")
			if name != p.name || text == "" {
				continue
			}
			o := Origin{Env: name}
			for _, path := range p.paths {
				turned := text
				if p.turn != nil {
					var err error
					if turned, err = p.turn(text); err != nil {
						l.found = append(l.found, problemf(o, path, "", "%v", err))
						continue
					}
				}
				k, _ := Lookup(path)
				if strings.HasPrefix(path, entry) && len(l.cfg.Aggregations) != 1 {
					l.warnings = append(l.warnings, fmt.Sprintf("environment variable %s is not used: there are %d aggregations", name, len(l.cfg.Aggregations)))
					continue
				}
				l.setOnly(k, o, turned)
			}
		}
	}
}

// oldBrokers reads kafka://host:port, one or several separated by , or ;.
func oldBrokers(s string) (string, error) {
	var hosts []string
	for url := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == ',' || c == ';' || c == ' ' }) {
		host := strings.TrimPrefix(strings.TrimPrefix(url, "kafka://"), "aiokafka://")
		if strings.Contains(host, "://") {
			return "", fmt.Errorf("%q does not begin with kafka://", url)
		}
		host = strings.TrimSuffix(host, "/")
		if !strings.Contains(host, ":") {
			host += ":9092"
		}
		hosts = append(hosts, host)
	}
	return strings.Join(hosts, ","), nil
}

// oldRegex anchors the expression at the start, as Python's match does.
func oldRegex(s string) (string, error) {
	if !strings.HasPrefix(s, "^") || strings.Contains(s, "|") { // ^a|b is (^a)|b
		s = "^(?:" + s + ")"
	}
	return jsonList(s), nil
}

// oldTopics turns names into regular expressions.
func oldTopics(s string) (string, error) {
	list := splitList(s)
	for i, name := range list {
		list[i] = "^" + regexp.QuoteMeta(name) + "$"
	}
	return jsonList(list...), nil
}

func jsonList(items ...string) string {
	if len(items) == 0 {
		return "[]"
	}
	text, err := json.Marshal(items)
	if err != nil {
		panic("BUG: config: texts that have no JSON: " + err.Error())
	}
	return string(text)
}

func oldSeconds(s string) (string, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e9 {
		return "", fmt.Errorf("%q is not a number of seconds", s)
	}
	return time.Duration(math.Round(f * float64(time.Second))).String(), nil
}
