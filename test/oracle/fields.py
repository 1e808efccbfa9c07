"""Which fields of a source schema are aggregated, and their samples.

Written from the documentation (docs/sources.md), not from the aggregator's code.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

NUMBERS = {"int", "long", "float", "double"}
TIMES = {
    "date", "time-millis", "time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos",
    "local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos", "duration", "uuid",
}
UNSIGNED = {"uint64", "ulong", "unsigned-long"}
CONNECT_TIMES = {f"org.apache.kafka.connect.data.{n}" for n in ("Date", "Time", "Timestamp")}
DURATIONS = ("io.debezium.time.MicroDuration", "io.debezium.time.NanoDuration")
VARIABLE = "io.debezium.data.VariableScaleDecimal"


@dataclass(frozen=True)
class Kinds:
    """What the settings under fields say: which values count that else do not."""
    booleans: bool = False
    enums: bool = False
    maps: bool = False                     # all are pooled
    unsigned: frozenset = frozenset()      # paths of longs that hold unsigned integers
    by_element: frozenset = frozenset()    # paths in arrays of records that are not pooled


@dataclass(frozen=True)
class Field:
    name: str      # a_b
    path: str      # a.b, a[].b
    array: bool    # its values are lists
    integer: bool  # all its types are int or long
    pool: bool = False


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
            schema["__name"] = f"{space}.{schema['name']}" if space else schema["name"]
            named[schema["name"]] = named[schema["__name"]] = schema
        for f in schema.get("fields", ()):
            collect_names(f["type"], named, space)
        for inner in ("items", "values", "type"):
            if isinstance(schema.get(inner), (dict, list)):
                collect_names(schema[inner], named, space)


def variable(schema):
    """Debezium's decimal with a scale of its own."""
    return schema["type"] == "record" and schema.get("connect.name") == VARIABLE


def time(schema):
    """A point in time: as a logical type, or as one of Kafka Connect or Debezium."""
    connect = schema.get("connect.name", "")
    return schema.get("logicalType") in TIMES or connect in CONNECT_TIMES or (
        connect.startswith("io.debezium.time.") and connect not in DURATIONS)


def number(schema, kinds=Kinds()):
    """None for a type without numbers, else whether it is an integer type."""
    kind, logical = schema["type"], schema.get("logicalType")
    if variable(schema) or logical == "decimal" and kind in ("bytes", "fixed"):
        return False
    if kind in NUMBERS and not time(schema):
        return kind in ("int", "long")
    if kind == "boolean" and kinds.booleans:
        return True
    return None


def structured(schema):
    return schema["type"] in ("record", "array", "map") and not variable(schema)


