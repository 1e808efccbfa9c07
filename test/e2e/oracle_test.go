//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// The oracle that judges the other tests passes right records and finds
// every kind of damage.
func TestOracle(t *testing.T) {
	tools, err := stack.Install()
	must(t, err)
	out, err := exec.Command(tools.Python, "-m", "unittest", "discover", filepath.Join(tools.Root, "test", "oracle")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
