"""The check itself is checked: right records pass, every kind of damage is found.

    python -m unittest discover test/oracle
"""

import io
import json
import math
import random
import struct
import unittest
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from unittest import mock

import fastavro

from check import HEAD, LONGEST_GAP, Settings, _windows, check_letters, check_topic, expected_record, fields_of, Report
from clocks import Clocks
from eventtime import EventTime, utc
from fields import Kinds
from operations import summarize
from records import Bad, Record, Schemas

SOURCE = {
    "type": "record", "name": "source", "fields": [
        {"name": "time", "type": "double"},
        {"name": "d", "type": "double"},
        {"name": "f", "type": "float"},
        {"name": "maybe", "type": ["null", "double"], "default": None},
        {"name": "mixed", "type": ["null", "string", "int", "double"]},
        {"name": "long", "type": "long"},
        {"name": "when", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "flag", "type": "boolean"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "array", "type": {"type": "array", "items": ["null", "float"]}},
        {"name": "in", "type": {"type": "record", "name": "inner", "fields": [
            {"name": "x", "type": "double"},
            {"name": "deep", "type": ["null", {"type": "record", "name": "deeper", "fields": [{"name": "y", "type": "int"}]}]},
        ]}},
        {"name": "again", "type": "inner"},
        {"name": "points", "type": {"type": "array", "items": "inner"}},
        {"name": "matrix", "type": {"type": "array", "items": {"type": "array", "items": "double"}}},
        {"name": "either", "type": ["null", "int", {"type": "record", "name": "Warm", "fields": [{"name": "v", "type": "double"}]},
                                    {"type": "record", "name": "Cold", "fields": [{"name": "v", "type": "double"}]}]},
        {"name": "exact", "type": ["null", {"type": "record", "name": "Exact", "connect.name": "io.debezium.data.VariableScaleDecimal",
                                            "fields": [{"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}]}]},
        {"name": "changed", "type": {"type": "long", "connect.name": "io.debezium.time.MicroTimestamp"}},
        {"name": "octets", "type": {"type": "long", "logicalType": "uint64"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OFF", "ON"]}},
        {"name": "loads", "type": {"type": "map", "values": "double"}},
    ],
}
TOPIC = "a.topic"
SETTINGS = Settings(size=1000)


def aggregated_schema(fields):
    stamp = {"type": "long", "logicalType": "timestamp-millis"}
    head = [{"name": n, "type": t} for n, t in zip(HEAD, ["double", stamp, stamp, "double", "long"])]
    for f in fields:
        for operation in SETTINGS.operations:
            kind, default = (["null", "double"], None) if not f.array or f.pool else ({"type": "array", "items": "double"}, [])
            head.append({"name": f"{operation}_{f.name}", "type": kind, "default": default})
    return {"type": "record", "name": "aggregated", "fields": head}


def encode(number, schema, record):
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), record)
    return struct.pack(">bI", 0, number) + body.getvalue()


def begins_at_once(test):
    """Has time be known after a few records of a partition."""
    patch = mock.patch("clocks.BEGINNING", 4)
    patch.start()
    test.addCleanup(patch.stop)


class Case:
    """Source records of some windows and the right aggregated records."""

    def __init__(self, seed=1, windows=20, per_window=15, settings=SETTINGS, rests=()):
        r = random.Random(seed)
        self.random, self.more = r, random.Random(seed)
        self.settings = settings
        self.source = []
        for w in (w for w in range(windows) if w not in rests):
            for k in range(r.choice([1, 2, per_window])):
                at = 1_700_000_000_000 + w * 1000 + r.randrange(1000)
                self.source.append(Record(k % 3, len(self.source), at, None, encode(1, SOURCE, self.row(at))))
        self.source.append(Record(0, len(self.source), at, None, b"rubbish"))
        self.source.append(Record(0, len(self.source), at, None, encode(1, SOURCE, self.row(at)) + b"!"))
        self.source.append(Record(0, len(self.source), at, None, None))
        self.fields = fields_of(Schemas({1: json.dumps(SOURCE)}.get), 1, SETTINGS)
        self.aggregated = aggregated_schema(self.fields)
        self.schemas = Schemas({1: json.dumps(SOURCE), 2: json.dumps(self.aggregated)}.get)
        self.by_window, _, _ = _windows(TOPIC, self.source, self.schemas, settings, Report())
        self.produced = [self.window(start, records) for start, records in sorted(self.by_window.items())]

    def window(self, start, records):
        size = self.settings.size
        record = {"time": (2 * start + size) / 2000, "window_start": start, "window_end": start + size,
                  "window_size": size / 1000, "count": len(records)}
        for name, value in expected_record(records, self.fields, self.schemas, SETTINGS).items():
            record[name] = [math.nan if v is None else v for v in value] if isinstance(value, list) else value
        return self.record(start, record)._replace(headers=self.headers(records))

    def row(self, at):
        r, m = self.random, self.more
        return {
            "time": at / 1000, "d": r.choice([r.gauss(1e9, 1e-3), math.nan, math.inf]) if r.random() < 0.1 else r.gauss(0, 1),
            "f": r.random(), "maybe": r.choice([None, r.random()]), "mixed": r.choice([None, "text", 3, r.random()]),
            "long": r.randrange(-2**63, 2**63), "when": 5, "flag": True, "price": Decimal(r.randrange(10000)) / 100,
            "array": [r.choice([None, r.random()]) for _ in range(r.randrange(4))],
            "in": {"x": r.random(), "deep": r.choice([None, {"y": r.randrange(9)}])},
            "again": {"x": r.random(), "deep": None},
            "points": [{"x": m.random(), "deep": m.choice([None, {"y": 3}])} for _ in range(m.randrange(3))],
            "matrix": [[m.random() for _ in range(m.randrange(3))] for _ in range(m.randrange(3))],
            "either": m.choice([None, 7, ("Warm", {"v": m.random()}), ("Cold", {"v": m.random()})]),
            "exact": m.choice([None, {"scale": 2, "value": m.randrange(-2**30, 2**30).to_bytes(5, "big", signed=True)}]),
            "changed": 5, "octets": m.randrange(2**63), "state": m.choice(["OFF", "ON"]), "loads": {"a": m.random(), "b": 1.5},
        }

    def record(self, start, record, key=None, timestamp=None):
        size = self.settings.size
        key = key or f"{TOPIC}||{start}|{size}".encode()
        return Record(0, 0, timestamp or start + size // 2, key, encode(2, self.aggregated, record))

    @staticmethod
    def headers(records):
        parts = {}
        for r in records:
            parts.setdefault(r.partition, []).append(r.offset)
        offsets = " ".join(f"{p}:{min(o)}-{max(o)}/{len(o)}" for p, o in sorted(parts.items()))
        return (("source_topic", TOPIC.encode()), ("source_offsets", offsets.encode()))

    def report(self):
        return check_topic(TOPIC, self.source, self.produced, self.schemas, self.schemas, self.settings)

    def rewrite(self, i, change):
        _, record = self.schemas.decode(self.produced[i].value)
        change(record)
        self.produced[i] = self.produced[i]._replace(value=encode(2, self.aggregated, record))


class RightRecordsPass(unittest.TestCase):
    def test_all_shapes(self):
        names = [f.name for f in fields_of(Schemas({1: json.dumps(SOURCE)}.get), 1, SETTINGS)]
        self.assertEqual(names, ["d", "f", "maybe", "mixed", "long", "price", "array", "in_x", "in_deep_y", "again_x", "again_deep_y",
                                 "points_x", "points_deep_y", "matrix", "either", "either_Warm_v", "either_Cold_v", "exact", "octets"])
        for seed in range(20):
            report = Case(seed).report()
            self.assertTrue(report.ok, report.examples)
            self.assertEqual(report.counts["bad records"], 2)
            self.assertEqual(report.counts["tombstones"], 1)
            self.assertGreater(report.counts["values"], 1000)

    def test_kinds(self):
        """The samples of one record, where everything counts."""
        row = {"time": 1.0, "d": 1.5, "f": 0.5, "maybe": None, "mixed": "text", "long": -7, "when": 5, "flag": True, "price": Decimal("1.25"),
               "array": [None, 2.0], "in": {"x": 1.0, "deep": {"y": 2}}, "again": {"x": 3.0, "deep": None},
               "points": [{"x": 4.0, "deep": None}, {"x": 5.0, "deep": {"y": 6}}], "matrix": [[1.0], [], [2.0, 3.0]],
               "either": ("Cold", {"v": -1.5}), "exact": {"scale": -2, "value": b"\xff"}, "changed": 5, "octets": -1, "state": "ON",
               "loads": {"a": 1.0, "b": 2.0}}
        schemas = Schemas({1: json.dumps(SOURCE)}.get)
        _, decoded = schemas.decode(encode(1, SOURCE, row))
        kinds = Kinds(booleans=True, enums=True, maps=True, unsigned=frozenset({"long"}), by_element=frozenset({"points[].x"}))
        reader = schemas.reader(1, kinds)
        got = reader.read(decoded)
        self.assertEqual({f.path: got.get(f.path) for f in reader.fields}, {
            "time": 1.0, "d": 1.5, "f": 0.5, "maybe": None, "mixed": None, "long": 2.0**64, "flag": 1, "price": 1.25, "array": [None, 2.0],
            "in.x": 1.0, "in.deep.y": 2, "again.x": 3.0, "again.deep.y": None, "points[].x": [4.0, 5.0], "points[].deep.y": [None, 6],
            "matrix[]": [1.0, 2.0, 3.0], "either": None, "either.Warm.v": None, "either.Cold.v": -1.5, "exact": -100.0, "octets": 2.0**64,
            "state": 1, "loads{}": [1.0, 2.0]})
        self.assertEqual({f.path for f in reader.fields if f.array and not f.pool}, {"array", "points[].x"})
        self.assertEqual({f.path for f in reader.fields if f.pool}, {"points[].deep.y", "matrix[]", "loads{}"})

    def test_known_numbers(self):
        operations = ("min", "q1", "mean", "median", "stdev", "q3", "max")
        self.assertEqual(summarize(operations, [1, 2], True, 2), [1, 0.75, 1.5, 1.5, math.sqrt(0.5), 2.25, 2])
        self.assertEqual(summarize(operations, [3.5], False, 2), [3.5, None, 3.5, 3.5, None, None, 3.5])
        self.assertEqual(summarize(operations, [], False, 2), [None] * 7)
        self.assertEqual(summarize(("mean",), [1e30, 1.0, 3.0, -1e30], False, 2), [1.0])
        self.assertEqual(summarize(("mean", "stdev", "max"), [1.0, math.inf], False, 2), [math.inf, None, math.inf])


class DamageIsFound(unittest.TestCase):
    def setUp(self):
        self.case = Case()

    def found(self, kind):
        report = self.case.report()
        self.assertGreater(report.counts[kind], 0, report.counts)

    def test_dropped(self):
        del self.case.produced[3]
        self.found("missing")

    def test_doubled(self):
        self.case.produced.append(self.case.produced[3])
        self.found("doubled")

    def test_window_without_source(self):
        self.case.source = [r for r in self.case.source if r.timestamp // 1000 != self.case.source[0].timestamp // 1000]
        self.found("unexpected")

    def test_source_record_not_counted(self):
        self.case.source.append(self.case.source[0])
        self.found("differing")

    def test_swapped_keys(self):
        p = self.case.produced
        p[1], p[2] = p[1]._replace(key=p[2].key), p[2]._replace(key=p[1].key)
        self.found("malformed")

    def test_swapped_values(self):
        p = self.case.produced
        p[1], p[2] = p[1]._replace(value=p[2].value), p[2]._replace(value=p[1].value)
        self.found("malformed")

    def test_stamped_otherwise(self):
        self.case.produced[1] = self.case.produced[1]._replace(timestamp=self.case.produced[1].timestamp + 1)
        self.found("malformed")

    def test_other_headers(self):
        for headers in [(), (("source_topic", b"b.topic"),) + self.case.produced[1].headers[1:],
                        self.case.produced[1].headers[:1] + (("source_offsets", b"0:0-1/2"),)]:
            with self.subTest(headers):
                self.case.produced[1] = self.case.produced[1]._replace(headers=headers)
                self.found("malformed")

    def test_not_avro(self):
        self.case.produced[1] = self.case.produced[1]._replace(value=b"rubbish")
        self.found("malformed")

    def test_head(self):
        for name in HEAD:
            with self.subTest(name):
                self.case = Case()
                self.case.rewrite(2, lambda r: r.__setitem__(name, r[name] + 1))
                self.assertFalse(self.case.report().ok)

    def test_any_bit_of_any_value(self):
        for f in self.case.fields:
            for operation in SETTINGS.operations:
                name = f"{operation}_{f.name}"
                with self.subTest(name):
                    case = self.case
                    before = list(case.produced)
                    changed = False
                    for i in range(len(case.produced)):
                        _, record = case.schemas.decode(case.produced[i].value)
                        value = record[name]
                        if isinstance(value, list):
                            if value and value[0] == value[0]:
                                case.rewrite(i, lambda r: r[name].__setitem__(0, math.nextafter(r[name][0], 2e308)))
                                changed = True
                        elif value is not None and math.isfinite(value):
                            case.rewrite(i, lambda r: r.__setitem__(name, math.nextafter(r[name], math.inf)))
                            changed = True
                        if changed:
                            break
                    if f.name == "again_deep_y":  # always null
                        self.assertFalse(changed)
                        continue
                    self.assertTrue(changed)
                    self.found("differing")
                    case.produced = before

    def test_null_for_value_and_value_for_null(self):
        self.case.rewrite(0, lambda r: r.__setitem__("mean_f", None))
        self.found("differing")
        self.case = Case()
        self.case.rewrite(0, lambda r: r.__setitem__("mean_again_deep_y", 0.0))
        self.found("differing")

    @staticmethod
    def alike(case, a, b):
        try:
            return repr(case.schemas.decode(a)) == repr(case.schemas.decode(b))
        except Bad:
            return False

    def test_random_damage(self):
        found = total = 0
        for seed in range(200):
            case = Case(seed % 10, windows=6)
            r = random.Random(seed)
            i = r.randrange(len(case.produced))
            value = bytearray(case.produced[i].value)
            value[r.randrange(5, len(value))] ^= 1 << r.randrange(8)
            if self.alike(case, bytes(value), case.produced[i].value):
                continue  # another payload of a NaN says the same
            case.produced[i] = case.produced[i]._replace(value=bytes(value))
            total += 1
            found += not case.report().ok
        self.assertGreaterEqual(found / total, 0.99)


class OtherWindows(unittest.TestCase):
    SHAPES = (replace(SETTINGS, size=4000, advance=1000), replace(SETTINGS, size=5000, advance=2000, slice=1000),
              replace(SETTINGS, size=5000, slice=1000))

    def test_right_records_pass(self):
        for settings in self.SHAPES:
            for seed in range(5):
                case = Case(seed, settings=settings)
                report = case.report()
                self.assertTrue(report.ok, report.examples)
                # A record is in so many windows.
                n = sum(len(list(settings.starts(r.timestamp))) for r in case.source if len(r.value or b"") > 8 and not r.value.endswith(b"!"))
                self.assertEqual(report.counts["in windows"], n)
        self.assertEqual(list(self.SHAPES[0].starts(4500)), [4000, 3000, 2000, 1000])
        self.assertEqual(list(self.SHAPES[1].starts(4500)), [4000, 2000, 0])
        self.assertEqual(list(self.SHAPES[1].starts(5500)), [4000, 2000])

    def test_damage_is_found(self):
        for settings in self.SHAPES:
            for i in range(3):
                case = Case(settings=settings)
                del case.produced[i]
                self.assertGreater(case.report().counts["missing"], 0)
                case = Case(settings=settings)
                case.produced.append(case.produced[i])
                self.assertGreater(case.report().counts["doubled"], 0)
                # One window of several lacks a record that the others have.
                case = Case(settings=settings)
                start = sorted(start for start, records in case.by_window.items() if len(records) > 2)[i]
                at = [p.key for p in case.produced].index(f"{TOPIC}||{start}|{settings.size}".encode())
                case.produced[at] = case.window(start, case.by_window[start][:-1])
                self.assertGreater(case.report().counts["differing"], 0)
                # A window begins elsewhere.
                case = Case(settings=settings)
                case.produced[at] = case.window(start + 500, case.by_window[start])
                self.assertFalse(case.report().ok)

    def test_late_with_its_slice(self):
        # In a window of 5 s that is open, a record is late with its second.
        begins_at_once(self)
        settings = replace(SETTINGS, size=5000, slice=1000, grace=0)
        case = Case(windows=1, settings=settings)
        base = 1_700_000_000_000 // 5000 * 5000
        case.source = [Record(0, o, base + at, None, encode(1, SOURCE, case.row(base + at)))
                       for o, at in enumerate([100, 700, 1300, 2200, 1900, 2100, 900, 7000])]
        good = [case.source[i] for i in (0, 1, 2, 3, 5)]
        case.produced = [case.window(base, good), case.window(base + 5000, case.source[7:])]
        report = case.report()
        self.assertTrue(report.ok, report.examples)
        self.assertEqual(sorted(o for _, _, o in report.late), [4, 6])
        case.settings = replace(settings, slice=5000)
        self.assertFalse(case.report().ok)
        case.settings = settings
        case.produced[0] = case.window(base, [case.source[i] for i in (0, 1, 2, 3, 4, 5)])
        self.assertGreater(case.report().counts["differing"], 0)


class WrongClocks(unittest.TestCase):
    def test_as_the_program(self):
        """The stories in clocks.json, which the program's clocks have told."""
        stories = json.loads((Path(__file__).parent / "clocks.json").read_text())
        self.assertGreater(len(stories), 30)
        for number, story in enumerate(stories):
            clocks, steps = Clocks(story["grace"] * 10**6, story["skew"] * 10**6), []
            for i, t in enumerate(story["times"]):
                before = clocks.time
                clocks.take(t * 10**6)
                if clocks.time != before:
                    steps.append([i, clocks.time // 10**6])
            self.assertEqual(steps, story["steps"], f"story {number}")

    def test_a_clock_that_is_fast(self):
        for ahead in (2, 37, 299):
            for share in (2, 50, 100):
                clocks, late = Clocks(10**9, 300 * 10**9), 0
                for i in range(600):
                    t = i * 10**8 + (ahead * 10**9 if i % share == share // 2 else 0)
                    late += clocks.time is not None and t < clocks.watermark
                    clocks.take(t)
                self.assertEqual(late, 0, f"{ahead} s ahead, one in {share}")

    def test_late_by_the_wall_clock(self):
        """Between the time by order and the newest record the late topic has the word."""
        case = Case(windows=5)
        base = case.source[0].timestamp // 1000 * 1000
        last = max(r.timestamp for r in case.source)
        fast = Record(0, len(case.source), last + 37_000, None, encode(1, SOURCE, case.row(last)))
        behind = fast._replace(offset=fast.offset + 1, timestamp=last)
        case.source += [fast, behind]
        settings = replace(SETTINGS, grace=1000)

        def late(places):
            report = check_topic(TOPIC, case.source, case.produced, case.schemas, case.schemas, settings, late=places)
            return list(report.late.values())

        self.assertGreater(last, base)
        self.assertEqual(late(frozenset()), [])
        self.assertEqual(late(frozenset([(TOPIC, 0, behind.offset)])), [behind])
        self.assertEqual(late(frozenset([(TOPIC, 0, 0)])), [])  # nothing was before it


class EventTimes(unittest.TestCase):
    SCHEMA = {"type": "record", "name": "timed", "fields": [
        {"name": "seconds", "type": ["null", "double"]},
        {"name": "in", "type": {"type": "record", "name": "inner_time", "fields": [
            {"name": "micros", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]}, {"name": "nanos", "type": {"type": "long", "logicalType": "timestamp-nanos"}}]}},
        {"name": "text", "type": "string"},
        {"name": "count", "type": "long"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 9}},
    ]}
    NOW = 1_764_561_906_789_012_000  # 2025-12-01T04:05:06.789012

    def of(self, fields, unit="s", tai=False, strict=True, **values):
        row = {"seconds": None, "in": {"micros": None, "nanos": 0}, "text": "", "count": 0, "price": Decimal(0), **values}
        _, record = Schemas({1: json.dumps(self.SCHEMA)}.get).decode(encode(1, self.SCHEMA, row))
        return EventTime(tuple(fields.split(",")), unit, tai, strict).of(Record(0, 0, 5, None, b""), record, self.SCHEMA)

    def test_types(self):
        now, tai = self.NOW, self.NOW + 37 * 10**9
        self.assertEqual(self.of("seconds", seconds=now / 1e9), now)
        self.assertEqual(self.of("seconds", seconds=tai / 1e9, tai=True), now)
        self.assertEqual(self.of("seconds", seconds=1764561906.1), 1_764_561_906_100_000_000)
        self.assertEqual(self.of("in.micros", **{"in": {"micros": now // 1000, "nanos": 0}}), now)
        self.assertEqual(self.of("in.nanos", **{"in": {"micros": None, "nanos": now + 7}}), now + 7)
        self.assertEqual(self.of("text", text="2025-12-01T05:05:06.789012+01:00", tai=True), now)
        self.assertEqual(self.of("text", text="2025-12-01 04:05:43.789012", tai=True), now)
        self.assertEqual(self.of("count", "ms", count=now // 10**6), now // 10**6 * 10**6)
        self.assertEqual(self.of("price", price=Decimal(now) / 10**9), now)

    def test_passed_over(self):
        for seconds in (None, math.nan, math.inf, -math.inf, 0.0, -1.0, self.NOW / 1e9 * 1000):
            self.assertIsNone(self.of("nowhere,seconds,text", seconds=seconds))
            self.assertEqual(self.of("nowhere,seconds,text", seconds=seconds, strict=False), 5 * 10**6)
            self.assertEqual(self.of("nowhere,seconds,text", seconds=seconds, text="2000-01-01T00:00:00Z"), 946684800 * 10**9)
        self.assertIsNone(self.of("text", text="n/a"))

    def test_leap_seconds(self):
        new_year = 1_483_228_800 * 10**9  # 2017
        self.assertEqual([utc(new_year + s * 10**9 // 2) - new_year for s in (70, 71, 72, 73, 74, 75)],
                         [-10**9, -10**9 // 2, -10**9, -10**9 // 2, 0, 10**9 // 2])
        self.assertEqual(utc(63_072_010 * 10**9), 63_072_000 * 10**9)

    def test_windows(self):
        """Records are in the windows of their fields, and those without a time are bad."""
        case = Case(windows=5)
        late = [r._replace(timestamp=9) for r in case.source]
        settings = replace(SETTINGS, event_time=EventTime(("time",), strict=True))
        report = check_topic(TOPIC, late, case.produced, case.schemas, case.schemas, settings)
        self.assertEqual(report.examples, [])
        self.assertEqual(report.counts["windows"], 5)
        settings = replace(SETTINGS, event_time=EventTime(("nowhere",), strict=True))
        self.assertEqual(len(check_topic(TOPIC, late, [], case.schemas, case.schemas, settings).bad), len([r for r in late if r.value is not None]))


class EmptyWindows(unittest.TestCase):
    SHAPES = (replace(SETTINGS, empty=True), replace(SETTINGS, empty=True, size=3000, advance=1000), replace(SETTINGS, empty=True, size=2000, slice=1000))
    RESTS = (3, 4, 5, 6, 7, 8, 12, 13, 14, 15)

    def case(self, settings, seed=1):
        case = Case(seed, settings=settings, rests=self.RESTS)
        starts = sorted(case.by_window)
        self.empty = [s for s in range(starts[0], starts[-1], settings.grid) if s not in case.by_window]
        case.produced += [case.window(start, []) for start in self.empty]
        return case

    def at(self, case, start):
        return [p.key for p in case.produced].index(f"{TOPIC}||{start}|{case.settings.size}".encode())

    def test_right_records_pass(self):
        for settings in self.SHAPES:
            for seed in range(5):
                report = self.case(settings, seed).report()
                self.assertTrue(report.ok, report.examples)
                self.assertEqual(report.counts["empty windows"], len(self.empty))
                self.assertGreater(len(self.empty), 3)

    def test_damage_is_found(self):
        for settings in self.SHAPES:
            case = self.case(settings)
            for start in self.empty[::3]:
                at = self.at(case, start)
                kept = case.produced[at]
                damaged = [kept._replace(headers=kept.headers[:1]), kept._replace(headers=kept.headers[:1] + (("source_offsets", b"0:0-1/2"),)),
                           kept._replace(key=kept.key + b"0"), kept._replace(timestamp=kept.timestamp + 1)]
                for name in HEAD + ["mean_d", "max_long"]:
                    case.rewrite(at, lambda r: r.__setitem__(name, (r[name] or 0) + 1))
                    damaged.append(case.produced[at])
                    case.produced[at] = kept
                case.rewrite(at, lambda r: r.__setitem__("mean_array", [0.0]))
                damaged.append(case.produced[at])
                for one in damaged:
                    case.produced[at] = one
                    self.assertFalse(case.report().ok, one)
                del case.produced[at]
                self.assertEqual(case.report().counts["missing"], 1)
                case.produced.insert(at, kept)
                case.produced.append(kept)
                self.assertEqual(case.report().counts["doubled"], 1)
                case.produced.pop()

    def test_none_before_the_first_or_after_the_newest(self):
        for settings in self.SHAPES:
            case = self.case(settings)
            for start in (min(case.by_window) - settings.grid, max(case.by_window) + settings.grid):
                case.produced.append(case.window(start, []))
                self.assertEqual(case.report().counts["unexpected"], 1)
                case.produced.pop()

    def test_none_if_nobody_asked(self):
        case = self.case(self.SHAPES[0])
        case.settings = SETTINGS
        self.assertEqual(case.report().counts["unexpected"], len(self.empty))

    def test_longest_gap(self):
        for gap, filled in ((LONGEST_GAP, True), (LONGEST_GAP + 1, False)):
            case = Case(windows=1, settings=self.SHAPES[0])
            first = min(case.by_window)
            at = first + 1000 * (gap + 1)
            case.source.append(Record(0, len(case.source), at, None, encode(1, SOURCE, case.row(at))))
            case.produced.append(case.window(at, case.source[-1:]))
            empty = [case.window(start, []) for start in range(first + 1000, at, 1000)]
            self.assertEqual(case.report().counts["missing"], gap if filled else 0)
            case.produced += empty
            self.assertEqual(case.report().counts["unexpected"], 0 if filled else gap)


class LateRecordsAndRepeats(unittest.TestCase):
    def setUp(self):
        begins_at_once(self)
        self.case = Case(windows=5)
        last = max(r.timestamp for r in self.case.source)
        self.late = Record(0, len(self.case.source), last - 3000, None, encode(1, SOURCE, self.case.row(last)))
        self.early = self.late._replace(offset=self.late.offset + 1, timestamp=last - 1000)
        self.case.source += [self.late]

    def check(self, **settings):
        c = self.case
        return check_topic(TOPIC, c.source, c.produced, c.schemas, c.schemas, replace(SETTINGS, **settings))

    def test_late_by_the_grace(self):
        report = self.check(grace=1000)
        self.assertTrue(report.ok, report.examples)
        self.assertEqual(list(report.late.values()), [self.late])
        self.assertFalse(self.check(grace=4000).ok)
        self.assertFalse(self.check().ok)

    def test_letters(self):
        def letter(r, offset=0):
            place = (("topic", TOPIC.encode()), ("partition", b"%d" % r.partition), ("offset", b"%d" % r.offset))
            return Record(0, offset, 0, r.key, r.value, place)

        def kinds(letters, repeats=False, others=None):
            report = Report()
            wanted = {(TOPIC, 0, self.late.offset): self.late}
            check_letters("late", wanted, letters, replace(SETTINGS, repeats=repeats), report, others)
            return {k: n for k, n in report.counts.items() if k in Report.FAULTS}

        right = letter(self.late)
        self.assertEqual(kinds([right]), {})
        self.assertEqual(kinds([]), {"missing": 1})
        self.assertEqual(kinds([right, right]), {"doubled": 1})
        self.assertEqual(kinds([right, right], repeats=True), {})
        self.assertEqual(kinds([right, letter(self.early)]), {"unexpected": 1})
        self.assertEqual(kinds([right._replace(value=b"x")]), {"differing": 1})
        foreign = right._replace(headers=(("topic", b"another"),) + right.headers[1:])
        self.assertEqual(kinds([right, foreign]), {"unexpected": 1})
        self.assertEqual(kinds([right, foreign], others="^another$"), {})

    def test_repeats(self):
        again = self.case.produced[1]._replace(offset=99)
        self.case.produced.append(again)
        self.assertFalse(self.check(grace=1000).ok)
        report = self.check(grace=1000, repeats=True)
        self.assertTrue(report.ok, report.examples)
        self.assertEqual(report.counts["repeated"], 1)
        self.case.produced[-1] = again._replace(value=again.value[:-1] + bytes([again.value[-1] ^ 1]))
        self.assertFalse(self.check(grace=1000, repeats=True).ok)


if __name__ == "__main__":
    unittest.main()
