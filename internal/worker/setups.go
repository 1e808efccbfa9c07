package worker

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// The workers of a group may have different configurations, for a while when it is being
// changed, or by mistake. Then what comes out depends on who has a topic. Members tell
// the leader of the group what theirs decides (config.Fingerprint), and it tells all.

// compareSetups says if other members of the group are set up differently.
func (m *membership) compareSetups(setups []assignment.Setup) {
	if len(setups) == 0 {
		return // the leader is of a version that does not say
	}
	var differ []string
	own := m.w.cfg.Fingerprint()
	for _, s := range setups {
		if parts := own.Differs(config.Fingerprint(s.Text)); len(parts) > 0 {
			who := strings.Join(s.Members, ", ")
			if n := s.Count - len(s.Members); n > 0 {
				who += fmt.Sprintf(" and %d more", n)
			}
			differ = append(differ, fmt.Sprintf("%s (%s)", cmp.Or(who, "somebody"), strings.Join(parts, ", ")))
		}
	}
	text := ""
	if len(differ) > 0 {
		text = "workers of the group have another configuration: " + strings.Join(differ, "; ")
	}
	if !m.w.board.notices.set(noticeConfiguration, text) {
		return
	}
	if text == "" {
		m.w.log.Info("the workers of the group have the same configuration again", "group", m.w.cfg.Worker.Group)
		return
	}
	m.w.log.Warn("workers of the group have another configuration than this one: the results of a topic depend on who has it; give all the same",
		"group", m.w.cfg.Worker.Group, "differ", strings.Join(differ, "; "))
}
