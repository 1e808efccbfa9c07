package worker

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// The diagram of phases is in the package's comment and in DESIGN.md. UPDATE=1
// draws it anew.
func TestDiagramOfPhases(t *testing.T) {
	for _, place := range []struct{ file, indent, end string }{
		{"doc.go", "//\t", "//\n"},
		{"../../DESIGN.md", "", "```\n"},
	} {
		bytes, err := os.ReadFile(place.file)
		if err != nil {
			t.Fatal(err)
		}
		begin := place.indent + "%% phases of a topic\n"
		before, rest, found := strings.Cut(string(bytes), begin)
		drawn, after, closed := strings.Cut(rest, place.end)
		if !found || !closed {
			t.Fatalf("%s has no diagram that begins with %q", place.file, begin)
		}
		want := ""
		for line := range strings.Lines(diagram()) {
			want += place.indent + line
		}
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(place.file, []byte(before+begin+want+place.end+after), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if drawn != want {
			t.Errorf("%s: the diagram of phases is not that of the transitions; draw it anew with UPDATE=1 go test ./internal/worker -run TestDiagramOfPhases. It has to be\n%s", place.file, want)
		}
	}
}

// Each phase is told of where people look it up, in the order of how strict it is.
func TestPhasesAreDescribed(t *testing.T) {
	for _, document := range []string{"../../DESIGN.md", "../../docs/operations.md"} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		_, section, _ := strings.Cut(string(text), "\n## Phases of a topic\n")
		section, _, _ = strings.Cut(section, "\n## ")
		for line := range strings.Lines(section) {
			if name, ok := strings.CutPrefix(line, "| `"); ok {
				name, _, _ = strings.Cut(name, "`")
				rows = append(rows, name)
			}
		}
		if !slices.Equal(rows, phaseNames[:]) {
			t.Errorf("%s: the table of phases has %q, want %q", document, rows, phaseNames)
		}
	}
}

// box is what phases allow alike.
type box struct {
	id, text string
	phases   []phase
}

// diagram is a mermaid diagram of all transitions. Where each phase of a box leads to
// each of another there is one arrow between the boxes; and in a box in which
// each leads to each of the others there are none.
func diagram() string {
	boxes := []box{
		{"waits", "nothing is read or delivered", nil},
		{"delivers", "what there is is delivered", nil},
		{"reads", "records are read, windows made final and delivered", nil},
	}
	for p := phaseHeld; p < phaseGone; p++ {
		i := 0
		if p.reads() {
			i = 2
		} else if p.delivers() {
			i = 1
		}
		boxes[i].phases = append(boxes[i].phases, p)
	}
	leads := func(from, to phase) (f finding, ok bool) {
		for f := range findings {
			if next, err := from.next(f); err == nil && next == to {
				return f, true
			}
		}
		return 0, false
	}
	all := func(from, to []phase) bool {
		return !slices.ContainsFunc(from, func(x phase) bool {
			return slices.ContainsFunc(to, func(y phase) bool { _, ok := leads(x, y); return x != y && !ok })
		})
	}
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, box := range boxes {
		fmt.Fprintf(&b, "    state %q as %s {\n", box.text, box.id)
		for _, p := range box.phases {
			fmt.Fprintf(&b, "        %s\n", p)
		}
		for _, from := range box.phases {
			for _, to := range box.phases {
				if f, ok := leads(from, to); ok && from != to && !all(box.phases, box.phases) {
					fmt.Fprintf(&b, "        %s --> %s: %s\n", from, to, f)
				}
			}
		}
		b.WriteString("    }\n")
	}
	ends := append([]box{{"new", "", []phase{phaseNew}}}, boxes...)
	ends = append(ends, box{"gone", "", []phase{phaseGone}})
	b.WriteString("    [*] --> new\n")
	for _, from := range ends {
		for _, to := range ends {
			switch {
			case from.id == to.id:
			case all(from.phases, to.phases):
				fmt.Fprintf(&b, "    %s --> %s\n", from.id, to.id)
			default:
				for _, x := range from.phases {
					for _, y := range to.phases {
						if f, ok := leads(x, y); ok {
							fmt.Fprintf(&b, "    %s --> %s: %s\n", x, y, f)
						}
					}
				}
			}
		}
	}
	b.WriteString("    gone --> [*]\n")
	return b.String()
}
