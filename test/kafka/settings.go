package kafka

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// settings of a node, for speed of tests: few partitions in the internal
// topics, no wait for more members of a group, an eye on transactions that
// nobody ends.
func settings(dir string, at place, extra map[string]string) string {
	roles, listeners := "broker", fmt.Sprintf("PLAINTEXT://127.0.0.1:%d", at.port)
	advertised := listeners
	if at.node == 1 {
		roles += ",controller"
		listeners += fmt.Sprintf(",CONTROLLER://127.0.0.1:%d", at.controller)
	}
	s := map[string]string{
		"process.roles":             roles,
		"node.id":                   strconv.Itoa(at.node),
		"controller.quorum.voters":  fmt.Sprintf("1@127.0.0.1:%d", at.controller),
		"controller.listener.names": "CONTROLLER",
		"listeners":                 listeners,
		"advertised.listeners":      advertised,
		"log.dirs":                  filepath.Join(dir, "data"),
		"auto.create.topics.enable": "false",
		// A new partition maps two index files of this size; the usual 10 MiB keep a
		// machine busy for half a minute when a thousand topics are made.
		"log.index.size.max.bytes":         "262144",
		"broker.heartbeat.interval.ms":     "500",
		"broker.session.timeout.ms":        "3000",
		"num.partitions":                   "1",
		"default.replication.factor":       "1",
		"group.initial.rebalance.delay.ms": "100",

		"offsets.topic.num.partitions":                     "4",
		"offsets.topic.replication.factor":                 "1",
		"transaction.state.log.num.partitions":             "4",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",

		"transaction.abort.timed.out.transaction.cleanup.interval.ms": "2000",
	}
	maps.Copy(s, extra)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&text, "%s=%s\n", key, s[key])
	}
	return text.String()
}

const logging = `status = error
appender.console.type = Console
appender.console.name = STDOUT
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = STDOUT
`

// write puts the configuration into the broker's folder.
func write(dir string, at place, extra map[string]string) error {
	if err := os.WriteFile(filepath.Join(dir, "server.properties"), []byte(settings(dir, at, extra)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "log4j2.properties"), []byte(logging), 0o644)
}

// freePorts finds n TCP ports that nobody listens on. Another process may
// take one before it is used; then the broker says so in its log.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
