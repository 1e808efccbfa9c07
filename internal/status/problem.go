package status

import "strings"

// Problem is something that holds a topic up.
type Problem struct {
	Cause string `json:"cause"` // position, leader, fetch, schema, output, letters, offsets, partials or partitions
	Text  string `json:"text"`  // for a person: what it is, and what to do
}

// Problem is the texts of all problems, "" if there are none.
func (t TopicStatus) Problem() string {
	texts := make([]string, len(t.Problems))
	for i, p := range t.Problems {
		texts[i] = p.Text
	}
	return strings.Join(texts, "; ")
}
