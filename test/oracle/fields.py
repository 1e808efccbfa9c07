"""Which fields of a source schema are aggregated, and their samples.

Written from the documentation, not from the aggregator's code.
"""

from dataclasses import dataclass
from decimal import Decimal

NUMBERS = {"int", "long", "float", "double"}
TIMES = {
    "date", "time-millis", "time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos",
    "local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos", "duration", "uuid",
}


@dataclass(frozen=True)
class Field:
    name: str      # a_b
    path: tuple    # ("a", "b")
    array: bool
    integer: bool  # all its types are int or long


def branches(schema, named):
    """The types a value may have: names resolved, unions flattened."""
    if isinstance(schema, list):
        return [b for s in schema for b in branches(s, named)]
    if isinstance(schema, str):
        return branches(named[schema], named) if schema in named else [{"type": schema}]
    if isinstance(schema["type"], (list, dict)) or schema["type"] in named:
        return branches(schema["type"], named)
    return [schema]


def collect_names(schema, named, space=""):
    """Fills named with all named types of a schema, by short and full name."""
    if isinstance(schema, list):
        for s in schema:
            collect_names(s, named, space)
    elif isinstance(schema, dict):
        kind = schema["type"]
        if kind in ("record", "enum", "fixed", "error"):
            space = schema.get("namespace", space)
            named[schema["name"]] = schema
            if space:
                named[f"{space}.{schema['name']}"] = schema
        for f in schema.get("fields", ()):
            collect_names(f["type"], named, space)
        for inner in ("items", "values", "type"):
            if isinstance(schema.get(inner), (dict, list)):
                collect_names(schema[inner], named, space)


def number(schema):
    """None for a type without numbers, else whether it is an integer type."""
    kind, logical = schema["type"], schema.get("logicalType")
    if logical == "decimal" and kind in ("bytes", "fixed"):
        return False
    if kind in NUMBERS and logical not in TIMES:
        return kind in ("int", "long")
    return None


def fields_of(schema, excluded):
    """The aggregated fields of a record schema, in its order."""
    named = {}
    collect_names(schema, named)
    found = []
    _walk(schema, named, (), found)
    taken = [f for f in found if f.name not in excluded and ".".join(f.path) not in excluded]
    if len({f.name for f in found}) != len(found):
        raise ValueError("two fields have the same aggregated name: this check does not know the rule for them")
    return taken


def _walk(record, named, path, found):
    for f in record["fields"]:
        here = path + (f["name"],)
        types = branches(f["type"], named)
        kinds = [k for k in map(number, types) if k is not None]
        if kinds:
            found.append(Field("_".join(here), here, False, all(kinds)))
            continue
        for t in types:
            if t["type"] == "record":
                _walk(t, named, here, found)
                break
            if t["type"] == "array":
                kinds = [k for k in map(number, branches(t["items"], named)) if k is not None]
                if kinds:
                    found.append(Field("_".join(here), here, True, all(kinds)))
                    break


def value_at(record, path):
    """The value of a field in a decoded record; None if it is not there."""
    for name in path:
        if not isinstance(record, dict):
            return None
        record = record.get(name)
    return record


def sample(value):
    """A value as a sample, or None: null, NaN and what is no number are none."""
    if type(value) is Decimal:
        value = float(value)
    if type(value) is int or type(value) is float and value == value:
        return value
    return None
