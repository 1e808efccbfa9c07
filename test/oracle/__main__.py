"""Recomputes every window of source topics and compares the aggregated topics.

    python test/oracle --brokers HOST:PORT --registry URL --topics REGEX

Exit status: 0 all equal, 1 something missing, doubled or different, 2 the
check itself could not be done.
"""

import argparse
import json
import re
import sys
import uuid
from dataclasses import replace
from math import gcd

from check import HEAD, Report, Settings, check_letters, check_topic, headers_of, place_of
from eventtime import UNITS as TIME_UNITS
from eventtime import EventTime
from fields import Kinds
from framings import Framings, fingerprint
from kafka_io import Cluster, registry_lookup, versions
from records import Schemas


def main():
    args = arguments()
    windows = args.windows or [(str(args.window_ms) + "ms", args.window_ms, args.window_ms)]
    settings = Settings(
        slice=args.slice_ms or gcd(*(ms for _, size, advance in windows for ms in (size, advance))),
        operations=tuple(args.operations.split(",")),
        min_sample_size=args.min_sample_size,
        excluded=frozenset(args.exclude.split(",")),
        latest=args.latest_ms,
        grace=args.grace_ms,
        skew=args.skew_ms,
        repeats=args.repeats,
        empty=args.empty,
        event_time=args.event_time and EventTime(tuple(args.event_time.split(",")), args.unit, args.scale == "tai", args.fallback == "bad", args.skew_ms),
        kinds=Kinds(**{kind: True for kind in names(args.kinds)}, unsigned=names(args.unsigned), by_element=names(args.by_element)),
    )
    cluster = Cluster(args.brokers)
    schemas = Schemas(registry_lookup(args.registry), framings(args))
    aggregated_schemas = Schemas(registry_lookup(args.aggregated_registry or args.registry))
    aggregated_name = re.escape(args.aggregated).replace(re.escape("{source_topic}"), ".*").replace(re.escape("{size}"), "[0-9a-z]+")
    topics = [t for t in cluster.topics()
              if re.search(args.topics, t) and not re.fullmatch(aggregated_name, t) and not t.startswith("__")]
    if not topics:
        print(f"no topic matches {args.topics}", file=sys.stderr)
        return 2
    total = Report()
    late = cluster.read(args.late) if args.late is not None else []
    by_clock = frozenset(place_of(r) for r in late if headers_of(r).get("late_by") == "clock")
    for topic in topics:
        source = cluster.read(topic)
        for i, (text, size, advance) in enumerate(windows):
            produced = cluster.read(args.aggregated.replace("{source_topic}", topic).replace("{size}", text))
            of = replace(settings, size=size, advance=advance)
            report = check_topic(topic, source, produced, schemas, aggregated_schemas, of, args.jobs, by_clock)
            print(f"{topic}, windows of {text}: {summary(report)}")
            if i > 0:  # records are counted once
                for name in OF_RECORDS:
                    del report.counts[name]
            total.add(report)
    if args.dead_letters is not None:
        check_letters("dead letters", total.bad, cluster.read(args.dead_letters), settings, total, args.other_letters)
    if args.late is not None:
        check_letters("records in the late topic", total.late, late, settings, total, args.other_letters)
    if args.expect_windows is not None and total.counts["windows"] != args.expect_windows:
        total.fault("missing", f"the source has {total.counts['windows']} windows, want {args.expect_windows}")
    for line in total.examples:
        print("  " + line)
    print(json.dumps({"topics": len(topics), "ok": total.ok, **total.counts}))
    return 0 if total.ok else 1


def framings(args):
    """What source records may have beside header and prefix."""
    known = [v for subject in args.subject for v in versions(args.registry, subject)]
    return Framings(
        glue={uuid.UUID(version): int(number) for version, _, number in (one.partition("=") for one in args.glue)},
        fingerprints={fingerprint(text): number for number, text in known} if args.single_object else None,
        bare=args.bare,
        own=frozenset(number for number, _ in known),
    )


# OF_RECORDS are counts that are the same for windows of all sizes, or say how
# many records there are in windows.
OF_RECORDS = ("source records", "bad records", "late records", "tombstones", "ahead of time", "in windows")

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def milliseconds(text):
    match = re.fullmatch("([0-9]+)(ms|s|m|h)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is no time such as 10s")
    return int(match[1]) * UNITS[match[2]]


