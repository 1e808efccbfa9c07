package registry

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// The registry's clock is seen in its replies, whatever they say.
func TestAhead(t *testing.T) {
	for name, c := range map[string]struct {
		by     time.Duration
		header func(http.Header)
		known  bool
	}{
		"same":           {0, func(http.Header) {}, true},
		"10 min ahead":   {10 * time.Minute, func(http.Header) {}, true},
		"an hour slow":   {-time.Hour, func(http.Header) {}, true},
		"no date":        {0, func(h http.Header) { h["Date"] = nil }, false},
		"no time":        {0, func(h http.Header) { h.Set("Date", "noon") }, false},
		"out of a cache": {-time.Hour, func(h http.Header) { h.Set("Age", "3600") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(c.by).UTC().Format(http.TimeFormat))
				c.header(w.Header())
				w.WriteHeader(http.StatusNotFound)
			}))
			defer server.Close()
			client, err := New(Options{URL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, known := client.Ahead(); known {
				t.Error("known before the first reply")
			}
			client.AskTime(t.Context())
			ahead, within, known := client.Ahead()
			if known != c.known || known && (ahead-c.by).Abs() > within+10*time.Millisecond {
				t.Errorf("%v ahead within %v, known %v", ahead, within, known)
			}
		})
	}
}
