package peer;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams, exactly once: a task for each source partition collects the samples of its windows in a changelogged
 * store; closed windows go through a repartition topic of one partition to the task that merges them. It ends when
 * everything up to the end offsets found at the start is out.
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        Task task = Task.parse(args);
        Map<Integer, Long> ends = prepare(task);
        CountDownLatch done = new CountDownLatch(1);
        try (KafkaStreams streams = new KafkaStreams(topology(task, ends, done), settings(task))) {
            Throwable[] failure = new Throwable[1];
            streams.setUncaughtExceptionHandler(e -> {
                failure[0] = e;
                done.countDown();
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            streams.start();
            done.await();
            streams.close(); // commits what has been processed
            if (failure[0] != null) {
                throw new IllegalStateException(failure[0]);
            }
        }
    }

    /** Creates the aggregated topic and looks up where the source topic ends. */
    private static Map<Integer, Long> prepare(Task task) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", task.brokers()))) {
            admin.createTopics(List.of(new NewTopic(task.into(), 1, (short) 1))).all().get();
            int partitions = admin.describeTopics(List.of(task.topic())).allTopicNames().get().get(task.topic()).partitions().size();
            Map<TopicPartition, OffsetSpec> question = new HashMap<>();
            for (int p = 0; p < partitions; p++) {
                question.put(new TopicPartition(task.topic(), p), OffsetSpec.latest());
            }
            return admin.listOffsets(question).all().get().entrySet().stream()
                    .collect(Collectors.toMap(e -> e.getKey().partition(), e -> e.getValue().offset()));
        }
    }

    private static org.apache.kafka.streams.Topology topology(Task task, Map<Integer, Long> ends, CountDownLatch done) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(task.topic(), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .process(new Collect.Supplier(task, ends))
                .repartition(Repartitioned.with(Serdes.Integer(), Serdes.ByteArray()).withName("merge").withNumberOfPartitions(1))
                .process(new Merge.Supplier(task, ends.keySet(), done))
                .to(task.into(), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
        return builder.build();
    }

    /** A store in memory whose changes are cached until the next commit and then logged. */
    static StoreBuilder<KeyValueStore<Long, byte[]>> store(String name) {
        return Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name), Serdes.Long(), Serdes.ByteArray())
                .withCachingEnabled()
                .withLoggingEnabled(Map.of());
    }

    private static Properties settings(Task task) {
        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, task.run());
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, task.brokers());
        p.put(StreamsConfig.STATE_DIR_CONFIG, task.stateDir());
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Runtime.getRuntime().availableProcessors());
        p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20); // evict nothing between commits
        p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Integer.getInteger("commit", 1000));
        p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 512 << 10);
        p.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L << 20);
        return p;
    }
}
