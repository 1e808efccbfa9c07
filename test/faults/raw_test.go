//go:build e2e

package faults

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// stamp writes a good record with any number as its timestamp to partition 0,
// and returns its offset. The client does not do that: it converts timestamps to
// nanoseconds and back, so that far ones come out as others.
func (p *place) stamp(ms int64) (offset int64) {
	p.t.Helper()
	p.n++
	topics, err := p.adm.ListTopics(p.t.Context(), p.topic)
	must(p.t, err)
	request := kmsg.NewPtrProduceRequest()
	request.Acks, request.TimeoutMillis = -1, 10_000
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = batch(ms, p.value(p.n))
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.TopicID = p.topic, topics[p.topic].ID
	topic.Partitions = append(topic.Partitions, part)
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(p.t.Context(), p.cl.Broker(1))
	must(p.t, err)
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		must(p.t, errors.New("the broker's answer has not one partition"))
	}
	must(p.t, kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode))
	return answer.Topics[0].Partitions[0].BaseOffset
}

// batch is one record in Kafka's format.
func batch(ms int64, value []byte) []byte {
	record := kmsg.Record{Value: value}
	record.Length = int32(len(record.AppendTo(nil)) - 1) // without the length, which takes one byte when it is 0
	records := record.AppendTo(nil)
	b := kmsg.RecordBatch{
		Length: int32(49 + len(records)), PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: ms, MaxTimestamp: ms,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: records,
	}
	raw := b.AppendTo(nil)
	const crc = 17 // where it stands; it is of what follows
	binary.BigEndian.PutUint32(raw[crc:], crc32.Checksum(raw[crc+4:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
