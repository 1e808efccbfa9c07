package stack

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Verdict is the oracle's last line.
type Verdict struct {
	OK          bool `json:"ok"`
	Topics      int  `json:"topics"`
	Source      int  `json:"source records"`
	Bad         int  `json:"bad records"`
	Tombstones  int  `json:"tombstones"`
	Late        int  `json:"late records"`
	Windows     int  `json:"windows"`
	Aggregated  int  `json:"aggregated records"`
	Repeated    int  `json:"repeated"`   // aggregated records that came again, equal to the first
	InWindows   int  `json:"in windows"` // sum of the counts of all windows
	Letters     int  `json:"dead letters"`
	LateLetters int  `json:"records in the late topic"`
	Values      int  `json:"values"`
}

// Oracle compares the aggregated topics of all source topics that match with
// their sources, and fails the test if anything differs.
func (s *Stack) Oracle(topics string, args ...string) Verdict {
	s.t.Helper()
	began := time.Now()
	cmd := exec.Command(s.Python, append([]string{
		filepath.Join(s.Root, "test", "oracle"), "--brokers", s.Broker.Addr, "--registry", s.Registry.URL, "--topics", topics,
	}, args...)...)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	must(s.t, os.WriteFile(filepath.Join(s.Dir, "oracle.txt"), append(out, errors.Bytes()...), 0o644))
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var v Verdict
	if e := json.Unmarshal([]byte(lines[len(lines)-1]), &v); e != nil || (err == nil) != v.OK {
		s.t.Fatalf("oracle: %v\n%s%s", err, out, errors.Bytes())
	}
	s.t.Logf("oracle, %.1f s: %d topics, %d source records (%d bad), %d windows, %d aggregated records, %d values",
		time.Since(began).Seconds(), v.Topics, v.Source, v.Bad, v.Windows, v.Aggregated, v.Values)
	if !v.OK {
		s.t.Errorf("oracle: the aggregated topics are wrong\n%s", out)
	}
	return v
}
