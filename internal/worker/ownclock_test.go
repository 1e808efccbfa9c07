package worker

import (
	"testing"
	"time"
)

// What others say of this machine's clock, and what follows.
func TestJudgeClock(t *testing.T) {
	const skew = 5 * time.Minute
	word := func(ahead ...time.Duration) (out []clockWord) {
		for _, d := range ahead {
			out = append(out, clockWord{d, skew})
		}
		return out
	}
	m, s := time.Minute, time.Second
	for name, c := range map[string]struct {
		registry time.Duration
		known    bool
		topics   []clockWord
		slow     time.Duration
		wrong    bool
	}{
		"nobody says anything":                 {},
		"all agree":                            {0, true, word(0, -s, -s/10), 0, false},
		"all say that it is slow":              {10 * m, true, word(10*m, 10*m-s, 10*m), 10 * m, true},
		"one topic, and the registry":          {10 * m, true, word(10 * m), 10 * m, true},
		"one topic alone":                      {0, false, word(10 * m), 0, false},
		"two topics alone":                     {0, false, word(10*m, 10*m), 0, false},
		"three topics alone":                   {0, false, word(10*m, 11*m, 12*m), 11 * m, true},
		"three topics, and the registry not":   {0, true, word(10*m, 11*m, 12*m), 0, false},
		"three of seven topics":                {0, false, word(10*m, 11*m, 12*m, 0, 0, 0, -s), 0, false},
		"three topics beside old data":         {0, false, word(10*m, 11*m, 12*m, -10*m, -100*m, -100*m, -100*m), 11 * m, true},
		"the registry alone":                   {10 * m, true, word(0, -s), 10 * m, false},
		"the registry, one topic that is fast": {10 * m, true, word(10*m, 0, 0), 10 * m, false},
		"it is fast":                           {-10 * m, true, word(-s, -s), -10 * m, false},
		"a little slow":                        {30 * s, true, word(30*s, 29*s, 30*s), 30 * s, false},
		"half a second slow":                   {s / 2, true, word(s/2, s/2, s/2), 0, false},
		"a little slow, three topics alone":    {0, false, word(30*s, 29*s, 31*s), 30 * s, false},
	} {
		e := clockEvidence{registry: c.registry, within: s / 2, known: c.known, topics: c.topics}
		if slow, wrong := e.judge(); slow != c.slow || wrong != c.wrong {
			t.Errorf("%s: slow by %v, wrong %v; want %v, %v", name, slow, wrong, c.slow, c.wrong)
		}
	}
}
