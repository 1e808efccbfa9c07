package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// peers are other systems that compute the same, in bench/peers. Their means
// and deviations are computed in double precision, in two passes.
func peers(o *options) []contestant {
	return []contestant{
		{name: "Kafka Streams", check: true, tolerance: 1e-9, command: func(s *stack, run, topic, into string, _ int64) ([]string, error) {
			return s.java("kafka-streams", nil, run, topic, into+"-"+topic), nil
		}},
		{name: "Flink", check: true, tolerance: 1e-9, command: func(s *stack, run, topic, into string, _ int64) ([]string, error) {
			return s.java("flink", []string{"--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"}, run, topic, into+"-"+topic), nil
		}},
	}
}

// java is the command line of a peer: broker, registry, name of the run,
// source topic, aggregated topic, a folder for its state.
func (s *stack) java(name string, flags []string, run, topic, into string) []string {
	target := filepath.Join(s.root, "bench", "peers", name, "target")
	args := append([]string{"java", "-Xmx2g"}, flags...)
	return append(args, "-cp", filepath.Join(target, "*")+":"+filepath.Join(target, "lib", "*"), "peer.Main",
		s.broker.Addr, s.url, run, topic, into, filepath.Join(s.broker.Dir, "state-"+run))
}

// buildPeers lets Maven compile them.
func buildPeers(ctx context.Context, o *options) error {
	progress("building the peers")
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "package")
	mvn.Dir = filepath.Join(o.root, "bench", "peers")
	if out, err := mvn.CombinedOutput(); err != nil {
		return fmt.Errorf("build bench/peers: %w\n%s", err, out)
	}
	return nil
}
