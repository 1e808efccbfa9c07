package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// get asks a server that has the given status, by the name localhost.
func get(t *testing.T, st status.Status, method, path, host string) *http.Response {
	t.Helper()
	s := New(Options{Listen: "status.example:8080", Hosts: []string{"proxy.example"}, Logger: slog.New(slog.DiscardHandler),
		Status: func() status.Status { return st }})
	handler, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey,
		net.Addr(&net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 8080})))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var paths = []string{"/", "/style.css", "/metrics", "/healthz", "/readyz", "/api/status"}

func TestHosts(t *testing.T) {
	for host, want := range map[string]int{
		"localhost":           200,
		"LOCALHOST:8080":      200,
		"127.0.0.1:1":         200,
		"[::1]:8080":          200,
		"[::1]":               200,
		"status.example":      200,
		"status.example.:80":  200,
		"proxy.example":       200,
		"10.1.2.3:8080":       200, // where the connection arrived
		"[::ffff:10.1.2.3]:1": 200,
		"10.1.2.4":            403,
		"evil.example":        403,
		"evil.example:8080":   403,
		"localhost.evil":      403,
		"xlocalhost":          403,
		"":                    403,
		":8080":               403,
	} {
		for _, path := range paths {
			for _, method := range []string{"GET", "HEAD"} {
				if got := get(t, healthy(), method, path, host).StatusCode; got != want {
					t.Errorf("%s %s from host %q: %d, want %d", method, path, host, got, want)
				}
			}
		}
		if got := get(t, healthy(), "POST", "/", host).StatusCode; want == 403 && got != 403 {
			t.Errorf("POST from host %q: %d", host, got)
		}
	}
}

func TestOnlyGetAndHead(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "STEAL"} {
		for _, path := range append(paths, "/nothing") {
			r := get(t, healthy(), method, path, "localhost")
			if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, r.StatusCode, r.Header.Get("Allow"))
			}
		}
	}
	if got := get(t, healthy(), "GET", "/nothing", "localhost").StatusCode; got != 404 {
		t.Errorf("unknown path: %d", got)
	}
}

func TestSecurityHeaders(t *testing.T) {
	for _, path := range append(paths, "/nothing") {
		h := get(t, healthy(), "GET", path, "localhost").Header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: content type may be guessed", path)
		}
	}
}

func TestHostileNames(t *testing.T) {
	for _, path := range paths {
		r := get(t, hostile(), "GET", path, "localhost")
		text := body(t, r)
		if strings.Contains(text, "<script") && !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: markup of a name reached the page", path)
		}
		if strings.Contains(text, "\r") || strings.Contains(text, "\nSet-Cookie") {
			t.Errorf("%s: line ends of a name reached the page", path)
		}
		if r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: a name became a header", path)
		}
		if path == "/metrics" && (!strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") || r.StatusCode != 200) {
			t.Errorf("metrics: %d, %s", r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
}

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		change func(*status.Status)
		path   string
		code   int
		text   string
	}{
		{func(*status.Status) {}, "/healthz", 200, "ok\n"},
		{func(st *status.Status) { st.Ready = false }, "/healthz", 200, "ok\n"},
		{func(st *status.Status) { st.LoopAge = 59.9 }, "/healthz", 200, "ok\n"},
		{func(st *status.Status) { st.LoopAge = 60 }, "/healthz", 503, "the worker has made no progress for 60 s\n"},
		{func(st *status.Status) { *st = hostile() }, "/healthz", 503, "the worker has made no progress for NaN s\n"},
		{func(*status.Status) {}, "/readyz", 200, "ready\n"},
		{func(st *status.Status) { st.LoopAge = 1e9 }, "/readyz", 200, "ready\n"},
		{func(st *status.Status) { st.Ready, st.Reason = false, "registry: no\nanswer" }, "/readyz", 503, "not ready: registry: no\ufffdanswer\n"},
		{func(st *status.Status) { st.Ready, st.State = false, "starting" }, "/readyz", 503, "not ready: starting\n"},
	} {
		st := healthy()
		c.change(&st)
		r := get(t, st, "GET", c.path, "localhost")
		if text := body(t, r); r.StatusCode != c.code || text != c.text {
			t.Errorf("%s: %d %q, want %d %q", c.path, r.StatusCode, text, c.code, c.text)
		}
	}
}

