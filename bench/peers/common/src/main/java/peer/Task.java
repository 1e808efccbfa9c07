package peer;

/** What a peer is to do, from its command line. */
public record Task(String brokers, String registry, String run, String topic, String into, String stateDir) implements java.io.Serializable {
    public static final int FIELDS = 10;
    public static final long WINDOW = 1000; // ms
    public static final long GRACE = 1000; // ms

    public static Task parse(String[] args) {
        if (args.length != 6) {
            throw new IllegalArgumentException("usage: brokers registry run topic aggregated-topic state-folder");
        }
        return new Task(args[0], args[1], args[2], args[3], args[4], args[5]);
    }
}
