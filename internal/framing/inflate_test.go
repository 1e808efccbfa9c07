package framing

import (
	"bytes"
	"compress/zlib"
	"runtime"
	"strings"
	"testing"
)

func deflate(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestInflate(t *testing.T) {
	f := NewInflater()
	defer f.Free()
	for _, n := range []int{0, 1, 1000, 1 << 10, 1<<10 + 1, 100_000, MaxInflated} {
		data := bytes.Repeat([]byte("ab"), n)[:n]
		got, err := f.Inflate(deflate(t, data))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %d, %v", n, len(got), err)
		}
	}
}

func TestInflateRefuses(t *testing.T) {
	good := deflate(t, []byte("some data"))
	wrong := bytes.Clone(good)
	wrong[len(wrong)-1]++
	f := NewInflater()
	defer f.Free()
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":                 {nil, "decompress: "},
		"what is not compressed":  {[]byte("some data"), "zlib: invalid header"},
		"what is cut":             {good[:len(good)-3], "unexpected EOF"},
		"a wrong checksum":        {wrong, "zlib: invalid checksum"},
		"what has something else": {append(bytes.Clone(good), 1, 2), "2 bytes follow the compressed data"},
		"one byte too many":       {deflate(t, make([]byte, MaxInflated+1)), "become more than 4194304"},
	} {
		if got, err := f.Inflate(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d bytes, %v, want %q", name, len(got), err, c.want)
		}
		if got, err := f.Inflate(good); err != nil || string(got) != "some data" { // it is as good as new
			t.Errorf("after %s: %q, %v", name, got, err)
		}
	}
}

// A bomb of 1 MB that would be 1 GB takes no more memory than MaxInflated allows.
func TestInflateBomb(t *testing.T) {
	bomb := deflate(t, make([]byte, 1<<30))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := &Inflater{}
	if _, err := f.Inflate(bomb); err == nil {
		t.Error("it was taken")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 5*MaxInflated {
		t.Errorf("%d bytes were allocated", n)
	}
	f.Free()
	if cap(f.out) > keepInflated {
		t.Errorf("%d bytes are kept", cap(f.out))
	}
}
