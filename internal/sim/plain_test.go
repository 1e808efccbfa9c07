//go:build !synctests

package sim

import (
	"bytes"
	"os/exec"
	"testing"
)

// TestSeeds runs the simulation of fifty seeds as a test of its own, for it
// needs another build of the Kafka client.
func TestSeeds(t *testing.T) {
	c := exec.CommandContext(t.Context(), "go", "test", "-tags", "synctests invariants", "-count=1", "-v", "-run", "^TestSim$", ".", "-runs", "50")
	said, err := c.CombinedOutput()
	if err != nil || !bytes.Contains(said, []byte("50 runs in ")) {
		t.Fatalf("%v: %v\n%s", c, err, said)
	}
}
