package config

import (
	"fmt"
	"strings"
)

// Reference is the table of all keys in docs/configuration.md, one section
// after the other.
func Reference() string {
	var b strings.Builder
	for _, k := range Keys() {
		doc := strings.ReplaceAll(k.Doc, "|", `\|`)
		if k.Section {
			if strings.Contains(k.Path, ".") { // its keys go on in the table of the section above
				continue
			}
			fmt.Fprintf(&b, "\n### %s\n\n%s\n\n| key | type, default | environment variable | |\n| --- | --- | --- | --- |\n", k.Path, doc)
			continue
		}
		if !strings.Contains(k.Path, ".") {
			fmt.Fprintf(&b, "\n### %s\n\n| key | type, default | environment variable | |\n| --- | --- | --- | --- |\n", k.Path)
		}
		kind := k.Type()
		if k.list {
			kind += ", or a list of texts"
		}
		if k.Values != nil {
			kind = strings.ReplaceAll(orList(k.Values), "''", "empty")
			if k.Type() == "map of texts" {
				kind = "map of name to " + kind
			}
		}
		if k.Default != "''" && k.Default != "{}" {
			kind += ", `" + strings.ReplaceAll(k.Default, "|", `\|`) + "`"
		}
		env := "`" + k.Env + "`"
		if k.Env == "" {
			env = "none"
		}
		if k.Old != "" {
			env += "<br>formerly `" + k.Old + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", strings.TrimPrefix(k.Path, entry), kind, env, doc)
	}
	return strings.TrimPrefix(b.String(), "\n")
}
