package example

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// A share of the records of each partition is ahead by as much as the clock, in Kafka's
// timestamp and in the field; the others are right.
func TestWrongClockStampsItsShare(t *testing.T) {
	topic := Topic{Name: "a", Partitions: 2, Fields: 1}
	kafka := startBroker(t, 2, "a")
	began := time.Now()
	p, err := NewProducer(ProducerOptions{
		Kafka: kafka, Topics: []Topic{topic}, Frequency: 10_000, MaxMessages: 200, Wrong: WrongClock{Ahead: 37 * time.Second, Share: 0.1},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	var ahead [2][]int64
	for _, r := range read(t, kafka, "a", 200) {
		seconds := math.Float64frombits(binary.LittleEndian.Uint64(r.Value[5:]))
		if field := time.UnixMilli(int64(seconds * 1000)); r.Timestamp.Sub(field).Abs() > time.Millisecond {
			t.Errorf("partition %d offset %d has %v in its field, %v in Kafka", r.Partition, r.Offset, field, r.Timestamp)
		}
		switch by := r.Timestamp.Sub(began.Truncate(time.Millisecond)); {
		case by >= 37*time.Second && by <= 37*time.Second+took:
			ahead[r.Partition] = append(ahead[r.Partition], r.Offset)
		case by < 0 || by > took:
			t.Errorf("partition %d offset %d is stamped %v after the beginning", r.Partition, r.Offset, by)
		}
	}
	for partition, offsets := range ahead {
		if len(offsets) != 10 || offsets[0] != 4 || offsets[9] != 94 {
			t.Errorf("partition %d: offsets %v are ahead, want each tenth from 4 on", partition, offsets)
		}
	}
}

func TestShareOfAWrongClock(t *testing.T) {
	for _, share := range []float64{0, 0.001, 0.02, 0.5, 0.98, 1} {
		stamped := 0
		for k := range int64(100_000) {
			if (WrongClock{Share: share}).stamps(k) {
				stamped++
			}
		}
		if want := int(share * 100_000); stamped != want {
			t.Errorf("%d of 100,000 records have a wrong clock, want %d", stamped, want)
		}
	}
	for _, share := range []float64{-0.1, 1.1, math.NaN()} {
		if (WrongClock{Share: share}).Validate() == nil {
			t.Errorf("a share of %v was taken", share)
		}
	}
}
