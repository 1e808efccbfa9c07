"""Compares aggregated topics with what Python computes from their sources."""

import re
import struct
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from math import gcd
from multiprocessing import get_context

from clocks import Clocks
from fields import Kinds
from operations import summarize
from records import Bad, BadBody

HEAD = ["time", "window_start", "window_end", "window_size", "count"]


@dataclass(frozen=True)
class Settings:
    size: int = 1000  # of a window, ms
    advance: int | None = None  # ms; a window begins so often; None: when the one before ends
    slice: int | None = None    # ms, divides sizes and advances of all windows of the topic; a record is late with its slice
    operations: tuple = ("min", "q1", "mean", "median", "stdev", "q3", "max")
    min_sample_size: int = 2
    excluded: frozenset = frozenset(HEAD)
    latest: int | None = None  # ms; source records stamped later are not expected in any window
    group: str = ""            # of the keys
    grace: int | None = None   # ms; None: no source record is late
    skew: int = 300_000        # ms; clocks that are further ahead or behind are none
    repeats: bool = False      # an aggregated record may come again, with the same key and bytes
    event_time: object = None  # EventTime of the records; None: Kafka's timestamp is their time
    kinds: Kinds = Kinds()     # of values that count
    empty: bool = False        # windows without records have an aggregated record, too, between those that have some

    @property
    def grid(self):
        return self.advance or self.size

    def starts(self, timestamp):
        """The starts of the windows that have a time, the last one first."""
        start = timestamp // self.grid * self.grid
        while start + self.size > timestamp:
            yield start
            start -= self.grid


LONGEST_GAP = 3600  # empty windows in a row that have aggregated records


@dataclass
class Report:
    counts: Counter = field(default_factory=Counter)
    examples: list = field(default_factory=list)  # the first faults, for people
    bad: dict = field(default_factory=dict)       # source records by (topic, partition, offset)
    late: dict = field(default_factory=dict)

    FAULTS = ("missing", "doubled", "unexpected", "differing", "malformed")

    def fault(self, kind, text):
        self.counts[kind] += 1
        if len(self.examples) < 30:
            self.examples.append(f"{kind}: {text}")

    def add(self, other):
        self.counts.update(other.counts)
        self.examples = (self.examples + other.examples)[:30]
        self.bad.update(other.bad)
        self.late.update(other.late)

    @property
    def ok(self):
        return not any(self.counts[kind] for kind in self.FAULTS)


def check_topic(topic, source, produced, schemas, aggregated_schemas, settings, jobs=1, late=frozenset()):
    """Checks one topic. source and produced are lists of Record; late has the
    places of records that were put aside as late by the wall clock.

    The windows are rebuilt from the source by event time; each must have
    exactly one produced record with the same bits in every statistic.
    """
    report = Report()
    windows, fields, first = _windows(topic, source, schemas, settings, report, late)
    produced = _by_window(topic, produced, aggregated_schemas, settings, report)
    if settings.empty:
        empty = empty_starts(windows, settings)
        report.counts["empty windows"] += len(empty)
        windows.update((start, []) for start in empty)
    report.counts["windows"] += len(windows)
    for start in windows.keys() - produced.keys():
        report.fault("missing", f"{topic} window {start}: {len(windows[start])} source records, no aggregated one")
    for start in produced.keys() - windows.keys():
        report.fault("unexpected", f"{topic} window {start}: an aggregated record, no source records")
    both = sorted(windows.keys() & produced.keys())
    work = [(topic, start, windows[start], produced[start][:2], fields, first, schemas, settings) for start in both]
    if jobs > 1 and len(work) > 100:
        # A forked process inherits the schemas; their look-up cannot be sent.
        with get_context("fork").Pool(jobs, _start_job, (schemas,)) as pool:
            slim = [w[:6] + (None, settings) for w in work]
            for part in pool.imap_unordered(_check_window, slim, chunksize=20):
                report.add(part)
    else:
        for w in work:
            report.add(_check_window(w))
    return report


def empty_starts(windows, settings):
    """The starts of the empty windows between those that have records."""
    starts = sorted(windows)
    empty = []
    for before, start in zip(starts, starts[1:]):
        between = range(before + settings.grid, start, settings.grid)
        if len(between) <= LONGEST_GAP:
            empty += between
    return empty


_job_schemas = None


def _start_job(schemas):
    global _job_schemas
    _job_schemas = schemas


