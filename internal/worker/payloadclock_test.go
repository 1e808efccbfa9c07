package worker_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// timedTopics are some whose records have their time in a field.
func timedTopics(t *testing.T, n int) (*bench, func(field float64, kafka time.Time)) {
	b := newBench(t, sandbox.Options{})
	a := &b.cfg.Aggregations[0]
	a.Window.MaxFutureSkew = 5 * time.Minute
	a.EventTime = config.EventTime{Field: "at", Scale: "utc", Fallback: "kafka"}
	const fields = `{"name":"at","type":"double"},` + xField
	id := 0
	for i := range n {
		topic := fmt.Sprintf("t%d", i)
		b.topic(topic, 1)
		id = b.schema(topic, fields)
	}
	return b, func(field float64, kafka time.Time) {
		t.Helper()
		for i := range n {
			must(t, b.cl.ProduceSync(t.Context(), &kgo.Record{Topic: fmt.Sprintf("t%d", i), Timestamp: kafka, Value: b.record(id, map[string]any{"at": field, "x": 1.0})}).FirstErr())
		}
	}
}

// By a clock that is slow honest times in fields would be passed over, so topics wait. What
// time their records have is found out with the schema, before they are judged.
func TestWrongOwnClockHoldsTimesInFields(t *testing.T) {
	t.Parallel()
	b, produce := timedTopics(t, 2)
	const by = 10 * time.Minute
	dates := &shiftedDates{}
	dates.by.Store(int64(by))
	w := b.start(func(o *worker.Options) { o.HTTPClient = &http.Client{Transport: dates} })
	w.status("a word of the registry", func(s status.Status) bool { return len(s.Clocks) > 0 && s.Clocks[0].Ahead > 590 })
	now := time.Now().Add(by)
	produce(float64(now.UnixMilli())/1000, now)
	w.status("topics that wait for the clock", func(s status.Status) bool {
		n := 0
		for _, t := range s.Topics {
			if t.Phase == "clock" {
				n++
			}
		}
		return n == 2 && !s.Ready
	})
	for _, s := range w.Status().Topics {
		if s.TimeFallbacks+s.Future+s.TimesPassedOver["future"] > 0 {
			t.Errorf("times were passed over: %+v", s)
		}
	}
	w.end()
}

// undated is a registry that does not tell the time.
type undated struct{}

func (undated) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		resp.Header.Del("Date")
	}
	return resp, err
}

// Three topics whose fields are nonsense say nothing of this machine's clock, as long as Kafka's
// timestamps are right.
func TestNonsenseInFieldsIsNoClock(t *testing.T) {
	t.Parallel()
	b, produce := timedTopics(t, 3)
	w := b.start(func(o *worker.Options) { o.HTTPClient = &http.Client{Transport: undated{}} })
	for _, field := range []float64{math.Inf(1), 1e300, float64(time.Now().Add(time.Hour).Unix())} {
		produce(field, time.Now())
	}
	s := w.status("all read", func(s status.Status) bool {
		n := int64(0)
		for _, t := range s.Topics {
			n += t.TimeFallbacks
		}
		return n == 9
	})
	for _, topic := range s.Topics {
		if !s.Ready || topic.Phase != "running" || topic.TimesPassedOver["future"] != 3 || topic.Future != 0 {
			t.Errorf("ready %t, %+v", s.Ready, topic)
		}
	}
	w.end()
}

// That a broker stamps records when they arrive is said once for each topic whose time is
// Kafka's, with the fields that are likely to have it.
func TestArrivalTimeIsSaid(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"", "nowhere", "at"} {
		b, _ := timedTopics(t, 1)
		b.cfg.Aggregations[0].EventTime.Field = field
		b.box.Cluster.ControlKey(0, stampOnArrival)
		id := b.schema("t0", `{"name":"private_sndStamp","type":"double","default":0},{"name":"at","type":"double"},`+xField)
		for range 3 {
			b.send("t0", 0, 1, b.record(id, map[string]any{"private_sndStamp": 1.0, "at": float64(base.Unix()), "x": 1.0}))
		}
		// The embedded broker does not sum up again what it has stamped.
		w := b.start(func(o *worker.Options) { o.KafkaOpts = append(o.KafkaOpts, kgo.DisableFetchCRCValidation()) })
		w.status("a schema", func(s status.Status) bool {
			return len(s.Topics) == 1 && s.Topics[0].SchemaID != nil && s.Topics[0].Records == 3
		})
		w.end()
		want := 1
		if field == "at" {
			want = 0
		}
		if n := strings.Count(w.logs.String(), "message.timestamp.type=LogAppendTime"); n != want || want > 0 && !strings.Contains(w.logs.String(), `likely_fields=private_sndStamp`) {
			t.Errorf("with field %q it is said %d times:\n%s", field, n, w.logs)
		}
	}
}

// stampOnArrival has a broker stamp what is produced outside of transactions, as it does with
// message.timestamp.type=LogAppendTime: by a bit in the attributes of the batch, which the
// embedded broker takes for its own word.
func stampOnArrival(req kmsg.Request) (kmsg.Response, error, bool) {
	const attributes, appendTime = 21, 0x08
	r := req.(*kmsg.ProduceRequest)
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			if b := p.Records; r.TransactionID == nil && len(b) > attributes+2 {
				b[attributes+1] |= appendTime
				binary.BigEndian.PutUint32(b[attributes-4:], crc32.Checksum(b[attributes:], crc32.MakeTable(crc32.Castagnoli)))
			}
		}
	}
	return nil, nil, false
}
