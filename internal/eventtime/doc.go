// Package eventtime reads the time of a record from a value in it: a number of
// seconds, milliseconds and so on since 1970, a decimal, or a text of ISO 8601, in
// UTC or in TAI. What it gives is UTC, as Unix counts it, in ns.
//
//	time.go    a time, or the reason why there is none
//	form.go    how a value means a time; numbers
//	text.go    texts
//	leap.go    from TAI to UTC: the leap seconds
//	fields.go  names of fields that are likely to have the time
package eventtime
