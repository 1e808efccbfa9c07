package codec

import "strings"

// Kafka Connect writes what a value means beside its Avro type, as connect.name,
// and so do its sources, Debezium above all. Of Connect's own types there is
// mostly a logical type too, of Debezium's there is none.
const (
	connectDecimal  = "org.apache.kafka.connect.data.Decimal"
	variableDecimal = "io.debezium.data.VariableScaleDecimal" // a record of scale (int) and value (bytes)
	debeziumTimes   = "io.debezium.time."                     // Date, MicroTime, NanoTimestamp, Year …
	debeziumShapes  = "io.debezium.data.geometry."            // records of wkb (bytes) and srid, a point also x and y
	debeziumSources = "io.debezium.connector."                // mysql.Source: where in the database's log an event stands
	debeziumBlock   = "event.block"                           // an event's place in its transaction
)

// connectTimes are Connect's own types, with the Avro type that they stand on.
var connectTimes = map[string]kind{
	"org.apache.kafka.connect.data.Date":      kindInt,
	"org.apache.kafka.connect.data.Time":      kindInt,
	"org.apache.kafka.connect.data.Timestamp": kindLong,
}

// durations are the types of Debezium that stand for an amount of time, which is
// a quantity, with its unit.
var durations = map[string]string{
	debeziumTimes + "MicroDuration": "us",
	debeziumTimes + "NanoDuration":  "ns",
}

// setConnect notes what the attributes of v say of t, where its logical type
// does not say it.
func (t *typ) setConnect(v *jsonValue) {
	parameters := v.get(attrConnectParameters)
	if t.kind == kindLong && parameters != nil {
		column := parameters.str(attrColumnType) // "BIGINT UNSIGNED", where Debezium is told to hand on the types of columns
		t.unsigned = t.unsigned || strings.HasPrefix(strings.ToUpper(column), "BIGINT UNSIGNED")
	}
	name := v.str(attrConnectName)
	if name == "" || t.logical != "" {
		return
	}
	unit, duration := durations[name]
	of, time := connectTimes[name]
	whole := t.kind == kindInt || t.kind == kindLong
	switch {
	case duration && (whole || t.kind == kindDouble):
		if t.units == "" {
			t.units = unit
		}
	case time && of == t.kind, whole && !duration && strings.HasPrefix(name, debeziumTimes):
		t.logical = name
	case name == connectDecimal && (t.kind == kindBytes || t.kind == kindFixed):
		t.connectDecimal(v, parameters)
	}
}

// connectDecimal makes t a decimal whose attributes are no valid logical type:
// Connect's scale is a parameter in text, and may be negative.
func (t *typ) connectDecimal(v, parameters *jsonValue) {
	scale, ok := integer(v.get(attrScale))
	if parameters != nil && !ok {
		if s := parameters.get(attrScale); s != nil {
			scale, ok = integer(&jsonValue{kind: jsonNumber, text: s.text})
		}
	}
	if !ok {
		t.ignored = "its connect.name is Decimal, but no scale is given"
		return
	}
	t.logical, t.scale, t.ignored = "decimal", scale, ""
	t.kind = map[kind]kind{kindBytes: kindDecimalBytes, kindFixed: kindDecimalFixed}[t.kind]
}

// setConnectRecord notes which record of Connect's world t is, when it has its
// fields. Its own name is as good as its connect.name.
func (t *typ) setConnectRecord(v *jsonValue) {
	if t.connect = v.str(attrConnectName); t.connect == "" {
		t.connect = t.fullName()
	}
	if t.connect != variableDecimal || len(t.fields) != 2 {
		return
	}
	for i := range t.fields {
		scale, value := &t.fields[i], &t.fields[1-i]
		if scale.name == "scale" && value.name == "value" && is(scale.typ, kindInt) && is(value.typ, kindBytes) {
			t.kind = kindAnyDecimal
			t.scale = i // which of the fields is the scale
		}
	}
}

func is(t *typ, k kind) bool { return t != nil && t.kind == k && t.logical == "" }

// noQuantity says why a field of a record is no quantity, though it is a number.
func (t *typ) noQuantity(m *member) string {
	switch {
	case strings.HasPrefix(t.connect, debeziumShapes) && m.name == "srid":
		return "srid names a system of coordinates, it is not a quantity"
	case strings.HasPrefix(t.connect, debeziumSources) && strings.HasSuffix(t.connect, ".Source"):
		return "says where an event of Debezium comes from, it is not a quantity"
	case t.connect == debeziumBlock:
		return "says where in its transaction an event of Debezium is, it is not a quantity"
	case (m.name == "ts_ms" || m.name == "ts_us" || m.name == "ts_ns") && t.ofDebezium():
		return m.name + " of Debezium is a point in time, not a quantity"
	}
	return ""
}

// ofDebezium is true for the records that Debezium puts around or between rows.
func (t *typ) ofDebezium() bool {
	if strings.HasPrefix(t.connect, debeziumSources) {
		return true
	}
	if !strings.HasSuffix(t.connect, ".Envelope") {
		return false
	}
	op, source := false, false
	for i := range t.fields {
		op, source = op || t.fields[i].name == "op", source || t.fields[i].name == "source"
	}
	return op && source
}
