package peer;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;

/**
 * Collects the samples of one source partition by window. Its output has the number of the partition as the key; the
 * value is the start of a window and its partial, or Long.MAX_VALUE alone after the last one.
 */
final class Collect implements Processor<byte[], byte[], Integer, byte[]> {
    private static final String STORE = "partials";

    record Supplier(Task task, Map<Integer, Long> ends) implements ProcessorSupplier<byte[], byte[], Integer, byte[]> {
        @Override
        public Processor<byte[], byte[], Integer, byte[]> get() {
            return new Collect(task, ends);
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(Main.store(STORE));
        }
    }

    private final Map<Integer, Long> ends;
    private final SampleReader reader;
    private final TreeMap<Long, byte[]> open = new TreeMap<>(); // the arrays that the store holds
    private ProcessorContext<Integer, byte[]> context;
    private KeyValueStore<Long, byte[]> store;
    private long newest = Long.MIN_VALUE; // event time
    private long closed = Long.MIN_VALUE; // windows before this are out

    private Collect(Task task, Map<Integer, Long> ends) {
        this.ends = ends;
        reader = new SampleReader(task.registry());
    }

    @Override
    public void init(ProcessorContext<Integer, byte[]> context) {
        this.context = context;
        store = context.getStateStore(STORE);
        try (KeyValueIterator<Long, byte[]> all = store.all()) {
            all.forEachRemaining(e -> open.put(e.key, e.value));
        }
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        long start = Math.floorDiv(record.timestamp(), Task.WINDOW) * Task.WINDOW;
        if (start >= closed) { // else it is late
            byte[] partial = open.get(start);
            byte[] with = Partial.add(partial == null ? Partial.create() : partial, reader.read(record.value()));
            if (with != partial) {
                open.put(start, with);
            }
            store.put(start, with); // marks it as changed: the cache and the processor hold the same array
            if (record.timestamp() > newest) {
                newest = record.timestamp();
                close(newest - Task.GRACE, record);
            }
        }
        int partition = context.taskId().partition();
        if (context.recordMetadata().orElseThrow().offset() == ends.get(partition) - 1) {
            close(Long.MAX_VALUE, record);
            context.forward(new Record<>(partition, ByteBuffer.allocate(8).putLong(0, Long.MAX_VALUE).array(), record.timestamp()));
        }
    }

    private void close(long watermark, Record<?, ?> cause) {
        while (!open.isEmpty() && open.firstKey() <= watermark - Task.WINDOW) {
            Map.Entry<Long, byte[]> e = open.pollFirstEntry();
            store.delete(e.getKey());
            closed = e.getKey() + Task.WINDOW;
            byte[] partial = Partial.trim(e.getValue());
            byte[] value = ByteBuffer.allocate(8 + partial.length).putLong(e.getKey()).put(partial).array();
            context.forward(new Record<>(context.taskId().partition(), value, cause.timestamp()));
        }
    }
}
