package peer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;

/** Makes the aggregated record of a window from its partials. For one thread. */
public final class Summary {
    private final Schema schema;
    private final GenericDatumWriter<GenericRecord> writer;
    private final int id;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private BinaryEncoder encoder;
    private double[] column = new double[1024];

    public Summary(Task task) {
        SchemaBuilder.FieldAssembler<Schema> fields = SchemaBuilder.record("Summary").namespace("peer").fields()
                .requiredLong("window_start").requiredLong("window_end").requiredLong("count");
        for (int f = 0; f < Task.FIELDS; f++) {
            for (String operation : Statistics.OPERATIONS) {
                fields = fields.optionalDouble(operation + "_value" + f);
            }
        }
        schema = fields.endRecord();
        writer = new GenericDatumWriter<>(schema);
        id = new Registry(task.registry()).register(task.into() + "-value", schema);
    }

    /** The key of a window's record. */
    public static byte[] key(Task task, long start) {
        return (task.topic() + "|" + start).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    /** The record in the registry's wire format; start in ms. */
    public byte[] encode(long start, List<byte[]> partials) {
        int count = 0;
        for (byte[] p : partials) {
            count += Partial.rows(p);
        }
        if (column.length < count) {
            column = new double[2 * count];
        }
        GenericRecord record = new GenericData.Record(schema);
        record.put(0, start);
        record.put(1, start + Task.WINDOW);
        record.put(2, (long) count);
        int at = 3;
        for (int f = 0; f < Task.FIELDS; f++) {
            int n = 0;
            for (byte[] p : partials) {
                n = Partial.column(p, f, column, n);
            }
            for (double v : Statistics.describe(column, n)) {
                record.put(at++, v);
            }
        }
        try {
            out.reset();
            out.write(0);
            out.write(ByteBuffer.allocate(4).putInt(0, id).array());
            encoder = EncoderFactory.get().binaryEncoder(out, encoder);
            writer.write(record, encoder);
            encoder.flush();
            return out.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
