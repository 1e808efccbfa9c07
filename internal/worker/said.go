package worker

import (
	"sync"
	"time"
)

// said is what was logged, so that it is not said again and again.
type said struct {
	last     map[string]time.Time // by what it was about; the loop's
	names    once                 // of topics
	restarts once                 // of source topics
	arrival  once                 // of source topics
}

// rare is true once a minute for each key: for log lines that would repeat.
func (s *said) rare(key string, now time.Time) bool {
	if last, ok := s.last[key]; ok && now.Sub(last) < time.Minute {
		return false
	}
	s.last[key] = now
	return true
}

// once remembers what was said.
type once struct {
	mu   sync.Mutex
	said map[string]bool
}

// has reports whether a name was said.
func (o *once) has(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said[name]
}

// first reports whether any of the names is new.
func (o *once) first(names ...string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said == nil {
		o.said = make(map[string]bool)
	}
	fresh := false
	for _, n := range names {
		fresh = fresh || !o.said[n]
		o.said[n] = true
	}
	return fresh
}