def _windows(topic, source, schemas, settings, report, late=frozenset()):
    """Source records by start of window, the fields of all schemas met, and
    the first window that has a field, by the field's name.

    With a grace, a record is late if its slice ended that long or longer
    before the time of its partition, which clocks.py tells. That is the whole rule
    as long as no partition is idle before its end, and all clocks agree. Where
    they do not, the wall clock may have gone further, but not beyond the newest record:
    there a record is late if it was put aside as late by the clock.
    """
    slice = settings.slice or gcd(settings.size, settings.grid)
    windows, fields, names, first = defaultdict(list), {}, {}, {}
    newest, clocks = {}, defaultdict(lambda: Clocks((settings.grace or 0) * 10**6, settings.skew * 10**6))
    in_fields = settings.event_time is not None
    for r in source:
        report.counts["source records"] += 1
        if r.value is None:
            report.counts["tombstones"] += 1
            continue
        if settings.latest is not None and r.timestamp > settings.latest:
            report.counts["ahead of time"] += 1
            continue
        try:
            number, record = schemas.read(r)
            at = r.timestamp * 10**6
            if in_fields:
                at = settings.event_time.of(r, record, schemas.get(number)[0])
                if at is None:
                    raise Bad("no time in its fields")
        except Bad as e:
            if isinstance(e, BadBody) and not in_fields:
                clocks[r.partition].take(r.timestamp * 10**6)
                newest[r.partition] = max(r.timestamp * 10**6, newest.get(r.partition, r.timestamp * 10**6))
            report.counts["bad records"] += 1
            report.bad[topic, r.partition, r.offset] = r
            continue
        end = (at // 10**6 // slice + 1) * slice * 10**6
        time = clocks[r.partition]
        by_order = time.time is not None and end <= time.watermark
        may_be = settings.grace is not None and end <= newest.get(r.partition, at) - settings.grace * 10**6
        time.take(at)
        if may_be and (by_order or (topic, r.partition, r.offset) in late):
            report.counts["late records"] += 1
            report.late[topic, r.partition, r.offset] = r
            continue
        newest[r.partition] = max(at, newest.get(r.partition, at))
        if number not in names:
            found = fields_of(schemas, number, settings)
            names[number] = [f.name for f in found]
            for f in found:
                if f.name not in fields or not f.integer:  # one type that is no integer decides
                    fields[f.name] = f
        for start in settings.starts(at // 10**6):
            windows[start].append(r)
            for name in names[number]:
                first[name] = min(start, first.get(name, start))
    return windows, list(fields.values()), first


def _by_window(topic, produced, schemas, settings, report):
    """Decoded aggregated records by start of window; what is wrong with one alone."""
    found = {}
    for r in produced:
        report.counts["aggregated records"] += 1
        where = f"{topic} aggregated partition {r.partition} offset {r.offset}"
        try:
            number, record = schemas.decode(r.value or b"")
        except Bad as e:
            report.fault("malformed", f"{where}: {e}")
            continue
        for text in schema_faults(schemas.get(number)[0], settings) + record_faults(topic, r, record, settings):
            report.fault("malformed", f"{where}: {text}")
        start = record.get("window_start")
        if start in found:
            if settings.repeats and (r.key, r.value, r.headers) == found[start][2:]:
                report.counts["repeated"] += 1
            else:
                report.fault("doubled", f"{where}: window {start} has a record already")
            continue
        report.counts["in windows"] += record["count"]
        found[start] = (record, dict(r.headers), r.key, r.value, r.headers)
    return found


def headers_of(r):
    """The headers of a letter, of two with the same key the first."""
    headers = {}
    for k, v in r.headers:
        headers.setdefault(k, v.decode())
    return headers


def place_of(letter):
    """(topic, partition, offset) of the source record that a letter has."""
    headers = headers_of(letter)
    return headers["topic"], int(headers["partition"]), int(headers["offset"])


def check_letters(name, wanted, letters, settings, report, others=None):
    """Compares the records of a dead-letter topic, or of one for late records,
    with the source records that belong there, by (topic, partition, offset).
    Those of other topics, a regular expression, are passed over."""
    found = set()
    for r in letters:
        place = place_of(r)
        if others is not None and re.search(others, place[0]):
            continue
        report.counts[name] += 1
        if place not in wanted:
            report.fault("unexpected", f"{name}: {place} does not belong there")
        elif (r.key, r.value) != (wanted[place].key, wanted[place].value):
            report.fault("differing", f"{name}: {place} has other bytes")
        elif place in found and not settings.repeats:
            report.fault("doubled", f"{name}: {place} is there already")
        found.add(place)
    for place in wanted.keys() - found:
        report.fault("missing", f"{name}: {place}")


def schema_faults(schema, settings):
    """Faults of an aggregated schema: its first fields and the types of all."""
    stamp = {"type": "long", "logicalType": "timestamp-millis"}
    head = list(zip(HEAD, ["double", stamp, stamp, "double", "long"]))
    faults = []
    for (name, kind), f in zip(head, schema["fields"]):
        if f["name"] != name or f["type"] != kind:
            faults.append(f"schema: {f['name']} {f['type']} stands where {name} {kind} belongs")
    for f in schema["fields"][len(head):]:
        kind, default = f["type"], f.get("default", "none")
        array = isinstance(kind, dict) and kind["type"] == "array" and kind["items"] == "double" and default == []
        if not array and not (kind == ["null", "double"] and default is None):
            faults.append(f"schema: {f['name']} has type {kind}, default {default}")
    return faults


def record_faults(topic, r, record, settings):
    """Faults that an aggregated record shows by itself: times, key, timestamp."""
    start, size = record["window_start"], settings.size
    middle = (2 * start + size) / 2000
    expected = {
        "window_start on the grid": (start % settings.grid, 0),
        "window_end": (record["window_end"], start + size),
        "window_size": (record["window_size"], size / 1000),
        "time": (record["time"], middle),
        "timestamp": (r.timestamp, (2 * start + size) // 2),
        "key": (r.key, f"{topic}|{settings.group}|{start}|{size}".encode()),
    }
    return [f"{what} is {got!r}, want {want!r}" for what, (got, want) in expected.items() if got != want]


def header_faults(topic, records, headers):
    """Faults of the headers that say what a record was computed from."""
    parts = defaultdict(list)
    for r in records:
        parts[r.partition].append(r.offset)
    offsets = " ".join(f"{p}:{min(o)}-{max(o)}/{len(o)}" for p, o in sorted(parts.items()))
    want = {"source_topic": topic.encode(), "source_offsets": offsets.encode()}
    return [f"header {k} is {headers.get(k)!r}, want {v!r}" for k, v in want.items() if headers.get(k) != v]


def _check_window(work):
    topic, start, records, (got, headers), fields, first, schemas, settings = work
    schemas = schemas or _job_schemas
    report = Report()
    want = expected_record(records, fields, schemas, settings)
    if got["count"] != len(records):
        report.fault("differing", f"{topic} window {start}: count {got['count']}, want {len(records)}")
    for text in header_faults(topic, records, headers):
        report.fault("malformed", f"{topic} window {start}: {text}")
    for name, value in want.items():
        report.counts["values"] += len(value) if isinstance(value, list) else 1
        if name not in got:
            if not too_new(name, start, first, records, schemas, settings):
                report.fault("differing", f"{topic} window {start}: no field {name}")
        elif not same(value, got[name]):
            report.fault("differing", f"{topic} window {start}: {name} is {got[name]!r}, want {value!r}")
    for name in got.keys() - want.keys() - set(HEAD):
        if got[name] not in (None, []):
            report.fault("differing", f"{topic} window {start}: {name} is {got[name]!r}, but no source field stands behind it")
    return report


def too_new(name, start, first, records, schemas, settings):
    """Whether a window may lack an aggregated field: no source record before
    it had the field behind it, and not all of its own have."""
    base = next(b for b in first if any(name == f"{operation}_{b}" for operation in settings.operations))
    if start != first[base]:
        return start < first[base]
    numbers = {schemas.read(r)[0] for r in records}
    return not all(base in {f.name for f in fields_of(schemas, n, settings)} for n in numbers)


def fields_of(schemas, number, settings):
    """The aggregated fields of a source schema, in its order."""
    found = schemas.reader(number, settings.kinds).fields
    if len({f.name for f in found}) != len(found):
        raise ValueError("two fields have the same aggregated name: this check does not know the rule for them")
    return [f for f in found if f.name not in settings.excluded and f.path not in settings.excluded]


def expected_record(records, fields, schemas, settings):
    """The statistics of a window's records by name of the aggregated field."""
    rows = []
    for r in records:
        number, row = schemas.read(r)
        rows.append(schemas.reader(number, settings.kinds).read(row))
    want = {}
    for f in fields:
        values = [row.get(f.path) for row in rows]
        if f.pool:
            values = [v for list in values if list is not None for v in list]
        if f.array and not f.pool:
            columns = _columns([v for v in values if isinstance(v, list)])
            results = [summarize(settings.operations, c, f.integer, settings.min_sample_size) for c in columns]
            for i, operation in enumerate(settings.operations):
                want[f"{operation}_{f.name}"] = [r[i] for r in results]
        else:
            samples = [s for s in values if s is not None]
            results = summarize(settings.operations, samples, f.integer, settings.min_sample_size)
            for operation, value in zip(settings.operations, results):
                want[f"{operation}_{f.name}"] = value
    return want


def _columns(arrays):
    """Samples by element of arrays that may differ in length."""
    columns = [[] for _ in range(max(map(len, arrays), default=0))]
    for a in arrays:
        for column, value in zip(columns, a):
            if value is not None:
                column.append(value)
    return columns


def same(want, got):
    """Equal to the bit. No value is null in a scalar and NaN in an array; the
    sign of a zero does not count, for Python's min and max leave it to the
    order of the samples."""
    if isinstance(want, list) or isinstance(got, list):
        return (isinstance(want, list) and isinstance(got, list) and len(want) == len(got)
                and all(same(w, None if g != g else g) for w, g in zip(want, got)))
    if want is None or got is None:
        return want is got
    return struct.pack("<d", want + 0.0) == struct.pack("<d", got + 0.0)
