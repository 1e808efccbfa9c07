package peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.specific.SpecificDatumReader;

/** Decodes records in the registry's wire format. For one thread. */
public final class SampleReader {
    private final Registry registry;
    private SpecificDatumReader<Sample> reader;
    private int id;
    private BinaryDecoder decoder;
    private Sample reuse;

    public SampleReader(String registryUrl) {
        registry = new Registry(registryUrl);
    }

    /** The record; it is valid until the next call. */
    public Sample read(byte[] value) {
        ByteBuffer header = ByteBuffer.wrap(value);
        if (header.get() != 0) {
            throw new IllegalArgumentException("no wire header");
        }
        int got = header.getInt();
        if (reader == null || id != got) {
            reader = new SpecificDatumReader<>(registry.schema(got), Sample.getClassSchema());
            id = got;
        }
        try {
            decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, decoder);
            reuse = reader.read(reuse, decoder);
            return reuse;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
