package stats

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The golden vectors are made by test/oracle/golden/make.py with Python's
// statistics module.
var goldenDir = filepath.Join("..", "..", "test", "oracle", "golden")

// golden computes operations by both definitions of quantiles.
type golden struct {
	sets [2][]*Summarizer // by Method, one per group
	dst  []float64
}

// goldenGroups are the operations of make.py's core, percentiles and others,
// each with those that exist for both methods.
var goldenGroups = []struct {
	every int
	both  bool
	names string
}{
	{1, false, "sum mean median min max stdev variance pstdev pvariance"},
	{1, true, "q1 q3"},
	{3, true, "p5 p50 p99"},
	{32, true, "p0.1 p12.5 p99.9"},
	{4, false, "range rms iqr mad stderr skewness kurtosis slope"},
}

func parseOperations(t testing.TB, names string) []Operation {
	var ops []Operation
	for _, name := range strings.Fields(names) {
		op, err := ParseOperation(name)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	return ops
}

func newGolden(t testing.TB) *golden {
	g := &golden{dst: make([]float64, 16)}
	for _, group := range goldenGroups {
		ops := parseOperations(t, group.names)
		for _, m := range []Method{Exclusive, Inclusive} {
			g.sets[m] = append(g.sets[m], NewSummarizer(ops, Options{Quantiles: m}))
		}
	}
	return g
}

func TestGoldenWindows(t *testing.T) {
	sums, err := os.ReadFile(filepath.Join(goldenDir, "windows.crc32"))
	if err != nil {
		t.Fatal(err)
	}
	if len(sums) != 4*100_000 {
		t.Fatalf("%d windows", len(sums)/4)
	}
	g := newGolden(t)
	failed := 0
	var buf []byte
	step := 1
	if raceDetector {
		step = 16
	}
	for w := 0; w < len(sums)/4; w += step {
		seg, kind := goldenWindow(w)
		buf = buf[:0]
		for i, group := range goldenGroups {
			if w%group.every != 0 {
				continue
			}
			for _, m := range []Method{Exclusive, Inclusive} {
				if m == Inclusive && !group.both {
					continue
				}
				s := g.sets[m][i]
				dst := g.dst[:len(s.ops)]
				s.Summarize(dst, kind, []Segment{seg})
				for _, v := range dst {
					buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
				}
			}
		}
		if crc32.ChecksumIEEE(buf) != binary.LittleEndian.Uint32(sums[4*w:]) {
			t.Errorf("window %d differs from Python's; make.py --show %d prints it", w, w)
			if failed++; failed == 10 {
				t.FailNow()
			}
		}
	}
}

func TestGoldenCases(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(goldenDir, "cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c struct {
			Name, Kind string
			Values     []string
			Times      []int64
			Results    map[string]string
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		t.Run(c.Name, func(t *testing.T) {
			seg := Segment{Times: c.Times}
			kind := Real
			for row, text := range c.Values {
				if c.Kind == "integer" {
					kind = Integer
					v, err := strconv.ParseInt(text, 10, 64)
					if err != nil {
						t.Fatal(err)
					}
					seg.appendInt(row, v)
					continue
				}
				seg.Values = append(seg.Values, parseHex(t, text))
			}
			for key, text := range c.Results {
				name, method, _ := strings.Cut(key, " ")
				opts := Options{}
				if method == "inclusive" {
					opts.Quantiles = Inclusive
				}
				got := []float64{0}
				NewSummarizer(parseOperations(t, name), opts).Summarize(got, kind, []Segment{seg})
				if want := parseHex(t, text); math.Float64bits(got[0]) != math.Float64bits(want) {
					t.Errorf("%s = %v, want %v", key, got[0], want)
				}
			}
		})
	}
}

func parseHex(t *testing.T, text string) float64 {
	if text == "nan" {
		return NaN
	}
	if !strings.Contains(text, "p") && !strings.Contains(text, "inf") {
		t.Fatalf("%q is not in base 16", text)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (g *Segment) appendInt(row int, v int64) {
	f, rest := SplitInt64(v)
	g.Values = append(g.Values, f)
	if rest != 0 {
		g.Residuals = append(g.Residuals, Residual{Row: int32(row), Value: rest})
	}
}

// splitMix is the generator of make.py: SplitMix64.
type splitMix uint64

func (r *splitMix) next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func (r *splitMix) below(n uint64) int { return int(r.next() % n) }

func (r *splitMix) unit() float64 { return float64(r.next()>>11) * 0x1p-53 }

func (r *splitMix) bell() float64 {
	a, b, c, d := r.unit(), r.unit(), r.unit(), r.unit()
	return (a + b) + (c + d) - 2
}

func (r *splitMix) finite() float64 {
	b := r.next()
	if b>>52&0x7ff == 0x7ff {
		b ^= 1 << 62
	}
	return math.Float64frombits(b)
}

// goldenWindow repeats samples of make.py. The conversions to float64 keep
// processors that can from fusing operations.
func goldenWindow(window int) (Segment, Kind) {
	r := splitMix(uint64(window)*0xD1342543DE82EF95 + 1)
	n := 0
	switch c := r.below(100); {
	case c < 40:
		n = 1 + r.below(8)
	case c < 85:
		n = 9 + r.below(56)
	case c < 99:
		n = 65 + r.below(236)
	default:
		n = 301 + r.below(1200)
	}
	shape := r.below(18)
	offset := []float64{0, 1, -1e3, 1e6, -1e9, 1e12}[r.below(6)]
	scale := []float64{1e-6, 1e-3, 1, 1e3}[r.below(4)]
	var some [4]float64
	for i := range some {
		some[i] = r.finite()
	}
	seg := Segment{}
	kind := Real
	if shape >= 12 && shape < 16 {
		kind = Integer
		for i := range n {
			seg.appendInt(i, goldenInteger(&r, shape, i))
		}
	} else {
		for i := range n {
			seg.Values = append(seg.Values, goldenReal(&r, shape, i, offset, scale, &some))
		}
	}
	if window%4 == 0 {
		for i := range n {
			seg.Times = append(seg.Times, 1_700_000_000_000_000_000+int64(i)*10_000_000+int64(r.below(1000)))
		}
	}
	return seg, kind
}

func goldenReal(r *splitMix, shape, i int, offset, scale float64, some *[4]float64) float64 {
	switch shape {
	case 0:
		return float64(r.unit()*200) - 100
	case 1:
		return offset + float64(scale*r.bell())
	case 2:
		return 1e9 + float64(r.unit()*1e-6)
	case 3:
		b := uint64(r.below(1000))
		return math.Float64frombits(b | uint64(r.below(2))<<63)
	case 4:
		v := r.bell()
		switch r.below(16) {
		case 0:
			return math.Inf(1)
		case 1:
			return math.Inf(-1)
		}
		return v
	case 5:
		return some[0]
	case 6:
		return r.finite()
	case 7:
		return some[r.below(4)]
	case 8:
		return []float64{1e30, -1e30, 1, -1, 3, 1e-30, 1e16, -1e16}[r.below(8)]
	case 9:
		return offset + float64(float64(r.below(1<<20)-1<<19)*0x1p-16)
	case 10:
		v := r.bell()
		if r.below(16) == 0 {
			return v * 1e30
		}
		return v
	case 11:
		return 20 + float64(float64(i)*0.01)
	case 16:
		return 1 + float64(float64(r.below(4))*0x1p-52)
	}
	u := r.unit()
	return (u - 0.5) * math.Ldexp(1, r.below(60)-30)
}

func goldenInteger(r *splitMix, shape, i int) int64 {
	switch shape {
	case 12:
		return int64(r.below(2001)) - 1000
	case 13:
		v := int64(1)<<53 + int64(r.below(4096)) - 2048
		if r.below(8) == 0 {
			return -v
		}
		return v
	case 14:
		return int64(r.next())
	}
	return 1_700_000_000_000_000_000 + int64(i)*10_000_000 + int64(r.below(1000))
}
