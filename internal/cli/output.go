package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// table is a list of rows, to be written as the user asks.
type table struct {
	columns []string // names as in JSON: source_topic; headings are made of them
	rows    [][]any  // as many cells as columns
}

// outputFlag gives a command the flag -o. The first format is the default.
func outputFlag(cmd *cobra.Command, formats ...string) *choice {
	c := &choice{value: formats[0], of: formats}
	cmd.Flags().VarP(c, "output", "o", "format of the output")
	complete(cmd, "output", formats)
	return c
}

// choice is a flag with a few possible values.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.of, "|") }
func (c *choice) Set(s string) error {
	if !slices.Contains(c.of, s) {
		return fmt.Errorf("want one of %s", strings.Join(c.of, ", "))
	}
	c.value = s
	return nil
}

// write writes the table in one of the formats table, json, jsonl and csv.
func (t *table) write(w io.Writer, format string) error {
	switch format {
	case "json":
		objects := make([]object, len(t.rows))
		for i, row := range t.rows {
			objects[i] = t.object(row)
		}
		return writeJSON(w, objects)
	case "jsonl":
		var out []byte
		for _, row := range t.rows {
			out = append(appendJSON(out, t.object(row)), '\n')
		}
		_, err := w.Write(out)
		return err
	case "csv":
		out := csv.NewWriter(w)
		if err := out.Write(t.columns); err != nil {
			return err
		}
		for _, row := range t.rows {
			if err := out.Write(cells(row)); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	}
	var text bytes.Buffer
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	headings := make([]string, len(t.columns))
	for i, c := range t.columns {
		headings[i] = strings.ToUpper(strings.ReplaceAll(c, "_", " "))
	}
	fmt.Fprintln(out, strings.Join(headings, "\t"))
	for _, row := range t.rows {
		fmt.Fprintln(out, strings.Join(cells(row), "\t"))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) { // empty cells at the end are padded too
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) object(row []any) object {
	o := make(object, len(row))
	for i, v := range row {
		o[i] = member{t.columns[i], v}
	}
	return o
}

// cells are the values of a row as plain text.
func cells(row []any) []string {
	out := make([]string, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case nil:
		case string:
			out[i] = v
		default:
			out[i] = strings.Trim(string(appendJSON(nil, v)), `"`)
		}
	}
	return out
}

// writeJSON writes a value with indentation.
func writeJSON(w io.Writer, v any) error {
	var out bytes.Buffer
	if err := json.Indent(&out, appendJSON(nil, v), "", "  "); err != nil {
		return fmt.Errorf("format as JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}
