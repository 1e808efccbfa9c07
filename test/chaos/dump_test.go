//go:build chaos

package chaos

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// dump writes what is committed in the topics, and in those made from them,
// to a file of JSON lines beside the workers' logs.
func dump(t *testing.T, s *stack.Stack, topics []string) {
	t.Helper()
	name := filepath.Join(s.Dir, "dump.jsonl.gz")
	file, err := os.Create(name)
	must(t, err)
	defer file.Close()
	packed := gzip.NewWriter(file)
	out := json.NewEncoder(packed)
	all := []string{deadLetters, lateTopic}
	for _, topic := range topics {
		all = append(all, topic, topic+"-aggregated")
	}
	for _, topic := range all {
		for _, r := range s.ReadAll(topic) {
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			must(t, out.Encode(map[string]any{
				"topic": topic, "partition": r.Partition, "offset": r.Offset, "timestamp": r.Timestamp.UnixMilli(),
				"key": string(r.Key), "value": r.Value, "headers": headers,
			}))
		}
	}
	must(t, packed.Close())
	t.Logf("source and output are in %s", name)
}
