"""The time of a record from its fields, in ns of UTC.

Written from docs/sources.md, not from the aggregator's code.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from math import floor, inf

from fields import branches, collect_names

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
LOGICAL = {"millis": 10**6, "micros": 10**3, "nanos": 1}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# Leap seconds were inserted at the end of June (6) or December (12) of these years.
LEAPS = [(1972, 6), (1972, 12), (1973, 12), (1974, 12), (1975, 12), (1976, 12), (1977, 12), (1978, 12), (1979, 12),
         (1981, 6), (1982, 6), (1983, 6), (1985, 6), (1987, 12), (1989, 12), (1990, 12), (1992, 6), (1993, 6), (1994, 6),
         (1995, 12), (1997, 6), (1998, 12), (2005, 12), (2008, 12), (2012, 6), (2015, 6), (2016, 12)]


def utc(tai):
    """Unix time of a time in TAI, in ns; the second 23:59:60 counts as 23:59:59."""
    ahead = 10
    for year, month in LEAPS:
        after = datetime(year + (month == 12), 1 if month == 12 else 7, 1, tzinfo=timezone.utc)
        if tai < (int((after - EPOCH).total_seconds()) + ahead) * 10**9:
            break
        ahead += 1
    return tai - ahead * 10**9


@dataclass(frozen=True)
class EventTime:
    fields: tuple          # in order of preference
    unit: str = "s"        # of numbers without a logical type
    tai: bool = False
    strict: bool = False   # a record with a time in none is bad
    skew: int = 300_000    # ms that a time may be ahead

    def of(self, r, record, schema):
        """The time of a record in ns, or None if it has none."""
        latest = time.time_ns() + self.skew * 10**6
        named = {}
        collect_names(schema, named)
        for path in self.fields:
            path = tuple(path.split("."))
            found = self._ns(value_at(record, path), _types(schema, named, path))
            if found is not None and 0 < found <= latest:
                return found
        return None if self.strict else r.timestamp * 10**6

    def _ns(self, value, types):
        zoned = False
        match value:
            case bool() | None:
                return None
            case datetime():
                value = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
                ns = (value - EPOCH) // timedelta(microseconds=1) * 1000
            case int():
                logical = [t["logicalType"].rsplit("-")[-1] for t in types if "timestamp" in t.get("logicalType", "")]
                ns = value * (LOGICAL[logical[0]] if logical else UNITS[self.unit])
            case float():
                if value != value or value in (inf, -inf):
                    return None
                ns = floor(Fraction(value) * UNITS[self.unit] / 1000 + Fraction(1, 2)) * 1000
            case Decimal():
                ns = floor(Fraction(value) * UNITS[self.unit])
            case str():
                try:
                    parsed = datetime.fromisoformat(value)
                except ValueError:
                    return None
                zoned = parsed.tzinfo is not None
                ns = ((parsed if zoned else parsed.replace(tzinfo=timezone.utc)) - EPOCH) // timedelta(microseconds=1) * 1000
            case _:
                return None
        if ns <= 0:
            return None
        return utc(ns) if self.tai and not zoned else ns


def value_at(record, path):
    """The value of a field in a decoded record; None if it is not there."""
    for name in path:
        record = _unnamed(record)
        if not isinstance(record, dict):
            return None
        record = record.get(name)
    return _unnamed(record)


def _unnamed(value):
    """A value of a union, which comes with the name of its type if that has one."""
    return value[1] if isinstance(value, tuple) else value


def _types(schema, named, path):
    """The types that a field may have; none if there is no such field."""
    types = branches(schema, named)
    for name in path:
        types = [b for t in types for f in t.get("fields", ()) if f["name"] == name for b in branches(f["type"], named)]
    return types
