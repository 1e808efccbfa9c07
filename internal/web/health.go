package web

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
)

// maxLoopAge is how long the worker's loop may stand still before the worker
// counts as stuck. It turns several times a second, also while a broker or a
// registry is away; the slowest lawful step, the end of a transaction, is
// bounded by the transaction timeout of 10 to 15 seconds.
const maxLoopAge = 60

// health tells whether the worker makes progress: not whether this server
// does, and not whether Kafka is there. Restarting helps if it fails.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	st := s.options.Status()
	if !(st.LoopAge < maxLoopAge) { // NaN is no progress
		plain(w, http.StatusServiceUnavailable, fmt.Sprintf("the worker has made no progress for %.0f s", st.LoopAge))
		return
	}
	plain(w, http.StatusOK, "ok")
}

// ready tells whether the worker does its work: it has joined the group, and
// broker and registry answer.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	st := s.options.Status()
	if !st.Ready {
		reason := st.Reason
		if reason == "" {
			reason = st.State
		}
		plain(w, http.StatusServiceUnavailable, "not ready: "+oneLine(reason))
		return
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintln(w, text)
}

// oneLine makes text of others (topic names, answers of servers) harmless
// where lines have a meaning: control characters become visible.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}
