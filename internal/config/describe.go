package config

// Placeholder stands for the source topic's name in an aggregated topic's name.
const Placeholder = "{source_topic}"

// description is what cannot be derived from the struct. Everything a user
// sees of a key (errors, JSON Schema, the table in docs/configuration.md)
// comes from here and from the struct.
type description struct {
	path    string
	doc     string
	values  []string // all values there are, if they can be listed
	example string   // what to write, for hints
	secret  bool
	scalar  string // section only: the key that a plain value in place of the section means
	list    bool   // of a text: a list of texts means the same as one with commas
	overlay bool   // of a map: names that are not written keep their values; numbers and truth values are texts
}

// descriptions has one row for each key and section, in the struct's order.
func descriptions() []description {
	rows := []description{
		{path: "kafka", doc: "How to reach the Kafka cluster."},
		{path: "kafka.brokers", doc: "Bootstrap brokers, each host:port.", example: "[localhost:9092]"},
		{path: "kafka.client_id", doc: "Name of this program in the brokers' logs and quotas.", example: "kafka-aggregator"},
		{path: "kafka.tls", doc: "TLS to the brokers."},
		{path: "kafka.sasl", doc: "How to log in at the brokers."},
		{path: "kafka.sasl.mechanism", doc: "Method of the login. Empty: none.", values: []string{"", "plain", "scram-sha-256", "scram-sha-512"}},
		{path: "kafka.sasl.username", doc: "User name.", example: "aggregator"},
		{path: "kafka.sasl.password", doc: "Password. Better in a file or an environment variable.", secret: true},
		{path: "kafka.sasl.password_file", doc: "File that holds the password (white space at its end is cut off). It is read at each login, so it may change.", example: "/run/secrets/kafka"},

		{path: "schema_registry", doc: "Registry of the source topics' schemas (Confluent's API)."},
		{path: "schema_registry.url", doc: "Base URL of the source topics' registry. Several, as a list or separated by commas, are addresses of the same registry: if one is in trouble, the next is asked.", example: "http://localhost:8081", list: true},
		{path: "aggregated_schema_registry", doc: "Registry of the aggregated topics' schemas, if it is another one."},
		{path: "aggregated_schema_registry.url", doc: "Base URL of the aggregated topics' registry, or several. Empty: schema_registry is used for both.", example: "http://localhost:8082", list: true},

		{path: "worker", doc: "The worker as a member of its group."},
		{path: "worker.group", doc: "Consumer group. Workers of one group share the topics; positions are kept under this name.", example: "kafka-aggregator"},
		{path: "worker.id", doc: "Stable name of this worker, different for each one (a pod's name, say): a restarted worker gets its topics back without a rebalance. Empty: a random one.", example: "worker-0"},
		{path: "worker.delivery", doc: "How often a result may come: exactly_once uses transactions; at_least_once needs no transactional id, and a repeated record has the same key and bytes.", values: []string{ExactlyOnce, AtLeastOnce}},
		{path: "worker.create_topics", doc: "Create aggregated, dead-letter and late topics that are missing. If false they must exist."},
		{path: "worker.topic_refresh", doc: "How often new topics are looked for.", example: "10s"},
		{path: "worker.commit_interval", doc: "Least time between two commits with output. Shorter: results sooner; longer: less work for the brokers.", example: "100ms"},
		{path: "worker.session_timeout", doc: "A worker not heard of for this long loses its topics to the others.", example: "10s"},
		{path: "worker.transaction_timeout", doc: "The broker aborts a transaction that is open for longer.", example: "15s"},

		{path: "http", doc: "Status page, metrics and health.", scalar: "listen"},
		{path: "http.listen", doc: "host:port to listen at, or off.", example: "127.0.0.1:8080"},

		{path: "http.hosts", doc: "Further names by which clients ask for the status page, such as a service's name. It answers for localhost, the host of listen and the address that a connection arrives at anyway.", example: "[aggregator.example.org]"},

		{path: "aggregations", doc: "Which topics are aggregated, and how. The first entry whose topics match takes a topic.", example: "'- name: examples'"},
		{path: "aggregations[].name", doc: "Name of this entry in logs and metrics; unique.", example: "examples"},
		{path: "aggregations[].topics", doc: "The source topics. New topics are found while running. Internal topics (`__…`), the dead-letter and late topics and the program's own aggregated topics are never taken, whatever is written here."},
		{path: "aggregations[].topics.include", doc: "Regular expressions (RE2), looked for anywhere in the name: anchor them with ^ and $.", example: "['^example-[0-9]+$']"},
		{path: "aggregations[].topics.exclude", doc: "Regular expressions of topics that are not taken, though included.", example: "['^example-9']"},
		{path: "aggregations[].aggregated_topic", doc: "Name of the aggregated topic; must contain {source_topic} once, and with several windows {size}, which is 1s or 10m.", example: "'{source_topic}-aggregated'"},
		{path: "aggregations[].partitions", doc: "Partitions of an aggregated topic that is created.", example: "1"},
		{path: "aggregations[].aggregated_topic_config", doc: "Settings of an aggregated topic that is created, by the brokers' names, such as compression.type or max.message.bytes. Records are kept unless something else is written here, whatever the cluster's default; '' in place of a value is the cluster's default. A topic that exists stays as it is.", example: "{compression.type: zstd, retention.ms: 31536000000}", overlay: true},
		{path: "aggregations[].max_workers_per_topic", doc: "On how many workers a source topic with several partitions may be read at the same time. 1: on one. More: on so many, if there are, and one of them merges what the others have read. 0: on several when one worker is not enough for it (its load is above 32 MiB/s and 1.5 times a worker's fair share).", example: "0"},
		{path: "aggregations[].framing", doc: "How source records name their schema. The record header __value_schema_id and the 5-byte prefix are always known, in this order; here is what there may be beside. All may be mixed in a topic."},
		{path: "aggregations[].framing.subjects", doc: "Subjects with the schemas of a topic, where a record does not name its schema by an id: for the single-object encoding, and to tell prefixes from bare records. {source_topic} stands for the topic. Empty: '{source_topic}-value'.", example: "['{source_topic}-value']"},
		{path: "aggregations[].framing.single_object", doc: "Records may be in Avro's single-object encoding (0xc3 0x01, fingerprint). The schema is looked for among all versions of the subjects."},
		{path: "aggregations[].framing.glue", doc: "Records of AWS Glue's serializers (0x03, compression, UUID of a schema version), also compressed ones."},
		{path: "aggregations[].framing.glue.schemas", doc: "By the UUID of a schema version in Glue: the id of that schema in the schema registry, or a subject, whose newest version is meant. {source_topic} stands for the topic. Glue itself is not asked.", example: "{89791762-2336-4186-9674-299b90a802e2: 7}", overlay: true},
		{path: "aggregations[].framing.bare", doc: "Records may be plain Avro, without anything that names a schema; then the schema is this one. A record that begins like another framing by chance is told by its data."},
		{path: "aggregations[].framing.bare.subject", doc: "The newest version of this subject, as it is when a worker begins to read the topic. {source_topic} stands for the topic.", example: "'{source_topic}-value'"},
		{path: "aggregations[].framing.bare.id", doc: "The schema with this id, in place of a subject. 0: none.", example: "7"},
		{path: "aggregations[].fields", doc: "The fields of the source records that are aggregated: every numeric one, unless said otherwise here."},
		{path: "aggregations[].fields.include", doc: "Names (a_b or a.b) or /regular expressions/ of fields. Empty: all.", example: "[temperature, /^force/]"},
		{path: "aggregations[].fields.exclude", doc: "Names or /regular expressions/ of fields that are left out, though included.", example: "[time, /_id$/]"},
		{path: "aggregations[].fields.booleans", doc: "Booleans count as 0 and 1. Otherwise they are left out."},
		{path: "aggregations[].fields.enums", doc: "index: a symbol of an enum counts as its index in the list symbols of the aggregated schema, which it keeps whatever the source schema does. skip: enums are left out.", values: []string{"skip", "index"}},
		{path: "aggregations[].fields.unsigned", doc: "Names or /regular expressions/ of fields whose longs hold unsigned integers of 64 bits: what looks like a negative number is one from 2^63 on.", example: "[octets_in, /_count$/]"},
		{path: "aggregations[].fields.arrays", doc: "What becomes of an array, by name or /regular expression/: elements (an array of results, element by element), pool (all elements are samples of one statistic) or skip. Default: elements of an array of numbers; pool of an array of records (a.b is then the field b of all its records) or of arrays. Arrays within arrays can be pooled only.", values: []string{"elements", "pool", "skip"}, example: "{forces: pool}"},
		{path: "aggregations[].fields.maps", doc: "What becomes of a map, by name or /regular expression/: pool (the values of all keys are samples of one statistic) or skip. Default: skip, as the keys of a map may name different quantities.", values: []string{"pool", "skip"}, example: "{latencies: pool}"},
		{path: "aggregations[].fields.map_keys", doc: "Keys of maps that are fields of their own, each as the path of the map, a point and the key: weather.temperature is the field weather_temperature. Other keys of such a map are left out.", example: "[weather.temperature, weather.pressure]"},
		{path: "aggregations[].fields.max_elements", doc: "A record with a longer array or map, or with more values of one field in all of them, is a bad record.", example: "65536"},
		{path: "aggregations[].window", doc: "Windows and time."},
		{path: "aggregations[].window.size", doc: "Length of a window, in whole milliseconds. Windows are aligned to 1970-01-01T00:00:00Z.", example: "1s"},
		{path: "aggregations[].window.grace", doc: "How far records may be out of order: a window is final when records this much later than its end have come.", example: "1s"},
		{path: "aggregations[].window.idle_after", doc: "A partition that is read to its end and silent for this long no longer holds windows open.", example: "5s"},
		{path: "aggregations[].window.max_future_skew", doc: "A record stamped further ahead of the worker's clock than this is counted and set aside. Clocks that are ahead by less get into their windows, and make no other record late; it is also for how long, in event time, a clock that has stopped is waited for.", example: "5m"},
		{path: "aggregations[].event_time", doc: "Where the time of a record is, if not in its timestamp in Kafka."},
		{path: "aggregations[].event_time.field", doc: "The field with the time of the measurement (a, or a.b in a nested record), or several in order of preference, which other topics or other versions of the schema have. Empty: Kafka's timestamp. It may be a timestamp type of Avro, a number, a decimal or a text of ISO 8601. What is missing, null, zero, before 1970 or further ahead than window.max_future_skew is passed over.", example: "private_sndStamp", list: true},
		{path: "aggregations[].event_time.unit", doc: "What numbers count since 1970 whose type is no timestamp. Empty: seconds, but for a long, of which it must be said.", values: []string{"", "s", "ms", "us", "ns"}},
		{path: "aggregations[].event_time.scale", doc: "The scale of these fields: utc, or tai, which is 37 s ahead since 2017. Windows and what is written are UTC.", values: []string{"utc", "tai"}},
		{path: "aggregations[].event_time.fallback", doc: "What a record is that has a time in none of the fields: kafka (it has Kafka's timestamp) or bad (a bad record).", values: []string{"kafka", "bad"}},
		{path: "aggregations[].windows", doc: "Windows of several sizes, or that overlap, in place of window.size: a list of sizes, or of sections with the keys below. Each has its aggregated topic. Records are read and kept once for all of them; what is late is late for all.", example: "'- 10s' or '- {size: 1m, advance: 10s}'; windows of one size are window: {size: 10s}", scalar: "size"},
		{path: "aggregations[].windows[].size", doc: "Length of these windows.", example: "10s"},
		{path: "aggregations[].windows[].advance", doc: "A window begins so often. Shorter than the size: windows overlap (hopping windows). 0s: one begins where the one before ends.", example: "10s"},
		{path: "aggregations[].windows[].aggregated_topic", doc: "Name of their aggregated topic, if not that of the aggregation.", example: "'{source_topic}-{size}'"},
		{path: "aggregations[].windows[].operations", doc: "Their statistics. Empty: those of the aggregation.", example: "[mean, max]"},
		{path: "aggregations[].windows[].min_sample_size", doc: "Their min_sample_size; 0: that of the aggregation.", example: "2"},
		{path: "aggregations[].windows[].emit_empty", doc: "These have an aggregated record also where they are empty. With emit_empty of the aggregation all have, whatever stands here."},
		{path: "aggregations[].emit_empty", doc: "Windows without records have an aggregated record too, with count 0 and no values: those between the first and the newest window that has records, but for gaps of more than 3600 windows."},
		{path: "aggregations[].operations", doc: "The statistics of each field, in the order of the aggregated record.", example: "[min, mean, max]"},
		{path: "aggregations[].quantiles", doc: "Definition of quantiles: exclusive as Python's statistics, inclusive as numpy.", values: []string{"exclusive", "inclusive"}},
		{path: "aggregations[].exact_limit", doc: "Most records of one window that are kept for each source partition (of a pooled array: elements); with windows of several sizes, of the interval into which all can be divided. If there are more, memory stays bounded, quantiles are approximate, and the record's header approximate says how good; mad has no value; all else stays exact.", example: "100000"},
		{path: "aggregations[].min_sample_size", doc: "With fewer samples, what describes spread or shape (stdev, quartiles …) has no value.", example: "2"},
		{path: "aggregations[].small_samples", doc: "What stands there for fewer samples: null, or the first value in every statistic, as the predecessor did.", values: []string{"null", "first_value"}},
		{path: "aggregations[].late", doc: "Records whose window is already final. They are always counted."},
		{path: "aggregations[].late.policy", doc: "drop them, or write them to a topic.", values: []string{"drop", "topic"}},
		{path: "aggregations[].late.topic", doc: "The topic for them, where the policy is topic.", example: "kafka-aggregator-late"},

		{path: "dead_letter_topic", doc: "Topic for records that cannot be decoded. Empty: they are only counted.", example: "kafka-aggregator-dead-letter"},
		{path: "log", doc: "What the program says of itself, on standard error."},
		{path: "log.level", doc: "Least level that is written.", values: []string{"debug", "info", "warn", "error"}},
		{path: "log.format", doc: "Form of the log: auto is text on a terminal and JSON otherwise.", values: []string{"auto", "text", "json"}},

		{path: "example", doc: "For init-example, produce and demo."},
		{path: "example.prefix", doc: "Prefix of the example topics: example for example-000.", example: "example"},
		{path: "example.topics", doc: "Number of topics, up to 999.", example: "10"},
		{path: "example.fields", doc: "Number of fields of each topic, up to 999.", example: "10"},
		{path: "example.partitions", doc: "Partitions of each topic.", example: "1"},
		{path: "example.frequency", doc: "Records per second for each topic.", example: "10"},
		{path: "example.max_messages", doc: "Records for each topic. Less than 1: until stopped.", example: "1000"},
	}
	rows = append(rows, tlsDescriptions("kafka.tls")...)
	for _, section := range []string{"schema_registry", "aggregated_schema_registry"} {
		rows = append(rows,
			description{path: section + ".context", doc: "Context of the subjects in the registry, such as .staging: an id is unique in its context only. Empty: the default context.", example: ".staging"},
			description{path: section + ".username", doc: "User name for basic authentication.", example: "aggregator"},
			description{path: section + ".password", doc: "Password for basic authentication.", secret: true},
			description{path: section + ".password_file", doc: "File that holds the password.", example: "/run/secrets/registry"},
			description{path: section + ".token", doc: "Bearer token, in place of user name and password.", secret: true},
			description{path: section + ".tls", doc: "TLS to the registry, for an https URL with certificates of one's own."},
			description{path: section + ".timeout", doc: "For one request.", example: "10s"},
		)
		rows = append(rows, tlsDescriptions(section+".tls")...)
	}
	return rows
}

func tlsDescriptions(section string) []description {
	return []description{
		{path: section + ".enabled", doc: "Use TLS. An https URL does so anyway."},
		{path: section + ".ca", doc: "PEM file with the certificates to trust. Empty: the system's.", example: "/etc/ssl/ca.pem"},
		{path: section + ".cert", doc: "PEM file with the client's certificate.", example: "/etc/ssl/client.pem"},
		{path: section + ".key", doc: "PEM file with the client's key.", example: "/etc/ssl/client.key"},
		{path: section + ".server_name", doc: "Name to expect in the server's certificate, if it is not the host's.", example: "kafka.example.org"},
		{path: section + ".insecure_skip_verify", doc: "Do not verify the server's certificate. For tests."},
	}
}
