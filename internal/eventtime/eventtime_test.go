package eventtime

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

func at(text string) Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return Time(t.UnixNano())
}

func show(t Time) string {
	if t.Valid() {
		return time.Unix(0, int64(t)).UTC().Format(time.RFC3339Nano)
	}
	return t.Reason().String()
}

func same(t *testing.T, what string, got, want Time) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s (%d), want %s (%d)", what, show(got), got, show(want), want)
	}
}

var (
	seconds = Form{Unit: Second}
	millis  = Form{Unit: Millisecond}
	micros  = Form{Unit: Microsecond}
	nanos   = Form{Unit: Nanosecond}
	tai     = Form{Unit: Second, TAI: true}
)

func TestInt(t *testing.T) {
	for _, c := range []struct {
		f    Form
		v    int64
		want Time
	}{
		{seconds, 1764561906, at("2025-12-01T04:05:06Z")},
		{millis, 1764561906789, at("2025-12-01T04:05:06.789Z")},
		{micros, 1764561906789012, at("2025-12-01T04:05:06.789012Z")},
		{nanos, 1764561906789012345, at("2025-12-01T04:05:06.789012345Z")},
		{tai, 1764561943, at("2025-12-01T04:05:06Z")},
		{Form{Millisecond, true}, 1764561943789, at("2025-12-01T04:05:06.789Z")},
		{seconds, 1, 1e9},
		{nanos, 1, 1},
		{seconds, 0, No(Zero)},
		{tai, 0, No(Zero)},
		{tai, 10, No(Past)},
		{tai, 11, 1e9},
		{seconds, -1, No(Past)},
		{nanos, math.MinInt64, No(Past)},
		{seconds, 9223372036, 9223372036e9},
		{seconds, 9223372037, latest},
		{seconds, math.MaxInt64, latest},
		{millis, math.MaxInt64, latest},
		{nanos, math.MaxInt64, latest},
	} {
		same(t, fmt.Sprintf("%d %s TAI %t", c.v, c.f.Unit, c.f.TAI), c.f.Int(c.v), c.want)
	}
}

func TestFloat(t *testing.T) {
	for _, c := range []struct {
		f    Form
		v    float64
		want Time
	}{
		{seconds, 1764561906.5, at("2025-12-01T04:05:06.5Z")},
		{seconds, 1764561906.1, at("2025-12-01T04:05:06.1Z")}, // the double is 0.099999905
		{seconds, 1764561906.789012, at("2025-12-01T04:05:06.789012Z")},
		{tai, 1764561943.1, at("2025-12-01T04:05:06.1Z")},
		{millis, 1764561906789.012, at("2025-12-01T04:05:06.789012Z")},
		{micros, 1764561906789012.25, at("2025-12-01T04:05:06.789012Z")},
		{micros, 1764561906789012.5, at("2025-12-01T04:05:06.789013Z")},
		{nanos, 1764561906789012480, at("2025-12-01T04:05:06.789012Z")},
		{seconds, 0.0078125, 7813e3}, // half a µs is rounded up
		{seconds, math.NaN(), No(NaN)},
		{seconds, 0, No(Zero)},
		{seconds, math.Copysign(0, -1), No(Zero)},
		{seconds, 1e-9, No(Zero)},
		{seconds, -1e-9, No(Past)},
		{seconds, math.Inf(-1), No(Past)},
		{seconds, math.Inf(1), latest},
		{seconds, 9223372036.9, latest},
		{seconds, 9223372037, latest},
		{seconds, 1.8e19, latest},
		{millis, 1764561906789012, latest},
		{nanos, 1<<63 - 1024, No(Reasons)}, // near to the latest
		{nanos, 1 << 63, latest},
		{seconds, float64(float32(1764561906)), at("2025-12-01T04:05:20Z")}, // the floats are 128 s apart
	} {
		if c.want == No(Reasons) {
			if got := c.f.Float(c.v); !got.Valid() || got > latest || got < latest-4096 {
				t.Errorf("%g: %d", c.v, got)
			}
			continue
		}
		same(t, fmt.Sprintf("%v %s TAI %t", c.v, c.f.Unit, c.f.TAI), c.f.Float(c.v), c.want)
	}
}

