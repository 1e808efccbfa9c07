package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// wide is the text of a schema of about so many bytes.
func wide(bytes int) string {
	var b strings.Builder
	b.WriteString(`{"type":"record","name":"R","fields":[`)
	for i := 0; b.Len() < bytes-60; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"f%d","type":["null","double"],"default":null}`, i)
	}
	b.WriteString("]}")
	return b.String()
}

func TestStoredSize(t *testing.T) {
	for _, text := range []string{`"int"`, "{\"doc\":\"a\\nb\u00e9\u2028\x01\"}", wide(10_000)} {
		b, err := json.Marshal(map[string]any{"subject": "s", "version": 1, "id": 1, "schema": text, "deleted": false})
		if err != nil {
			t.Fatal(err)
		}
		if got := StoredSize("s", text); got < len(b) || got > len(b)+400 {
			t.Errorf("%.40s: %d bytes, want about %d", text, got, len(b))
		}
	}
	for size, want := range map[int]string{100_000: "", 800_000: "near the 1048576", 1_100_000: "takes at most 1048576"} {
		got := SizeWarning("s", wide(size))
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%d bytes: %q", size, got)
		}
		for _, way := range []string{"fewer operations", "fields.exclude", "max.message.bytes"} {
			if want != "" && !strings.Contains(got, way) {
				t.Errorf("%d bytes: %q without %q", size, got, way)
			}
		}
	}
}

// A registry that has no room for a schema says so in many ways; what it says of
// a small one is another matter.
func TestTooLarge(t *testing.T) {
	status := 0
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error_code":50001,"message":"Error in the backend data store"}`)
	}))
	defer r.Close()
	c := client(t, Options{URL: r.URL})
	for _, test := range []struct {
		status, size int
		refused      bool
	}{
		{500, 1000, false}, {500, 1_200_000, true}, {503, 1_200_000, false}, {502, 1_200_000, false},
		{413, 1_200_000, true}, {422, 1_200_000, true}, {401, 1_200_000, false}, {429, 1_200_000, false},
	} {
		status = test.status
		_, err := c.Register(t.Context(), "s", wide(test.size))
		if errors.Is(err, ErrIncompatible) != test.refused || Retriable(err) == test.refused {
			t.Errorf("%+v: %v", test, err)
		}
		if strings.Contains(err.Error(), "fewer operations") != (test.size > UsualRecord) {
			t.Errorf("%+v: %v", test, err)
		}
		ok, reasons, err := c.Check(t.Context(), "s", wide(test.size))
		if ok || (err == nil) != test.refused || (len(reasons) == 1) != test.refused {
			t.Errorf("check %+v: %v %v", test, reasons, err)
		}
	}
	if _, err := c.Register(t.Context(), "s", wide(MaxText+1000)); !errors.Is(err, ErrIncompatible) {
		t.Errorf("beyond MaxText: %v", err)
	}
}

// What a registry takes whose limit was raised, this client takes too.
func TestLargeSchemas(t *testing.T) {
	text := wide(9 << 20)
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.Method == http.MethodPost:
			if n, err := io.Copy(io.Discard, req.Body); err != nil || n < int64(len(quoted)) {
				t.Errorf("%d bytes, %v", n, err)
			}
			fmt.Fprint(w, `{"id":7}`)
		case strings.HasSuffix(req.URL.Path, "/versions"):
			fmt.Fprint(w, `[1]`)
		default:
			fmt.Fprintf(w, `{"subject":"s","version":1,"id":7,"schema":%s}`, quoted)
		}
	}))
	defer r.Close()
	c := client(t, Options{URL: r.URL})
	id, err := c.Register(t.Context(), "s", text)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := c.Versions(t.Context(), "s"); err != nil || len(v) != 1 || v[0].Text != text {
		t.Errorf("%d versions, %v", len(v), err)
	}
	if s, err := c.Schema(t.Context(), id); err != nil || s.Text != text {
		t.Error(err)
	}
}
