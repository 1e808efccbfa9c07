package registry

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// remoteClock is what the registry's replies say of its clock: their header Date, in
// whole seconds. It is another opinion on what time it is.
type remoteClock struct{ last atomic.Pointer[reading] }

// reading is what a reply said, and when.
type reading struct {
	remote time.Time
	local  time.Time // with the monotonic clock, so that steps of the wall clock show
	within time.Duration
}

// at is the registry's time at a moment of this machine.
func (r *reading) at(now time.Time) time.Time { return r.remote.Add(now.Sub(r.local)) }

// fresh is for how long a reading that is more exact is preferred to a newer one that
// agrees with it.
const fresh = 10 * time.Minute

// replied takes a reply to a request that was sent at a time.
func (c *remoteClock) replied(sent time.Time, h http.Header) {
	now := time.Now()
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" { // none, or that of a reply which was kept somewhere
		return
	}
	trip := now.Sub(sent)
	r := &reading{date.Add(500 * time.Millisecond), sent.Add(trip / 2), 500*time.Millisecond + trip/2}
	old := c.last.Load()
	if old == nil || r.within <= old.within || now.Sub(old.local) > fresh || (r.at(now).Sub(old.at(now))).Abs() > r.within+old.within {
		c.last.Store(r)
	}
}

// Ahead is how far the registry's clock is ahead of this machine's, and how exact
// that is. It is not known before the first reply, and of registries that do not say.
func (c *Client) Ahead() (ahead, within time.Duration, known bool) {
	r := c.clock.last.Load()
	if r == nil {
		return 0, 0, false
	}
	now := time.Now()
	return r.at(now).Sub(now.Round(0)), r.within, true
}

// AskTime asks the registry for the time. The answer is what Ahead gives.
func (c *Client) AskTime(ctx context.Context) {
	for _, e := range c.endpoints {
		var any struct{}
		_ = e.sr.Do(ctx, http.MethodGet, "/", nil, &any) // whatever it says
	}
}

// timed is a transport that looks at the time in replies.
type timed struct {
	next  http.RoundTripper
	clock *remoteClock
}

func (t timed) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := t.next.RoundTrip(req)
	if err == nil {
		t.clock.replied(sent, resp.Header)
	}
	return resp, err
}
