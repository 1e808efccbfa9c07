"""Records as they lie in Kafka, and how they are decoded."""

import copy
import io
import json
import struct
from typing import NamedTuple

import fastavro

from fields import Reader
from framings import Framings


class Record(NamedTuple):
    partition: int
    offset: int
    timestamp: int  # ms
    key: bytes | None
    value: bytes | None
    headers: tuple = ()


class Bad(Exception):
    """A record that is not Avro in a framing that is known."""


class BadBody(Bad):
    """One whose header is right. Its timestamp counts, as that of any other."""


class Schemas:
    """Schemas by id, or GUID; lookup returns the text of a schema, or None."""

    def __init__(self, lookup, framings=None):
        self._lookup = lookup
        self._known = {}
        self._framings = framings or Framings()
        self._readers = {}

    def reader(self, number, kinds):
        """The fields of a schema, and what reads their samples."""
        if number not in self._readers:
            self._readers[number] = Reader(copy.deepcopy(self.get(number)[0]), kinds)
        return self._readers[number]

    def get(self, number):
        """(the schema as JSON, the schema for fastavro), or None for one that is unknown."""
        if number not in self._known:
            text = self._lookup(number)
            self._known[number] = None if text is None else _load(text)
        return self._known[number]

    def decode(self, value):
        """(schema id, decoded record) of a value in Confluent's wire format; raises Bad."""
        if len(value) < 5 or value[0] != 0:
            raise Bad("no wire header")
        return self._read(struct.unpack(">I", value[1:5])[0], value[5:])

    def read(self, r):
        """(schema, decoded record) of a source record, however it is framed; raises Bad."""
        f = self._framings
        try:
            number, data, doubtful = f.split(r.value, r.headers)
        except ValueError as e:
            raise Bad(str(e)) from e
        if not doubtful:
            return self._read(number, data)
        # It is one of the topic's own schemas, or bare, or else what it begins like.
        for known, named, rest in ((number in f.own, number, data), (True, f.bare, r.value)):
            try:
                if known:
                    return self._read(named, rest)
            except Bad:
                pass
        return self._read(number, data)

    def _read(self, number, data):
        schema = self.get(number)
        if schema is None:
            raise Bad(f"schema {number} is unknown")
        body = io.BytesIO(data)
        try:
            # A value of a named type in a union comes with the name of the type.
            record = fastavro.schemaless_reader(body, schema[1], None, return_named_type=True)
        except Exception as e:  # fastavro raises many kinds
            raise BadBody(f"{type(e).__name__}: {e}") from e
        if body.tell() != len(data):
            raise BadBody(f"{len(data) - body.tell()} bytes left over")
        return number, record


def _load(text):
    document = json.loads(text)
    plain = copy.deepcopy(document)
    # Millisecond timestamps are compared as the numbers that they are.
    for f in plain.get("fields", ()) if isinstance(plain, dict) else ():
        if isinstance(f["type"], dict) and f["type"].get("logicalType") == "timestamp-millis":
            f["type"] = "long"
    return document, fastavro.parse_schema(plain)
