"""How a record names its schema, and where its data begin.

The rules are those of docs/sources.md, written anew. A schema goes by its id, or by
its GUID as a text.
"""

import json
import struct
import uuid
import zlib
from dataclasses import dataclass, field

import fastavro.schema

HEADER = "__value_schema_id"
LARGEST = 4 << 20  # of data that are decompressed


@dataclass
class Framings:
    """What there may be beside the header and the prefix."""

    glue: dict = field(default_factory=dict)  # UUID -> id
    fingerprints: dict = None  # 8 bytes -> id; None: no single objects
    bare: int | None = None
    own: frozenset = frozenset()  # ids of the topic's subjects, where records may be bare

    def split(self, value, headers):
        """(schema, data, whether the value may be bare as well); ValueError if it has no framing."""
        named = [v for k, v in headers if k == HEADER]
        if named and named[-1] is not None:
            return self._header(named[-1]), value, False
        if len(value) >= 5 and value[0] == 0 and value[1] < 0x80:
            return struct.unpack(">I", value[1:5])[0], value[5:], self.bare is not None
        if len(value) >= 18 and value[0] == 3 and value[1] in (0, 5):
            version = uuid.UUID(bytes=bytes(value[2:18]))
            if version in self.glue:
                data = value[18:]
                return self.glue[version], inflate(data) if value[1] == 5 else data, False
        if self.fingerprints is not None and value[:2] == b"\xc3\x01" and len(value) >= 10:
            return self.fingerprints.get(bytes(value[2:10]), "unknown"), value[10:], self.bare is not None
        if self.bare is not None:
            return self.bare, value, False
        raise ValueError("no framing")

    @staticmethod
    def _header(h):
        if len(h) == 5 and h[0] == 0 and h[1] < 0x80:
            return struct.unpack(">I", h[1:])[0]
        if len(h) == 17 and h[0] == 1:
            return str(uuid.UUID(bytes=bytes(h[1:])))
        raise ValueError("a header that is none")


def inflate(data):
    z = zlib.decompressobj()
    try:
        out = z.decompress(data, LARGEST + 1)
    except zlib.error as e:
        raise ValueError(str(e)) from e
    if len(out) > LARGEST or not z.eof or z.unused_data:
        raise ValueError("compressed badly")
    return out


def fingerprint(text):
    """CRC-64-AVRO in the order of bytes that records have, None if there is none."""
    try:
        canonical = fastavro.schema.to_parsing_canonical_form(json.loads(text))
        return bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))
    except Exception:  # fastavro raises many kinds
        return None