class Reader:
    """Finds the fields of a record schema, in its order, and the samples of records."""

    def __init__(self, schema, kinds=Kinds()):
        self.kinds, self.named, self.schema = kinds, {}, schema
        collect_names(schema, self.named)
        self.fields = [f for f, _ in self._of_record(schema, "", 0, (schema,))]

    def read(self, record):
        """The samples by path: a number or None, or a list of such; what is not there is null."""
        scalars, lists = {}, {}
        self._read_record(self.schema, record, "", scalars, lists, (self.schema,))
        return scalars | lists

    def _types(self, schema):
        return branches(schema, self.named)

    # What is taken of a value --------------------------------------------------

    def _samples(self, types):
        """The types of a value that are samples."""
        numbers = [t for t in types if number(t, self.kinds) is not None]
        if self.kinds.enums and not numbers:
            return [t for t in types if t["type"] == "enum"]
        return numbers

    def _container(self, types):
        """The array or map that is taken, or None."""
        numbers = self._samples(types)
        for t in types:
            if t["type"] == "map" and self.kinds.maps:
                return t
            if t["type"] == "array":
                items = self._types(t["items"])
                if not numbers or any(map(structured, items)) and not self._samples(items):
                    return t
        return None

    def _inside(self, types, record, path):
        """The path of the fields of a record: its name is in it if there are several."""
        several = sum(t["type"] == "record" and not variable(t) for t in types) > 1
        return f"{path}.{record['name']}" if several else path

    # Fields: each with whether an element of the list that it is in has one value --

    def _of_record(self, record, path, lists, above):
        for f in record["fields"]:
            here = f"{path}.{f['name']}" if path else f["name"]
            yield from self._of_value(self._types(f["type"]), here, lists, above)

    def _of_value(self, types, path, lists, above):
        samples, container = self._samples(types), self._container(types)
        if samples:
            yield self._field(path, samples, lists, False), True
        for t in types:
            if any(t is s for s in samples):
                continue
            if t["type"] == "record" and not any(t is a for a in above):
                yield from self._of_record(t, self._inside(types, t, path), lists, above + (t,))
            elif t is container:
                items, mark = self._elements(t)
                if mark == "[]" and self._samples(items):
                    yield self._field(path, self._samples(items), lists + 1, True), False
                    continue
                more = 1 if mark == "[]" else 2  # nothing in a map has an element number
                for f, _ in self._of_value(items, path + mark, lists + more, above):
                    yield f, False

    def _elements(self, t):
        if t["type"] == "array":
            return self._types(t["items"]), "[]"
        return self._types(t["values"]), "{}"

    def _field(self, path, types, lists, plain):
        integer = all(t["type"] in ("int", "long", "boolean", "enum") for t in types)
        name = path.replace("[]", "").replace("{}", "").replace(".", "_")
        pool = lists > 1 or lists == 1 and not plain and path not in self.kinds.by_element
        return Field(name, path, lists > 0, integer, pool)

    # Samples ---------------------------------------------------------------------

    def _read_record(self, record, value, path, scalars, lists, above):
        for f in record["fields"]:
            here = f"{path}.{f['name']}" if path else f["name"]
            self._read(self._types(f["type"]), value[f["name"]], here, scalars, lists, above)

    def _read(self, types, value, path, scalars, lists, above):
        t, value = self._which(types, value)
        if t is None:
            return
        if any(t is s for s in self._samples(types)):
            scalars[path] = self._sample(t, value, path)
        elif t["type"] == "record" and not any(t is a for a in above):
            self._read_record(t, value, self._inside(types, t, path), scalars, lists, above + (t,))
        elif t is self._container(types):
            self._read_list(t, value, path, lists, above)

    def _read_list(self, t, value, path, lists, above):
        items, mark = self._elements(t)
        elements = value if mark == "[]" else value.values()
        if mark == "[]" and self._samples(items):
            for v in elements:
                kind, v = self._which(items, v)
                ok = any(kind is s for s in self._samples(items))
                lists.setdefault(path, []).append(self._sample(kind, v, path) if ok else None)
            lists.setdefault(path, [])
            return
        inside = list(self._of_value(items, path + mark, 1, above))
        for f, _ in inside:
            lists.setdefault(f.path, [])
        for v in elements:
            one = {}
            self._read(items, v, path + mark, one, lists, above)
            for f, direct in inside:
                if direct:
                    lists[f.path].append(one.get(f.path))

    def _which(self, types, value):
        """The type that a value has, and the value itself: one of a named type in a union has its name."""
        if isinstance(value, tuple):
            name, value = value
            return next(t for t in types if t.get("__name") == name), value
        for t in types:
            if self._fits(t, value):
                return t, value
        return None, value

    def _fits(self, t, value):
        kind = t["type"]
        if value is None or isinstance(value, bool):
            return kind == ("null" if value is None else "boolean")
        if isinstance(value, int):
            return kind in ("int", "long")
        if isinstance(value, Decimal):
            return t.get("logicalType") == "decimal"
        if isinstance(value, list):
            return kind == "array"
        if isinstance(value, dict):
            return kind in ("record", "map")
        wanted = {float: ("float", "double"), str: ("string", "enum"), bytes: ("bytes", "fixed")}
        return kind in wanted.get(type(value), ()) and t.get("logicalType") != "decimal"

    def _sample(self, t, value, path):
        if t["type"] == "enum":
            return t["symbols"].index(value)
        if variable(t):
            return float(Fraction(int.from_bytes(value["value"], "big", signed=True)) / Fraction(10) ** value["scale"])
        if isinstance(value, bool):
            return int(value)
        if t["type"] == "long" and value < 0 and (t.get("logicalType") in UNSIGNED or path in self.kinds.unsigned):
            return int(float(value + 2**64))  # as the nearest double
        return sample(value)


def sample(value):
    """A value as a sample, or None: null, NaN and what is no number are none."""
    if type(value) is Decimal:
        value = float(value)
    if type(value) is int or type(value) is float and value == value:
        return value
    return None
