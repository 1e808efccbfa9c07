//go:build synctests

package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Records that are odd in ways that producers are odd in. What is decided here
// comes from a random stream of its own.

// large is above the size from which on letters may be cut.
const large = 1100

// disfigure makes a few records of a topic bad in one more way.
func (t *traffic) disfigure(r *kgo.Record) {
	if t.oddly.Float64() >= t.odd || r.Value == nil {
		return
	}
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(t.oddly.Uint32())
		}
		return b
	}
	id := func(id uint32, body ...byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{0}, id), body...)
	}
	switch t.oddly.IntN(8) {
	case 0:
		r.Value = id(0) // what zeroed memory looks like
	case 1:
		r.Value = id(0, r.Value[min(5, len(r.Value)):]...)
	case 2:
		r.Value = id(1<<32 - 1) // -1
	case 3:
		r.Value = id(1 << 31)
	case 4:
		r.Value = id(1<<31-1, noise(20)...)
	case 5:
		r.Value = []byte{}
	case 6: // a letter of it may be cut
		r.Value = id(uint32(t.schemas[0].id), noise(large+t.oddly.IntN(2000))...)
	case 7:
		r.Key = append(append(r.Key, ' '), noise(large+t.oddly.IntN(500))...)
		r.Value = id(uint32(t.schemas[0].id), noise(large)...)
	}
}

// What a time in ms has to be between to be a time in ns.
const (
	leastMs = -9_223_372_036_854
	mostMs  = 9_223_372_036_854
)

// misstamp gives a few records of a topic a timestamp in ms that means
// something else, or nothing.
func (t *traffic) misstamp() (ms int64, ok bool) {
	if t.oddly.Float64() >= t.odd {
		return 0, false
	}
	now := time.Now()
	for {
		switch t.oddly.IntN(8) {
		case 0:
			return -1, true // none
		case 1:
			return 0, true
		case 2:
			return now.Unix(), true // seconds
		case 3:
			return -2 - t.oddly.Int64N(60*365*24*time.Hour.Milliseconds()), true // before 1970
		case 4:
			ms = now.UnixMicro()
		case 5:
			ms = now.UnixNano()
		case 6:
			ms = 253_402_300_799_999 // the end of the year 9999
		case 7:
			ms = -62_135_596_800_000 // the beginning of the year 1
		}
		// The client multiplies it by a million. If what is left of that looks
		// like a time, nobody can tell; of one in a few million.
		if ms*1e6%1e6 != 0 {
			return ms, true
		}
	}
}

// sendRaw sends a record with a timestamp that the client would not let through as
// it is, in a request of its own.
func (t *traffic) sendRaw(r *kgo.Record, ms int64) {
	kr := kmsg.Record{Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		kr.Headers = append(kr.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
	}
	kr.Length = int32(len(kr.AppendTo(nil)) - 1) // its length is 0 so far, which takes a byte
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: ms, MaxTimestamp: ms, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: 1, Records: kr.AppendTo(nil),
	}
	batch.Length = int32(len(batch.AppendTo(nil)) - 12)
	bytes := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(bytes[17:], crc32.Checksum(bytes[21:], crc32.MakeTable(crc32.Castagnoli)))

	s := t.sending(r)
	s.odd, s.ms = true, ms
	t.flying.Go(func() { t.arrived(r, s, t.produceRaw(r.Topic, r.Partition, bytes)) })
}

// produceRaw asks one broker after the other, as it does not know who leads the
// partition.
func (w *world) produceRaw(topic string, partition int32, batch []byte) (err error) {
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition, rp.Records = partition, batch
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	for broker := range 4 * brokers {
		req := kmsg.NewPtrProduceRequest()
		req.Acks, req.TimeoutMillis, req.Topics = -1, 5000, append(req.Topics, rt)
		resp, err := w.raw.Broker(broker%brokers).Request(context.Background(), req)
		if err != nil {
			return err
		}
		err = kerr.ErrorForCode(resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
		if !errors.Is(err, kerr.NotLeaderForPartition) {
			return err
		}
		if broker%brokers == brokers-1 {
			time.Sleep(time.Second)
		}
	}
	return kerr.NotLeaderForPartition
}
