package peer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;

/**
 * Merges the partials of all source partitions. A window goes out when each partition has sent its partial of it or of
 * a later one.
 */
final class Merge implements Processor<Integer, byte[], byte[], byte[]> {
    private static final String STORE = "windows";

    record Supplier(Task task, Set<Integer> partitions, CountDownLatch done) implements ProcessorSupplier<Integer, byte[], byte[], byte[]> {
        @Override
        public Processor<Integer, byte[], byte[], byte[]> get() {
            return new Merge(this);
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(Main.store(STORE));
        }
    }

    private final Supplier of;
    private final Summary summary;
    private final TreeMap<Long, List<byte[]>> open = new TreeMap<>();
    private final Map<Integer, Long> progress = new HashMap<>(); // start of the newest window, by partition
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<Long, byte[]> store; // start * 1024 + partition: partial; -1 - partition: progress

    private Merge(Supplier of) {
        this.of = of;
        summary = new Summary(of.task());
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        store = context.getStateStore(STORE);
        of.partitions().forEach(p -> progress.put(p, Long.MIN_VALUE));
        try (KeyValueIterator<Long, byte[]> all = store.all()) {
            all.forEachRemaining(e -> {
                if (e.key < 0) {
                    progress.put((int) (-1 - e.key), ByteBuffer.wrap(e.value).getLong());
                } else {
                    open.computeIfAbsent(e.key / 1024, s -> new ArrayList<>()).add(e.value);
                }
            });
        }
    }

    @Override
    public void process(Record<Integer, byte[]> record) {
        int partition = record.key();
        byte[] value = record.value();
        long start = ByteBuffer.wrap(value).getLong(0);
        progress.put(partition, start);
        store.put(-1L - partition, Arrays.copyOf(value, 8));
        if (value.length > 8) {
            byte[] partial = Arrays.copyOfRange(value, 8, value.length);
            store.put(start * 1024 + partition, partial);
            open.computeIfAbsent(start, s -> new ArrayList<>()).add(partial);
        }
        long all = Collections.min(progress.values());
        while (!open.isEmpty() && open.firstKey() <= all) {
            Map.Entry<Long, List<byte[]>> e = open.pollFirstEntry();
            byte[] key = Summary.key(of.task(), e.getKey());
            context.forward(new Record<>(key, summary.encode(e.getKey(), e.getValue()), e.getKey() + Task.WINDOW / 2));
            of.partitions().forEach(p -> store.delete(e.getKey() * 1024 + p));
        }
        if (all == Long.MAX_VALUE) {
            of.done().countDown();
        }
    }
}