func TestStatusJSON(t *testing.T) {
	text := body(t, get(t, healthy(), "GET", "/api/status", "localhost"))
	want, err := json.Marshal(healthy())
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want)+"\n" {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	for name, st := range map[string]status.Status{"hostile": hostile(), "zero": {}} {
		text := body(t, get(t, st, "GET", "/api/status", "localhost"))
		var back status.Status
		if err := json.Unmarshal([]byte(text), &back); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		if len(back.Topics) != len(st.Topics) || !strings.Contains(text, `"topics":[`) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestRun goes through a real listener.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := New(Options{Listen: "127.0.0.1:0", Status: healthy, Logger: slog.New(slog.DiscardHandler), Collectors: nil})
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for _, path := range paths {
		r, err := http.Get("http://" + s.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != 200 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}

	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", 2*maxHeaderBytes))
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 32 KiB: %d", r.StatusCode)
	}

	other := New(Options{Listen: s.Addr(), Status: healthy, Logger: slog.New(slog.DiscardHandler)})
	if err := other.Run(ctx); err == nil || !strings.Contains(err.Error(), s.Addr()) {
		t.Errorf("a second server at the same address: %v", err)
	}
	if other.Addr() != "" {
		t.Errorf("it says that it listens at %s", other.Addr())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := New(Options{Listen: Off})
	cancel()
	if err := s.Run(ctx); err != nil || s.Addr() != "" {
		t.Errorf("%v, %q", err, s.Addr())
	}
}

// TestPage also writes the page to the folder in PAGE_DIR, to look at it.
func TestPage(t *testing.T) {
	st := healthy()
	late := st.Topics[0]
	late.Topic, late.Problems = "other", []status.Problem{{Cause: "schema", Text: "registry refuses the schema: 409"}}
	waiting := status.TopicStatus{Topic: "another", AggregatedTopic: "another-aggregated", WindowSize: 1}
	st.Topics = append(st.Topics, late, waiting)
	page := body(t, get(t, st, "GET", "/?topic=example-000", "localhost"))
	for _, want := range []string{
		"running", "example-000-aggregated", "registry refuses the schema: 409", ">waiting<", ">problem<",
		"1\u202f234\u202f567", "98.8 kB/s", "1 d 2 h", "<small>p99</small>", "Committed", "phase partials", "<small>partials</small>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if strings.Index(page, ">other<") > strings.Index(page, ">another<") {
		t.Error("the topic with a problem is not the first")
	}
	if strings.Contains(body(t, get(t, st, "GET", "/", "localhost")), "Committed") {
		t.Error("partitions are shown of a topic nobody asked for")
	}
	if dir := os.Getenv("PAGE_DIR"); dir != "" {
		css, _ := files.ReadFile("style.css")
		page = strings.Replace(page, `<link rel="stylesheet" href="/style.css">`, "<style>"+string(css)+"</style>", 1)
		if err := os.WriteFile(dir+"/page.html", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQuantile(t *testing.T) {
	h := status.Histogram{Bounds: []float64{1, 2, 4}, Counts: []uint64{1, 2, 1, 0}}
	for q, want := range map[float64]float64{0: 0, 0.25: 1, 0.5: 1.5, 0.75: 2, 1: 4} {
		if got := quantile(h, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	h.Counts = []uint64{0, 0, 0, 5}
	if got := quantile(h, 0.5); got != 4 {
		t.Errorf("beyond the last bound: %v", got)
	}
	if got := quantile(status.Histogram{}, 0.5); got == got {
		t.Errorf("of nothing: %v", got)
	}
}