def window_list(text):
    """1s,1m/10s: windows of 1 s, and such of 1 min of which one begins every 10 s."""
    sizes = [one.partition("/") for one in text.split(",")]
    return [(size, milliseconds(size), milliseconds(advance or size)) for size, _, advance in sizes]


def names(text):
    return frozenset(text.split(",")) - {""}


def summary(report):
    counted = ("source records", "bad records", "windows", "empty windows", "aggregated records", "values") + Report.FAULTS
    return ", ".join(f"{report.counts[name]} {name}" for name in counted)


def arguments():
    p = argparse.ArgumentParser(prog="oracle", description=__doc__.split("\n")[0])
    p.add_argument("--brokers", required=True)
    p.add_argument("--registry", required=True, help="URL of the registry of the source topics")
    p.add_argument("--aggregated-registry", help="URL, if it is another one")
    p.add_argument("--topics", default="^example-[0-9]{3}$", help="regular expression of source topics")
    p.add_argument("--aggregated", default="{source_topic}-aggregated", help="name of an aggregated topic")
    p.add_argument("--window-ms", type=int, default=1000)
    p.add_argument("--windows", type=window_list, metavar="1s,1m/10s",
                   help="sizes of windows, in place of --window-ms, with their advance if they overlap; {size} in --aggregated is one of them")
    p.add_argument("--slice-ms", type=int, help="what divides the sizes and advances of all windows of the topics, if there are more than are checked")
    p.add_argument("--operations", default=",".join(Settings.operations))
    p.add_argument("--min-sample-size", type=int, default=2)
    p.add_argument("--exclude", default=",".join(HEAD), help="source fields that are not aggregated")
    p.add_argument("--latest-ms", type=int, help="source records stamped later are expected in no window")
    p.add_argument("--grace-ms", type=int,
                   help="source records that are late by this grace are expected in no window; no partition may have been idle")
    p.add_argument("--skew-ms", type=int, default=300_000, help="clocks that differ by more are not waited for (max_future_skew)")
    p.add_argument("--event-time", metavar="a,b.c", help="fields that have the time of a record, in order of preference; else Kafka's timestamp is it")
    p.add_argument("--unit", choices=TIME_UNITS, default="s", help="of numbers in them without a logical type")
    p.add_argument("--scale", choices=["utc", "tai"], default="utc", help="of these fields")
    p.add_argument("--fallback", choices=["kafka", "bad"], default="kafka", help="what a record is that has a time in none of them")
    p.add_argument("--late", help="topic that must have each late record once")
    p.add_argument("--dead-letters", help="topic that must have each bad record once")
    p.add_argument("--other-letters", help="regular expression of source topics whose records in these two topics are passed over")
    p.add_argument("--repeats", action="store_true",
                   help="what was written may come again, aggregated records with the same key and bytes")
    p.add_argument("--empty", action="store_true",
                   help="windows without records have an aggregated record, too, where emit_empty says so")
    p.add_argument("--kinds", default="", help="which values count beside numbers: booleans, enums, maps (fields.booleans, .enums, .maps for all)")
    p.add_argument("--unsigned", default="", help="paths of longs that hold unsigned integers")
    p.add_argument("--by-element", default="", help="paths in arrays of records that are not pooled")
    p.add_argument("--expect-windows", type=int, help="windows that the source must have, all topics together")
    p.add_argument("--subject", action="append", default=[], help="subject with the schemas of the source topics, for the next three; may be repeated")
    p.add_argument("--single-object", action="store_true", help="source records may be in Avro's single-object encoding")
    p.add_argument("--glue", action="append", default=[], metavar="UUID=ID", help="source records may have AWS Glue's header; may be repeated")
    p.add_argument("--bare", type=int, metavar="ID", help="source records may be bare, with the schema that has this id")
    p.add_argument("--jobs", type=int, default=2, help="processes")
    return p.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as e:
        print(f"oracle: {type(e).__name__}: {e}", file=sys.stderr)
        if not isinstance(e, (OSError, ValueError)):
            raise
        sys.exit(2)