// The nearest µs, by fractions.
func TestFloatIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		f := []Form{seconds, millis, micros, nanos}[rng.IntN(4)]
		v := rng.Float64() * 4e18 / float64(f.Unit)
		us := new(big.Rat).SetFloat64(v)
		us.Mul(us, big.NewRat(int64(f.Unit), 1000))
		us.Add(us, big.NewRat(1, 2))
		want := Time(new(big.Int).Quo(us.Num(), us.Denom()).Int64() * 1000)
		same(t, fmt.Sprint(v, f.Unit), f.Float(v), want)
	}
}

func TestDecimal(t *testing.T) {
	number := func(text string) []byte {
		v, _ := new(big.Int).SetString(text, 10)
		return append([]byte{0}, v.Bytes()...)
	}
	for _, c := range []struct {
		f     Form
		b     []byte
		scale int
		want  Time
	}{
		{seconds, number("1764561906789012345"), 9, at("2025-12-01T04:05:06.789012345Z")},
		{tai, number("1764561943789012345"), 9, at("2025-12-01T04:05:06.789012345Z")},
		{seconds, number("17645619061"), 1, at("2025-12-01T04:05:06.1Z")},
		{seconds, number("1764561906"), 0, at("2025-12-01T04:05:06Z")},
		{millis, number("17645619067890123459"), 7, at("2025-12-01T04:05:06.789012345Z")},
		{nanos, number("17645619067890123459"), 1, at("2025-12-01T04:05:06.789012345Z")},
		{seconds, number("176456190678901234567890123456"), 20, at("2025-12-01T04:05:06.789012345Z")},
		{seconds, append(make([]byte, 100), number("1764561906")...), 0, at("2025-12-01T04:05:06Z")},
		{seconds, number("1764561906"), 20, No(Zero)},
		{seconds, number("1764561906"), 1 << 30, No(Zero)},
		{seconds, number("17645619061764561906"), 0, latest},
		{seconds, number("9223372036854775808"), 9, latest},
		{seconds, number("18446744073709551615"), 0, latest},
		{seconds, number("176456190617645619061764561906"), 0, latest},
		{seconds, []byte{0xff}, 0, No(Past)},
		{seconds, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}, 0, No(Past)},
		{seconds, nil, 3, No(Zero)},
		{seconds, []byte{0, 0, 0}, 3, No(Zero)},
	} {
		same(t, fmt.Sprintf("%x/%d %s", c.b, c.scale, c.f.Unit), c.f.Decimal(c.b, c.scale), c.want)
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]Time{
		"2025-12-01T04:05:06Z":                   at("2025-12-01T04:05:06Z"),
		"2025-12-01T04:05:06.789Z":               at("2025-12-01T04:05:06.789Z"),
		"2025-12-01T04:05:06,789012345678+00:00": at("2025-12-01T04:05:06.789012345Z"),
		"2025-12-01T06:05:06.5+02:00":            at("2025-12-01T04:05:06.5Z"),
		"2025-12-01T06:05:06.5+0200":             at("2025-12-01T04:05:06.5Z"),
		"2025-12-01t06:05:06.5+02":               at("2025-12-01T04:05:06.5Z"),
		"2025-11-30T20:35:06-07:30":              at("2025-12-01T04:05:06Z"),
		"2025-12-01 04:05:06.25":                 at("2025-12-01T04:05:06.25Z"),
		"2025-12-01T04:05":                       at("2025-12-01T04:05:00Z"),
		"2025-12-01T04:05Z":                      at("2025-12-01T04:05:00Z"),
		"2025-12-01":                             at("2025-12-01T00:00:00Z"),
		"2024-02-29":                             at("2024-02-29T00:00:00Z"),
		"2000-02-29":                             at("2000-02-29T00:00:00Z"),
		"2016-12-31T23:59:60.5Z":                 at("2016-12-31T23:59:59.5Z"),
		"1970-01-01T00:00:00Z":                   No(Zero),
		"1970-01-01T00:00:00.000000001Z":         1,
		"1970-01-01T00:30:00+01:00":              No(Past),
		"1969-12-31T23:59:59Z":                   No(Past),
		"0001-01-01T00:00:00Z":                   No(Past),
		"0000-01-01T00:00:00Z":                   No(Past),
		"2262-04-11T23:47:15.999Z":               at("2262-04-11T23:47:15.999Z"),
		"2262-04-11T23:47:16Z":                   latest,
		"9999-12-31T23:59:59Z":                   latest,
		"":                                       No(Null),
		"n/a":                                    No(Unreadable),
		"1764561906":                             No(Unreadable),
		"2025-12-01T":                            No(Unreadable),
		"2025-12-01T04":                          No(Unreadable),
		"2025-12-01T04:05:06.Z":                  No(Unreadable),
		"2025-12-01T04:05:06.7891011Zulu":        No(Unreadable),
		"2025-12-01T04:05:06+":                   No(Unreadable),
		"2025-12-01T04:05:06+02:":                No(Unreadable),
		"2025-12-01T24:00:00Z":                   No(Unreadable),
		"2025-12-01T04:60:00Z":                   No(Unreadable),
		"2025-12-01T04:05:61Z":                   No(Unreadable),
		"2025-13-01":                             No(Unreadable),
		"2025-00-01":                             No(Unreadable),
		"2025-02-29":                             No(Unreadable),
		"1900-02-29":                             No(Unreadable),
		"2025-06-31":                             No(Unreadable),
		"2025/12/01":                             No(Unreadable),
		"20251201T040506Z":                       No(Unreadable),
		" 2025-12-01":                            No(Unreadable),
	} {
		same(t, text, seconds.Text([]byte(text)), want)
	}
	for text, want := range map[string]Time{
		"2025-12-01T04:05:43.5":  at("2025-12-01T04:05:06.5Z"), // read in TAI
		"2025-12-01T04:05:43.5Z": at("2025-12-01T04:05:43.5Z"), // says that it is UTC
		"2017-01-01T00:00:37":    at("2017-01-01T00:00:00Z"),
	} {
		same(t, text+" in TAI", tai.Text([]byte(text)), want)
	}
}

