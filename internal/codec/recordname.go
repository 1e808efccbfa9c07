package codec

// RecordName is the full Avro name that the record of an aggregated topic gets.
// Topics that differ only in letters that Avro names cannot have share one: those
// of a-b and a_b are both a_b.
func RecordName(topic string) string {
	namespace, name := recordName(topic)
	if namespace == "" {
		return name
	}
	return namespace + "." + name
}
