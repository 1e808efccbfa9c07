package peer;

import java.nio.ByteBuffer;

/**
 * The samples of a window from one source partition, row by row, in one array of bytes: the number of rows, then
 * rows of doubles. The array is longer than that while it grows.
 */
public final class Partial {
    private static final int ROW = 8 * Task.FIELDS;

    private Partial() {}

    public static byte[] create() {
        return new byte[4 + 32 * ROW];
    }

    public static int rows(byte[] partial) {
        return ByteBuffer.wrap(partial).getInt(0);
    }

    /** Adds a record in place; returns another array if there was no room. */
    public static byte[] add(byte[] partial, Sample s) {
        ByteBuffer b = ByteBuffer.wrap(partial);
        int rows = b.getInt(0);
        int at = 4 + rows * ROW;
        if (at + ROW > partial.length) {
            byte[] larger = new byte[4 + 2 * rows * ROW];
            System.arraycopy(partial, 0, larger, 0, partial.length);
            partial = larger;
            b = ByteBuffer.wrap(partial);
        }
        b.putDouble(at, s.getValue0());
        b.putDouble(at + 8, s.getValue1());
        b.putDouble(at + 16, s.getValue2());
        b.putDouble(at + 24, s.getValue3());
        b.putDouble(at + 32, s.getValue4());
        b.putDouble(at + 40, s.getValue5());
        b.putDouble(at + 48, s.getValue6());
        b.putDouble(at + 56, s.getValue7());
        b.putDouble(at + 64, s.getValue8());
        b.putDouble(at + 72, s.getValue9());
        b.putInt(0, rows + 1);
        return partial;
    }

    /** Appends a field's samples to dst at n; returns the new n. */
    public static int column(byte[] partial, int field, double[] dst, int n) {
        ByteBuffer b = ByteBuffer.wrap(partial);
        int rows = b.getInt(0);
        for (int row = 0, at = 4 + 8 * field; row < rows; row++, at += ROW) {
            dst[n++] = b.getDouble(at);
        }
        return n;
    }

    /** A copy without the room behind the rows. */
    public static byte[] trim(byte[] partial) {
        return java.util.Arrays.copyOf(partial, 4 + rows(partial) * ROW);
    }
}