// All days of four centuries, by the standard library.
func TestDays(t *testing.T) {
	for d := time.Date(1890, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 2300; d = d.AddDate(0, 0, 1) {
		year, month, day := d.Date()
		if got := days(int64(year), int64(month), int64(day)); got != floorDiv(d.Unix(), 86400) {
			t.Fatalf("%s: day %d", d, got)
		}
		if last := d.AddDate(0, 0, 1).Day() == 1; last != (int64(day) == daysIn(int64(year), int64(month))) {
			t.Fatalf("%s: last day of the month %t", d, last)
		}
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Around each leap second: the last second before it, itself, and the first behind it.
func TestLeapSeconds(t *testing.T) {
	if n := len(leapSeconds); n != 28 || leapSeconds[0].ahead != 37 || leapSeconds[n-1] != (leapSecond{63072000, 10}) {
		t.Errorf("%d rows, %v to %v", n, leapSeconds[0], leapSeconds[n-1])
	}
	for i, l := range leapSeconds {
		if d := time.Unix(l.utc, 0).UTC(); d.Hour() != 0 || d.Day() != 1 || d.Month() != 1 && d.Month() != 7 {
			t.Errorf("row %d is of %s", i, d)
		}
		if i == len(leapSeconds)-1 {
			break
		}
		if before := leapSeconds[i+1]; before.ahead != l.ahead-1 || before.utc >= l.utc {
			t.Errorf("row %d: %v stands behind %v", i, before, l)
		}
		const half = int64(5e8)
		first := (l.utc + l.ahead) * 1e9 // in TAI, of the new day
		for offset, want := range map[int64]int64{
			-half:         l.utc*1e9 - half, // in 23:59:60
			-1e9:          l.utc*1e9 - 1e9,  // it begins, and repeats 23:59:59
			-1e9 - 1:      l.utc*1e9 - 1,    // the end of 23:59:59
			-1e9 - half:   l.utc*1e9 - half,
			-2e9:          l.utc*1e9 - 1e9,
			-2e9 - half:   l.utc*1e9 - 1e9 - half,
			0:             l.utc * 1e9,
			half:          l.utc*1e9 + half,
			86400e9 + 7e8: l.utc*1e9 + 86400e9 + 7e8,
		} {
			if got := UTC(first + offset); got != want {
				t.Errorf("%d s TAI and %d ns: %d, want %d", l.utc+l.ahead, offset, got, want)
			}
		}
	}
	for tai, want := range map[int64]int64{10e9: 0, 63072010e9: 63072000e9, 31536010e9: 31536000e9, (LeapSecondsUntil + 37 + 1e6) * 1e9: (LeapSecondsUntil + 1e6) * 1e9} {
		if got := UTC(tai); got != want {
			t.Errorf("%d: %d, want %d", tai, got, want)
		}
	}
}

func TestLikely(t *testing.T) {
	for path, want := range map[string]bool{
		"private_sndStamp": true, "timestamp": true, "eventTime": true, "header.time_stamp": true, "ts": true, "TS": true, "a.b.rcvStamp": true,
		"temperature": false, "timeout": false, "runtime": false, "": false, "mounts": false,
	} {
		if got := Likely(path) >= 0; got != want {
			t.Errorf("%q: %t", path, got)
		}
	}
	if Likely("private_sndStamp") >= Likely("time") || Likely("time") >= Likely("x.private_rcvStamp") {
		t.Error("order")
	}
}

// FuzzText wants no panic, and of what RFC 3339 knows the time of the standard library.
func FuzzText(f *testing.F) {
	f.Add([]byte("2025-12-01T04:05:06.789+02:00"))
	f.Add([]byte("2016-12-31T23:59:60Z"))
	f.Add([]byte("2025-12-01"))
	f.Fuzz(func(t *testing.T, s []byte) {
		got := seconds.Text(s)
		tai.Text(s)
		want, err := time.Parse(time.RFC3339Nano, string(s))
		if err != nil || want.Year() < 1971 || want.Year() > 2261 || want.Format(time.RFC3339Nano) != string(s) { // Parse is lenient
			return
		}
		same(t, string(s), got, Time(want.UnixNano()))
	})
}

// FuzzNumbers wants that numbers of all forms give a time, or a reason.
func FuzzNumbers(f *testing.F) {
	f.Add(int64(1764561906), 1764561906.5, []byte{1, 2, 3, 4, 5}, 3)
	f.Add(int64(math.MaxInt64), math.MaxFloat64, []byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 18)
	f.Fuzz(func(t *testing.T, i int64, x float64, b []byte, scale int) {
		if len(b) > 512 || scale < 0 {
			return
		}
		for _, form := range []Form{seconds, millis, micros, nanos, tai} {
			for _, v := range []Time{form.Int(i), form.Float(x), form.Decimal(b, scale)} {
				if !v.Valid() && (v < -Time(Reasons) || v == 0) {
					t.Errorf("%v: %d", form, v)
				}
			}
			if got := form.Int(i); got.Valid() && got < latest && !form.TAI && int64(got) != i*int64(form.Unit) {
				t.Errorf("%d: %d", i, got)
			}
		}
	})
}
