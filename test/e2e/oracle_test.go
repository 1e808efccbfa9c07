//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// The oracle that judges the other tests passes right records and finds
// every kind of damage.
func TestOracle(t *testing.T) {
	out, err := exec.Command(python, "-m", "unittest", "discover", filepath.Join(root, "test", "oracle")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
