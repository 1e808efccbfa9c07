package peer;

import java.util.Arrays;

/** The seven statistics of a field, from all its samples. */
final class Statistics {
    static final String[] OPERATIONS = {"min", "q1", "mean", "median", "stdev", "q3", "max"};

    private Statistics() {}

    /** Sorts x[0..n) and returns the statistics in the order of OPERATIONS; n must be at least 2. */
    static double[] describe(double[] x, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += x[i];
        }
        double mean = sum / n;
        double squares = 0, rest = 0;
        for (int i = 0; i < n; i++) {
            double d = x[i] - mean;
            squares += d * d;
            rest += d; // corrects the rounding of mean
        }
        double stdev = Math.sqrt((squares - rest * rest / n) / (n - 1));
        Arrays.sort(x, 0, n);
        double median = n % 2 == 1 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
        return new double[] {x[0] + 0.0, quartile(x, n, 1), mean, median, stdev, quartile(x, n, 3), x[n - 1] + 0.0};
    }

    /** Python's statistics.quantiles(x, n=4, method="exclusive"). */
    private static double quartile(double[] x, int n, int i) {
        int j = Math.min(Math.max(i * (n + 1) / 4, 1), n - 1);
        double delta = i * (n + 1) - j * 4;
        return (x[j - 1] * (4 - delta) + x[j] * delta) / 4;
    }
}
