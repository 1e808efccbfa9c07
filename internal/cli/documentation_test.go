package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const (
	begin = "<!-- made from the code: begin -->\n"
	end   = "<!-- made from the code: end -->\n"
)

// TestDocumentation holds docs/commands.md to what the commands say of
// themselves. UPDATE=1 writes it anew.
func TestDocumentation(t *testing.T) {
	const name = "../../docs/commands.md"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no marks %q and %q", name, begin, end)
	}
	var out bytes.Buffer
	root := newRoot(&Process{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out})
	root.InitDefaultCompletionCmd()
	fmt.Fprint(&out, before, begin)
	writeHelp(&out, root)
	fmt.Fprint(&out, "\n", end, after)
	if out.String() == string(text) {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("%s is not what the commands say; write it anew with UPDATE=1", name)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeHelp(out *bytes.Buffer, cmd *cobra.Command) {
	if cmd.HasParent() && cmd.Name() != "help" && cmd.Name() != "completion" {
		fmt.Fprintf(out, "\n### %s\n\n```\n", strings.TrimPrefix(cmd.CommandPath(), "kafka-aggregator "))
		if err := cmd.Help(); err != nil {
			fmt.Fprint(out, err)
		}
		fmt.Fprint(out, "```\n")
	}
	if cmd.Name() == "completion" {
		return
	}
	for _, c := range cmd.Commands() {
		writeHelp(out, c)
	}
}
