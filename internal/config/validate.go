package config

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate checks the values of a configuration that was put together in Go.
// Load does so itself. Its error is an *Error.
func (c *Config) Validate() error {
	if found := c.problems(); len(found) > 0 {
		return &Error{found}
	}
	return nil
}

// checker collects problems under one path.
type checker struct {
	path    string
	found   *[]Problem
	regexps *int // size of the regular expressions so far
}

func (c checker) add(key, hint, format string, args ...any) {
	if len(*c.found) <= maxProblems {
		*c.found = append(*c.found, problemf(Origin{}, join(c.path, key), hint, format, args...))
	}
}

func (c checker) in(section string) checker {
	return checker{join(c.path, section), c.found, c.regexps}
}

func (c *Config) problems() []Problem {
	var found []Problem
	top := checker{"", &found, new(int)}
	c.Kafka.check(top.in("kafka"))
	c.SchemaRegistry.check(top.in("schema_registry"))
	if c.SchemaRegistry.URL == "" {
		top.add("schema_registry.url", "write for example http://localhost:8081", "is empty")
	}
	c.AggregatedSchemaRegistry.check(top.in("aggregated_schema_registry"))
	c.Worker.check(top.in("worker"))
	if c.HTTP.Listen != "off" {
		top.hostPort("http.listen", c.HTTP.Listen, "write host:port, such as 127.0.0.1:8080, or off")
	}
	for i, h := range c.HTTP.Hosts {
		if h == "" || strings.ContainsAny(h, " /:@") {
			top.add(fmt.Sprintf("http.hosts[%d]", i), "write a name without a port, such as aggregator.example.org", "%q is not a host's name", h)
		}
	}
	if c.DeadLetterTopic != "" {
		top.topic("dead_letter_topic", c.DeadLetterTopic)
	}
	top.oneOf("log.level", c.Log.Level)
	top.oneOf("log.format", c.Log.Format)
	c.Example.check(top.in("example"))
	c.checkAggregations(top)
	return found
}

func (k *Kafka) check(c checker) {
	if len(k.Brokers) == 0 {
		c.add("brokers", "write for example [localhost:9092]", "is empty")
	}
	for i, b := range k.Brokers {
		hint := "write host:port, such as localhost:9092"
		if _, rest, ok := strings.Cut(b, "://"); ok {
			hint = "write " + rest
		}
		c.hostPort(fmt.Sprintf("brokers[%d]", i), b, hint)
	}
	k.TLS.check(c.in("tls"))
	c.oneOf("sasl.mechanism", k.SASL.Mechanism)
	switch {
	case k.SASL.Mechanism == "" && (k.SASL.Username != "" || k.SASL.Password != "" || k.SASL.PasswordFile != ""):
		c.add("sasl.mechanism", "write plain, scram-sha-256 or scram-sha-512", "is empty, though there is a user name or a password")
	case k.SASL.Mechanism != "" && k.SASL.Username == "":
		c.add("sasl.username", "write the user's name", "is empty")
	}
	if k.SASL.Password != "" && k.SASL.PasswordFile != "" {
		c.add("sasl.password_file", "keep one of them", "stands beside password")
	}
}

func (t *TLS) check(c checker) {
	switch {
	case t.Cert != "" && t.Key == "":
		c.add("key", "write the file of the certificate's key", "is missing beside cert")
	case t.Key != "" && t.Cert == "":
		c.add("cert", "write the file of the key's certificate", "is missing beside key")
	}
}

func (r *Registry) check(c checker) {
	if r.URL != "" {
		for text := range strings.SplitSeq(r.URL, ",") {
			c.url("url", strings.TrimSpace(text))
		}
	}
	switch {
	case r.Context != "" && !registryContext.MatchString(r.Context):
		c.add("context", "write a dot and a name, such as .staging", "%q is not a context", r.Context)
	case r.Context != "" && strings.Contains(r.URL, "/contexts/"):
		c.add("context", "keep one of them", "stands beside a url with a context")
	}
	if r.Password != "" && r.PasswordFile != "" {
		c.add("password_file", "keep one of them", "stands beside password")
	}
	if r.Token != "" && (r.Username != "" || r.Password != "" || r.PasswordFile != "") {
		c.add("token", "keep one of them", "stands beside a user name or password")
	}
	r.TLS.check(c.in("tls"))
	c.atLeast("timeout", r.Timeout, time.Millisecond)
}

