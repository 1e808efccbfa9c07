package stats

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every operation is in the table of docs/statistics.md.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "statistics.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 {
			continue
		}
		for name := range strings.SplitSeq(cells[1], ",") {
			documented[strings.Trim(name, " `")] = true
		}
	}
	for _, name := range Names() {
		if !documented[name] {
			t.Errorf("%s is not in the table", name)
		}
	}
}
