#!/usr/bin/env python3
"""Golden vectors for internal/stats, computed by CPython's statistics module.

    make.py            write windows.crc32 and cases.jsonl beside this file
    make.py --check    compute them again and compare with the files
    make.py --show N   print window N of windows.crc32: samples and results

windows.crc32 holds, for each of 100,000 windows, the CRC-32 (little endian) of
the results as little-endian doubles. The samples of a window are made from its
number by a generator that internal/stats/golden_test.go repeats in Go; so
the file stays small and `go test` checks every window without Python.
cases.jsonl holds cases with a name, in full.

Results are those of Python 3.11's statistics where it has the function. The
others are computed here from their definitions with Fractions and rounded
once. NaN (one and the same) stands for "no value". Where Python raises
OverflowError the result is infinite.
"""

import argparse
import json
import math
import multiprocessing
import pathlib
import statistics
import struct
import sys
import zlib
from fractions import Fraction

HERE = pathlib.Path(__file__).parent
WINDOWS = 100_000
MASK = (1 << 64) - 1
NAN = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000001))[0]
INF = math.inf


class Random:
    """SplitMix64 (Steele, Lea and Flood 2014)."""

    def __init__(self, window):
        self.state = (window * 0xD1342543DE82EF95 + 1) & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        return self.next() % n

    def unit(self):
        return (self.next() >> 11) * 2.0**-53

    def bell(self):
        return (self.unit() + self.unit()) + (self.unit() + self.unit()) - 2.0

    def finite(self):
        """A double of any sign and exponent."""
        bits = self.next()
        if bits >> 52 & 0x7FF == 0x7FF:
            bits ^= 1 << 62
        return from_bits(bits)


