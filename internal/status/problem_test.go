package status

import "testing"

func TestProblem(t *testing.T) {
	for want, problems := range map[string][]Problem{
		"":                      nil,
		"no leader":             {{"leader", "no leader"}},
		"no leader; no answer…": {{"leader", "no leader"}, {"schema", "no answer…"}},
	} {
		if got := (TopicStatus{Problems: problems}).Problem(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
