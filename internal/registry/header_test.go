package registry

import (
	"bytes"
	"testing"
)

func TestHeader(t *testing.T) {
	value := append(AppendHeader(nil, 100_042), "body"...)
	id, body, err := ParseHeader(value)
	if err != nil || id != 100_042 || string(body) != "body" {
		t.Errorf("%d, %q, %v", id, body, err)
	}
	if id, body, err := ParseHeader([]byte{0, 0, 0, 0, 7}); err != nil || id != 7 || len(body) != 0 {
		t.Errorf("%d, %q, %v", id, body, err)
	}
	for _, bad := range [][]byte{nil, {}, {0}, {0, 0, 0, 1}, {1, 0, 0, 0, 1}, []byte("{\"a\":1}"), {0, 255, 255, 255, 255}} {
		if _, _, err := ParseHeader(bad); err == nil {
			t.Errorf("% x was accepted", bad)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 2, 3})
	f.Add([]byte{0, 0x80, 0, 0, 0})
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, value []byte) {
		id, body, err := ParseHeader(value)
		if err == nil && !bytes.Equal(append(AppendHeader(nil, id), body...), value) {
			t.Errorf("% x is not %d and % x", value, id, body)
		}
	})
}