def from_bits(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


OFFSETS = [0.0, 1.0, -1e3, 1e6, -1e9, 1e12]
SCALES = [1e-6, 1e-3, 1.0, 1e3]
CANCEL = [1e30, -1e30, 1.0, -1.0, 3.0, 1e-30, 1e16, -1e16]
INTEGER_SHAPES = range(12, 16)
SHAPES = 18


def samples(window):
    """Returns (values, integers?, times) of a window."""
    r = Random(window)
    c = r.below(100)
    if c < 40:
        n = 1 + r.below(8)
    elif c < 85:
        n = 9 + r.below(56)
    elif c < 99:
        n = 65 + r.below(236)
    else:
        n = 301 + r.below(1200)
    shape = r.below(SHAPES)
    offset = OFFSETS[r.below(len(OFFSETS))]
    scale = SCALES[r.below(len(SCALES))]
    some = [r.finite() for _ in range(4)]
    values = [sample(r, shape, i, offset, scale, some) for i in range(n)]
    times = []
    if window % 4 == 0:
        times = [1_700_000_000_000_000_000 + i * 10_000_000 + r.below(1000) for i in range(n)]
    return values, shape in INTEGER_SHAPES, times


def sample(r, shape, i, offset, scale, some):
    if shape == 0:
        return r.unit() * 200.0 - 100.0
    if shape == 1:
        return offset + scale * r.bell()
    if shape == 2:  # near 1e9 with a tiny spread
        return 1e9 + r.unit() * 1e-6
    if shape == 3:  # subnormals, zeros of both signs
        return from_bits(r.below(1000) | r.below(2) << 63)
    if shape == 4:  # infinities
        v = r.bell()
        c = r.below(16)
        return INF if c == 0 else -INF if c == 1 else v
    if shape == 5:  # all equal
        return some[0]
    if shape == 6:  # any exponent
        return r.finite()
    if shape == 7:  # few different values
        return some[r.below(4)]
    if shape == 8:  # cancellation
        return CANCEL[r.below(8)]
    if shape == 9:  # few bits
        return offset + (r.below(1 << 20) - (1 << 19)) * 2.0**-16
    if shape == 10:  # outliers
        v = r.bell()
        return v * 1e30 if r.below(16) == 0 else v
    if shape == 11:  # a ramp in decimal steps
        return 20.0 + i * 0.01
    if shape == 12:
        return r.below(2001) - 1000
    if shape == 13:  # at the end of the doubles' exact integers
        v = (1 << 53) + r.below(4096) - 2048
        return -v if r.below(8) == 0 else v
    if shape == 14:  # any 64-bit integer
        v = r.next()
        return v - (1 << 64) if v >> 63 else v
    if shape == 15:  # time stamps in ns
        return 1_700_000_000_000_000_000 + i * 10_000_000 + r.below(1000)
    if shape == 16:  # a few units in the last place apart: ties
        return 1.0 + r.below(4) * 2.0**-52
    return (r.unit() - 0.5) * 2.0 ** (r.below(60) - 30)  # some exponents


# --- results ---------------------------------------------------------------


def to_float(x):
    """x, an int, float or Fraction, as a double, rounded once."""
    try:
        return float(x)
    except OverflowError:
        return INF if x > 0 else -INF


def value(f, *args, **kwargs):
    try:
        return to_float(f(*args, **kwargs))
    except statistics.StatisticsError:
        return NAN
    except OverflowError:
        return INF  # of a sum of squares


def cuts(data, n, method):
    if len(data) < 2:
        return [NAN] * (n - 1)
    return [to_float(x) for x in statistics.quantiles(data, n=n, method=method)]


def root(x):
    try:
        return statistics._float_sqrt_of_frac(x.numerator, x.denominator)
    except OverflowError:
        return INF


def total(data):
    exact = to_float(statistics._sum(data)[1])
    if all(isinstance(x, float) for x in data):
        try:
            assert same(exact, math.fsum(data)), data
        except (OverflowError, ValueError):
            pass
    return exact


def same(a, b):
    return struct.pack("<d", a) == struct.pack("<d", b)


def central(data, k):
    mean = sum(map(Fraction, data)) / len(data)
    return sum((Fraction(x) - mean) ** k for x in data) / len(data)


def deviation_from_median(data, integers):
    if integers:
        data = list(map(Fraction, data))
    m = statistics.median(data)
    if not math.isfinite(m):
        return NAN
    return to_float(statistics.median([abs(x - m) for x in data]))


def interquartile_range(data, integers):
    if len(data) < 2:
        return NAN
    if integers:
        data = list(map(Fraction, data))
    q = statistics.quantiles(data)
    return to_float(q[2] - q[0])


def slope(data, times):
    t = [Fraction(x - times[0]) for x in times]
    x = list(map(Fraction, data))
    n = len(x)
    den = n * sum(a * a for a in t) - sum(t) ** 2
    if den == 0:
        return NAN
    num = n * sum(a * b for a, b in zip(t, x)) - sum(t) * sum(x)
    return to_float(10**9 * num / den)


def core(data):
    """Results that Python's statistics has, for every window."""
    finite = all(map(math.isfinite, data))
    r = {
        "sum": total(data),
        "mean": value(statistics.mean, data),
        "median": value(statistics.median, data),
        "min": to_float(min(data)),
        "max": to_float(max(data)),
    }
    for name in ("stdev", "variance", "pstdev", "pvariance"):
        r[name] = value(getattr(statistics, name), data) if finite else NAN
    for method in ("exclusive", "inclusive"):
        q = cuts(data, 4, method)
        r["q1 " + method], r["q3 " + method] = q[0], q[2]
    return r


def percentiles(data, n, names):
    r = {}
    for method in ("exclusive", "inclusive"):
        q = cuts(data, n, method)
        for i, name in names.items():
            r[name + " " + method] = q[i - 1]
    return r


def others(data, integers, times):
    """Results by the definitions of docs/statistics.md."""
    finite = all(map(math.isfinite, data))
    n = len(data)
    r = {
        "range": to_float(max(data) - min(data)),
        "rms": root(sum(Fraction(x) ** 2 for x in data) / n) if finite else INF,
        "iqr": interquartile_range(data, integers),
        "mad": deviation_from_median(data, integers),
        "stderr": NAN,
        "skewness": NAN,
        "kurtosis": NAN,
    }
    if finite:
        m2 = central(data, 2)
        if n > 1:
            r["stderr"] = root(m2 / (n - 1))
        if m2 != 0:
            m3 = central(data, 3)
            r["skewness"] = math.copysign(root(m3**2 / m2**3), 1 if m3 > 0 else -1) if m3 else 0.0
            r["kurtosis"] = to_float(central(data, 4) / m2**2 - 3)
    r["slope"] = slope(data, times) if finite and times else NAN
    return r


def normal(x):
    """-0.0 counts as 0.0."""
    return x + 0.0 if isinstance(x, float) else x


def results(window):
    values, integers, times = samples(window)
    data = list(map(normal, values))
    r = core(data)
    if window % 3 == 0:
        r |= percentiles(data, 100, {5: "p5", 50: "p50", 99: "p99"})
    if window % 32 == 0:
        r |= percentiles(data, 1000, {1: "p0.1", 125: "p12.5", 999: "p99.9"})
    if window % 4 == 0:
        r |= others(data, integers, times)
    return r


def checksum(window):
    r = [NAN if x != x else x for x in results(window).values()]
    return struct.pack("<I", zlib.crc32(struct.pack("<%dd" % len(r), *r)))


# --- named cases -----------------------------------------------------------

TINY = 5e-324
HUGE = sys.float_info.max
CASES = {
    "cancellation": [1e30, 1.0, -1e30],
    "cancellation of four": [1e30, 1.0, 3.0, -1e30],
    "many cancellations": [1e100, 1.0, -1e100] * 40,
    "one": [2.5],
    "two": [1.0, 2.0],
    "three": [3.0, 1.0, 2.0],
    "four": [1.0, 2.0, 3.0, 4.0],
    "negative zero": [-0.0],
    "zeros": [0.0, -0.0, 0.0],
    "equal": [0.1] * 10,
    "equal and large": [1e300] * 7,
    "subnormal": [TINY, 2 * TINY, -TINY],
    "half of the smallest": [TINY, 0.0],
    "result underflows to minus zero": [-TINY, 0.0, 0.0],
    "mean between two doubles": [1.0, 1.0 + 2.0**-52],
    "largest": [HUGE, HUGE],
    "largest of both signs": [HUGE, -HUGE, HUGE],
    "variance overflows": [1e200, -1e200],
    "variance underflows": [1e-200, 2e-200, 4e-200],
    "plus infinity": [1.0, 2.0, 3.0, INF],
    "minus infinity": [-INF, 1.0, 2.0],
    "both infinities": [INF, -INF, 1.0],
    "only infinities": [INF, INF, INF],
    "near 1e9": [1e9 + i * 2.0**-23 for i in range(1000)],
    "near 1e6": [1e6 + ((i * 37) % 1000) * 1e-6 for i in range(1000)],
    "wide": [10.0**e for e in range(-300, 301, 20)],
    "outlier": [0.01 * i for i in range(100)] + [1e300],
    "two clusters": [1.0 + i * 2.0**-50 for i in range(60)] + [1e9 + i * 2.0**-20 for i in range(60)],
    "powers of two": [2.0**e for e in range(-60, 60)],
    "integers": [1, 2, 4, 8, 9],
    "integer one": [-7],
    "integers beyond 2^53": [2**53, 2**53 + 1, 2**53 + 3],
    "integer halves beyond 2^53": [2**53 + 1, 2**53 + 2],
    "largest integers": [2**63 - 1, 2**63 - 2, -(2**63)],
    "largest integer": [2**63 - 1, 2**63 - 1],
    "time stamps": [1_700_000_000_000_000_000 + 1_000_000 * i for i in range(100)],
}


def spell(x):
    return str(x) if isinstance(x, int) else x.hex()


def cases():
    lines = []
    for name, values in CASES.items():
        data = list(map(normal, values))
        integers = all(isinstance(x, int) for x in values)
        times = [10**18 + 10**7 * i for i in range(len(values))]
        r = core(data)
        r |= percentiles(data, 100, {1: "p1", 99: "p99"})
        r |= percentiles(data, 1000, {1: "p0.1", 999: "p99.9"})
        r |= others(data, integers, times)
        line = {
            "name": name,
            "kind": "integer" if integers else "real",
            "values": list(map(spell, values)),
            "times": times,
            "results": {k: spell(v) for k, v in r.items()},
        }
        lines.append(json.dumps(line) + "\n")
    return "".join(lines).encode()


def main():
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 or later is needed: before, stdev was not rounded correctly")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    parser.add_argument("--show", type=int, metavar="N", help="print a window")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    args = parser.parse_args()
    if args.show is not None:
        values, integers, times = samples(args.show)
        print("values", [spell(x) for x in values], "times", times)
        for name, x in results(args.show).items():
            print(name, x, spell(x))
        return 0
    with multiprocessing.Pool(args.jobs) as pool:
        windows = b"".join(pool.imap(checksum, range(WINDOWS), chunksize=500))
    failed = 0
    for name, content in (("windows.crc32", windows), ("cases.jsonl", cases())):
        path = HERE / name
        if not args.check:
            path.write_bytes(content)
        elif path.read_bytes() != content:
            print(f"{path.name} is not what this Python computes", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