func (w *Worker) check(c checker) {
	if w.Group == "" {
		c.add("group", "write for example kafka-aggregator", "is empty")
	}
	c.oneOf("delivery", w.Delivery)
	c.atLeast("topic_refresh", w.TopicRefresh, 100*time.Millisecond)
	c.atLeast("session_timeout", w.SessionTimeout, time.Second)
	c.atLeast("transaction_timeout", w.TransactionTimeout, time.Second)
	switch {
	case w.CommitInterval < 0:
		c.add("commit_interval", "write 0 or more, such as 100ms", "%s is less than nothing", FormatDuration(w.CommitInterval))
	case w.CommitInterval >= w.TransactionTimeout:
		c.add("commit_interval", "write for example 100ms", "%s is not less than transaction_timeout", FormatDuration(w.CommitInterval))
	}
}

func (e *Example) check(c checker) {
	c.topic("prefix", e.Prefix)
	c.within("topics", e.Topics, 1, 999)
	c.within("fields", e.Fields, 1, 999)
	c.within("partitions", e.Partitions, 1, math.MaxInt32)
	if !(e.Frequency > 0) || math.IsInf(e.Frequency, 0) {
		c.add("frequency", "write records per second, such as 10", "%v is not a frequency", e.Frequency)
	}
}

var registryContext = regexp.MustCompile(`^\.[^:/?#%\s,]*$`)

func (c checker) url(key, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		c.add(key, "write for example http://localhost:8081", "is no http or https URL")
	case u.User != nil:
		c.add(key, "write username and password beside url", "holds a user name")
	case u.RawQuery != "" || u.Fragment != "":
		c.add(key, "write for example http://localhost:8081", "has more than an address and a path")
	}
}

func (c checker) hostPort(key, value, hint string) {
	_, port, err := net.SplitHostPort(value)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || strings.ContainsAny(value, " /@") || n == 0 && key != "http.listen" {
		c.add(key, hint, "%q is not host:port", value)
	}
}

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// maxTopicName is the broker's limit, in bytes.
const maxTopicName = 249

func legalTopic(name string) bool {
	return topicName.MatchString(name) && len(name) <= maxTopicName && name != "." && name != ".."
}

func (c checker) topic(key, name string) {
	if !legalTopic(name) {
		c.add(key, "write letters, digits, dot, _ and -, at most 249", "%q is not a topic's name", name)
	}
}

func (c checker) oneOf(key, value string) {
	k, ok := Lookup(join(c.path, key))
	if !ok {
		panic("BUG: config: no key " + join(c.path, key))
	}
	if slices.Contains(k.Values, value) {
		return
	}
	hint := "write " + orList(k.Values)
	if s, ok := Nearest(value, k.Values); ok {
		hint = "did you mean " + s + "?"
	}
	c.add(key, hint, "unknown value %q", value)
}

// orList is "a, b or c", with empty texts quoted.
func orList(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		if quoted[i] = v; v == "" {
			quoted[i] = "''"
		}
	}
	last := len(quoted) - 1
	if last < 1 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

func (c checker) within(key string, n, low, high int) {
	if n < low || n > high {
		hint := fmt.Sprintf("write %d to %d", low, high)
		if high == math.MaxInt32 {
			hint = fmt.Sprintf("write %d or more", low)
		}
		c.add(key, hint, "%d is out of range", n)
	}
}

func (c checker) atLeast(key string, d, low time.Duration) {
	if d < low {
		c.add(key, "write at least "+FormatDuration(low), "%s is too short", FormatDuration(d))
	}
}
