package worker

import (
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
)

// letter is a source record that is put aside, on its way to the dead-letter
// topic or to the topic of late records. It has the record's bytes for itself.
type letter struct {
	topic   string             // where it goes
	about   []kgo.RecordHeader // where the record comes from, and why it is put aside
	key     []byte
	value   []byte
	headers []kgo.RecordHeader // of the record
	form    letterForm
}

// letterForm is how much of the record is in a letter. A topic that refuses one
// form may take the next.
type letterForm uint8

const (
	wholeLetter letterForm = iota // all of it, or as much as the topic's batches hold
	briefLetter                   // the beginnings of key and value
	bareLetter                    // nothing: where it comes from, and why
)

const (
	// defaultBatch is the largest batch that the client writes to a topic
	// whose limit is not known: the brokers' default.
	defaultBatch = 1_000_012
	// briefBytes is how much of key and value a brief letter has.
	briefBytes = 1 << 10
	// reasonBytes is how long the reason is in a brief or bare letter.
	reasonBytes = 200
	// batchOverhead is more than what a batch has beside one record's key,
	// value and headers.
	batchOverhead = 128
	// marksBytes is more than what the headers take that say what is missing.
	marksBytes = 150
)

func newLetter(topic string, r *kgo.Record, why ...kgo.RecordHeader) *letter {
	l := &letter{
		topic: topic,
		about: append([]kgo.RecordHeader{
			header("topic", r.Topic),
			header("partition", strconv.Itoa(int(r.Partition))),
			header("offset", strconv.FormatInt(r.Offset, 10)),
			header("timestamp", strconv.FormatInt(timestamp(r), 10)),
		}, why...),
		key: slices.Clone(r.Key), value: slices.Clone(r.Value),
	}
	for _, h := range r.Headers {
		l.headers = append(l.headers, kgo.RecordHeader{Key: h.Key, Value: slices.Clone(h.Value)})
	}
	return l
}

// place is the record's place, which no other letter has.
func (l *letter) place() string {
	return string(l.about[0].Value) + "|" + string(l.about[1].Value) + "|" + string(l.about[2].Value)
}

// record is the letter in its form, which is no larger than a batch of limit
// bytes holds. What had no room is told in headers.
func (l *letter) record(limit int) *kgo.Record {
	r := &kgo.Record{Topic: l.topic, Headers: slices.Clone(l.about)}
	key, value, headers := len(l.key), len(l.value), len(l.headers)
	switch l.form {
	case wholeLetter:
		room := limit - batchOverhead - size(l.about) - marksBytes
		if key+value+size(l.headers) > room {
			key = max(0, min(key, room/4))
			headers = 0
			left := room / 4
			for headers < len(l.headers) {
				if left -= size(l.headers[headers : headers+1]); left < 0 {
					break
				}
				headers++
			}
			value = max(0, min(value, room-key-size(l.headers[:headers])))
		}
	case briefLetter:
		key, value, headers = min(key, briefBytes), min(value, briefBytes), 0
	case bareLetter:
		key, value, headers = 0, 0, 0
	}
	if l.form != wholeLetter {
		for i := range r.Headers {
			r.Headers[i].Value = r.Headers[i].Value[:min(len(r.Headers[i].Value), max(reasonBytes, 249))]
		}
	}
	r.Key, r.Value = l.key, l.value
	if value < len(l.value) {
		r.Value = l.value[:value]
		r.Headers = append(r.Headers, header("truncated_from", strconv.Itoa(len(l.value))))
	}
	if key < len(l.key) {
		r.Key = l.key[:key]
		r.Headers = append(r.Headers, header("key_truncated_from", strconv.Itoa(len(l.key))))
	}
	if headers < len(l.headers) {
		r.Headers = append(r.Headers, header("headers_dropped", strconv.Itoa(len(l.headers)-headers)))
	}
	r.Headers = append(r.Headers, l.headers[:headers]...)
	if l.form == bareLetter { // a compacted topic takes no record without a key
		r.Key = []byte(l.place())
	}
	return r
}

// size is what headers take in a batch.
func size(headers []kgo.RecordHeader) (n int) {
	for _, h := range headers {
		n += kbin.VarintLen(int32(len(h.Key))) + len(h.Key) + kbin.VarintLen(int32(len(h.Value))) + len(h.Value)
	}
	return n
}

func header(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}
