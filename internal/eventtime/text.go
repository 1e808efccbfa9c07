package eventtime

// Text is the time of a text of ISO 8601 in its extended form: 2026-12-01T04:05:06.789Z.
// The T may be a blank; seconds and their fraction may be left out, as may the
// time of the day. Behind it may stand Z, or an offset such as +02:00, +0200 or +02; that makes it
// UTC, whatever the form. Without, it is read in the form's scale. Of a fraction,
// 9 digits count.
func (f Form) Text(s []byte) Time {
	if len(s) == 0 {
		return No(Null)
	}
	r := textReader{s: s}
	year := r.number(4)
	r.skip('-')
	month := r.number(2)
	r.skip('-')
	day := r.number(2)
	if r.bad || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return No(Unreadable)
	}
	var hour, minute, second, ns int64
	if r.next('T') || r.next('t') || r.next(' ') {
		hour = r.number(2)
		r.skip(':')
		minute = r.number(2)
		if r.next(':') {
			second = r.number(2)
			if r.next('.') || r.next(',') {
				ns = r.fraction()
			}
		}
	}
	offset, zone := r.zone()
	if r.bad || len(r.s) > 0 || hour > 23 || minute > 59 || second > 60 {
		return No(Unreadable)
	}
	if second == 60 { // a leap second, see UTC
		second = 59
	}
	t := days(year, month, day)*86400 + hour*3600 + minute*60 + second - offset
	switch {
	case t < 0:
		return No(Past)
	case t == 0 && ns == 0:
		return No(Zero)
	case t >= int64(latest)/1e9:
		return latest
	case zone:
		return Time(t*1e9 + ns)
	}
	return f.scaled(t*1e9 + ns)
}

// textReader reads a text from its beginning; bad says that it was not what was wanted.
type textReader struct {
	s   []byte
	bad bool
}

// number reads n digits.
func (r *textReader) number(n int) (v int64) {
	if len(r.s) < n {
		r.bad = true
		return 0
	}
	for _, c := range r.s[:n] {
		if c < '0' || c > '9' {
			r.bad = true
			return 0
		}
		v = 10*v + int64(c-'0')
	}
	r.s = r.s[n:]
	return v
}

// next passes over a character if it is the next one.
func (r *textReader) next(c byte) bool {
	if len(r.s) == 0 || r.s[0] != c {
		return false
	}
	r.s = r.s[1:]
	return true
}

// skip passes over a character that has to be there.
func (r *textReader) skip(c byte) { r.bad = !r.next(c) || r.bad }

// fraction reads one of a second, in ns.
func (r *textReader) fraction() (ns int64) {
	n := 0
	for unit := int64(1e8); n < len(r.s) && r.s[n] >= '0' && r.s[n] <= '9'; n++ {
		ns += unit * int64(r.s[n]-'0')
		unit /= 10
	}
	r.s, r.bad = r.s[n:], r.bad || n == 0
	return ns
}

// zone reads what the time is ahead of UTC, in s.
func (r *textReader) zone() (offset int64, there bool) {
	sign := int64(1)
	switch {
	case r.next('Z'), r.next('z'):
		return 0, true
	case r.next('+'):
	case r.next('-'):
		sign = -1
	default:
		return 0, false
	}
	offset = 3600 * r.number(2)
	if r.next(':') || len(r.s) > 0 {
		offset += 60 * r.number(2)
	}
	return sign * offset, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// days are those from 1970-01-01 to a date of the Gregorian calendar. A year begins with
// March here, so that the day which some years have more is its last one.
func days(year, month, day int64) int64 {
	year, month = year-(14-month)/12, (month+9)%12
	year += 400 // none is negative
	return 365*year + year/4 - year/100 + year/400 + (153*month+2)/5 + day - 1 - (719468 + 146097)
}
