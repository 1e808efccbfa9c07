package eventtime

// leapSecond is from when on TAI is ahead of UTC by so many seconds.
type leapSecond struct {
	utc   int64 // Unix time in s, of the midnight after the leap second
	ahead int64 // s
}

// The leap seconds, newest first. Source: leap-seconds.list of the IERS, as in the IANA
// time zone database 2026f, which is updated through Bulletin C of July 2026: there is
// none at the end of 2026. Before 1972 UTC was no whole number of seconds from TAI; the
// first difference is taken for it.
var leapSeconds = []leapSecond{
	{1483228800, 37}, // 2017-01-01
	{1435708800, 36}, // 2015-07-01
	{1341100800, 35}, // 2012-07-01
	{1230768000, 34}, // 2009-01-01
	{1136073600, 33}, // 2006-01-01
	{915148800, 32},  // 1999-01-01
	{867715200, 31},  // 1997-07-01
	{820454400, 30},  // 1996-01-01
	{773020800, 29},  // 1994-07-01
	{741484800, 28},  // 1993-07-01
	{709948800, 27},  // 1992-07-01
	{662688000, 26},  // 1991-01-01
	{631152000, 25},  // 1990-01-01
	{567993600, 24},  // 1988-01-01
	{489024000, 23},  // 1985-07-01
	{425865600, 22},  // 1983-07-01
	{394329600, 21},  // 1982-07-01
	{362793600, 20},  // 1981-07-01
	{315532800, 19},  // 1980-01-01
	{283996800, 18},  // 1979-01-01
	{252460800, 17},  // 1978-01-01
	{220924800, 16},  // 1977-01-01
	{189302400, 15},  // 1976-01-01
	{157766400, 14},  // 1975-01-01
	{126230400, 13},  // 1974-01-01
	{94694400, 12},   // 1973-01-01
	{78796800, 11},   // 1972-07-01
	{63072000, 10},   // 1972-01-01
}

var newest = leapSeconds[0]

// LeapSecondsUntil is up to when the table is known to be complete, as Unix time in s:
// 2027-06-28. Afterwards the last difference is taken.
const LeapSecondsUntil = 1814140800

// UTC is the Unix time of ns that count from 1970-01-01T00:00:00 in TAI, both in ns.
// The leap second 23:59:60 has no Unix time of its own: it repeats that of 23:59:59, as
// the clocks of Linux do, so that it stays in its minute and its day.
func UTC(tai int64) int64 {
	if tai >= (newest.utc+newest.ahead-1)*1e9 { // as nearly always
		return tai - newest.ahead*1e9
	}
	for _, l := range leapSeconds {
		if tai >= (l.utc+l.ahead-1)*1e9 {
			return tai - l.ahead*1e9
		}
	}
	return tai - leapSeconds[len(leapSeconds)-1].ahead*1e9
}
