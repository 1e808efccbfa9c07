package peer;

import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessAllWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Flink in one JVM, exactly once: event-time windows for each source partition collect partials, which windows over all
 * partitions merge. Records cross the network stack between the tasks as the bytes that they came in.
 */
public final class Main {
    private static final TypeInformation<byte[]> BYTES = PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;

    private Main() {}

    public static void main(String[] args) throws Exception {
        Task task = Task.parse(args);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", task.brokers()))) {
            admin.createTopics(List.of(new NewTopic(task.into(), 1, (short) 1))).all().get();
        }
        int parallelism = Runtime.getRuntime().availableProcessors();
        Configuration settings = new Configuration();
        settings.set(StateBackendOptions.STATE_BACKEND, "hashmap");
        settings.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + task.stateDir());
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(parallelism, settings);
        env.enableCheckpointing(1000);
        env.getConfig().enableObjectReuse();

        KafkaSource<Tuple2<Integer, byte[]>> source = KafkaSource.<Tuple2<Integer, byte[]>>builder()
                .setBootstrapServers(task.brokers())
                .setGroupId(task.run())
                .setTopics(task.topic())
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setBounded(OffsetsInitializer.latest())
                .setProperty("isolation.level", "read_committed")
                .setProperty("max.poll.records", "10000")
                .setDeserializer(new Raw(parallelism))
                .build();
        KafkaSink<Tuple2<Long, byte[]>> sink = KafkaSink.<Tuple2<Long, byte[]>>builder()
                .setBootstrapServers(task.brokers())
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(task.run())
                .setProperty("transaction.timeout.ms", "60000")
                .setProperty("batch.size", Integer.toString(512 << 10))
                .setRecordSerializer(new ToRecord(task))
                .build();
        TumblingEventTimeWindows windows = TumblingEventTimeWindows.of(Duration.ofMillis(Task.WINDOW));
        env.fromSource(source, WatermarkStrategy.forBoundedOutOfOrderness(Duration.ofMillis(Task.GRACE)), "source")
                .keyBy(r -> r.f0)
                .window(windows)
                .aggregate(new Collect(task), BYTES, BYTES)
                .windowAll(windows)
                .process(new Merge(task))
                .returns(Types.TUPLE(Types.LONG, BYTES))
                .sinkTo(sink)
                .setParallelism(1);
        env.execute(task.run());
    }

    /** Leaves the value as it is; the key is one that falls to the task of the partition's number. */
    private static final class Raw implements KafkaRecordDeserializationSchema<Tuple2<Integer, byte[]>> {
        private final int parallelism;
        private transient List<Integer> keys;

        Raw(int parallelism) {
            this.parallelism = parallelism;
        }

        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Tuple2<Integer, byte[]>> out) {
            out.collect(Tuple2.of(key(record.partition()), record.value()));
        }

        /** Hashing a handful of partition numbers would give one task most of the work. */
        private int key(int partition) {
            if (keys == null) {
                keys = new ArrayList<>();
            }
            for (int k = keys.isEmpty() ? 0 : keys.get(keys.size() - 1) + 1; keys.size() <= partition; k++) {
                int max = KeyGroupRangeAssignment.computeDefaultMaxParallelism(parallelism);
                if (KeyGroupRangeAssignment.assignKeyToParallelOperator(k, max, parallelism) == keys.size() % parallelism) {
                    keys.add(k);
                }
            }
            return keys.get(partition);
        }

        @Override
        public TypeInformation<Tuple2<Integer, byte[]>> getProducedType() {
            return Types.TUPLE(Types.INT, BYTES);
        }
    }

    private static final class Collect implements AggregateFunction<Tuple2<Integer, byte[]>, byte[], byte[]> {
        private final Task task;
        private transient SampleReader reader;

        Collect(Task task) {
            this.task = task;
        }

        @Override
        public byte[] createAccumulator() {
            return Partial.create();
        }

        @Override
        public byte[] add(Tuple2<Integer, byte[]> record, byte[] partial) {
            if (reader == null) {
                reader = new SampleReader(task.registry());
            }
            return Partial.add(partial, reader.read(record.f1));
        }

        @Override
        public byte[] getResult(byte[] partial) {
            return Partial.trim(partial);
        }

        @Override
        public byte[] merge(byte[] a, byte[] b) {
            throw new UnsupportedOperationException("tumbling windows do not merge");
        }
    }

    private static final class Merge extends ProcessAllWindowFunction<byte[], Tuple2<Long, byte[]>, TimeWindow> {
        private final Task task;
        private transient Summary summary;

        Merge(Task task) {
            this.task = task;
        }

        @Override
        public void open(OpenContext context) {
            summary = new Summary(task);
        }

        @Override
        public void process(Context context, Iterable<byte[]> partials, Collector<Tuple2<Long, byte[]>> out) {
            List<byte[]> all = new ArrayList<>();
            partials.forEach(all::add);
            out.collect(Tuple2.of(context.window().getStart(), summary.encode(context.window().getStart(), all)));
        }
    }

    private record ToRecord(Task task) implements KafkaRecordSerializationSchema<Tuple2<Long, byte[]>>, Serializable {
        @Override
        public ProducerRecord<byte[], byte[]> serialize(Tuple2<Long, byte[]> window, KafkaSinkContext context, Long timestamp) {
            return new ProducerRecord<>(task.into(), 0, window.f0 + Task.WINDOW / 2, Summary.key(task, window.f0), window.f1);
        }
    }
}
