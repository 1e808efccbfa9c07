"""The oracle's reading of framings."""

import json
import struct
import unittest
import uuid
import zlib

from framings import HEADER, Framings, fingerprint
from records import Bad, BadBody, Record, Schemas

SCHEMA = json.dumps({"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"}, {"name": "x", "type": "double"}]})
VERSION = uuid.UUID("89791762-2336-4186-9674-299b90a802e2")
GUID = "00112233-4455-6677-8899-aabbccddeeff"
DATA = b"\x02" + struct.pack("<d", 1.5)
ZEROS = b"\x00" + struct.pack("<d", 0.0)


def record(value, *headers):
    return Record(0, 0, 0, None, value, headers)


class FramingsAreRead(unittest.TestCase):
    def setUp(self):
        known = {7: SCHEMA, GUID: SCHEMA, 8: '"double"'}
        self.plain = Schemas(known.get)
        self.all = Schemas(known.get, Framings(glue={VERSION: 7}, fingerprints={fingerprint(SCHEMA): 7}, bare=7, own=frozenset({7})))

    def test_right(self):
        prefix = b"\x00\x00\x00\x00\x07"
        glue = b"\x03%c" + VERSION.bytes
        for value, headers, number in (
            (prefix + DATA, (), 7),
            (prefix + DATA, ((HEADER, None),), 7),
            (DATA, ((HEADER, prefix),), 7),
            (DATA, ((HEADER, b"?"), (HEADER, b"\x01" + uuid.UUID(GUID).bytes)), GUID),
            (glue % 0 + DATA, (), 7),
            (glue % 5 + zlib.compress(DATA), (), 7),
            (b"\xc3\x01" + fingerprint(SCHEMA) + DATA, (), 7),
            (DATA, (), 7),
        ):
            found, row = self.all.read(record(value, *headers))
            self.assertEqual((found, row), (number, {"n": 1, "x": 1.5}), value)
        self.assertEqual(self.all.read(record(ZEROS)), (7, {"n": 0, "x": 0.0}))  # begins like a prefix with id 0
        self.assertEqual(self.plain.read(record(prefix + DATA)), (7, {"n": 1, "x": 1.5}))
        self.assertEqual(self.plain.decode(prefix + DATA), (7, {"n": 1, "x": 1.5}))

    def test_bad(self):
        prefix = b"\x00\x00\x00\x00\x07"
        for schemas, value, headers, kind in (
            (self.all, prefix + DATA, ((HEADER, b""),), Bad),
            (self.all, prefix + DATA, ((HEADER, b"\x02\x00\x00\x00\x07"),), Bad),
            (self.all, prefix + DATA, ((HEADER, prefix + b"\x00"),), Bad),
            (self.all, DATA, ((HEADER, b"\x00\x00\x00\x00\x63"),), Bad),
            (self.all, DATA + b"!", ((HEADER, prefix),), BadBody),
            (self.all, b"\x03\x05" + VERSION.bytes + b"rubbish", (), Bad),
            (self.all, b"\x03\x05" + VERSION.bytes + zlib.compress(DATA) + b"!", (), Bad),
            (self.all, b"\x00\x00\x00\x00\x63" + DATA, (), Bad),
            (self.all, DATA + b"!", (), BadBody),
            (self.plain, DATA, (), Bad),
            (self.plain, b"\x03\x00" + VERSION.bytes + DATA, (), Bad),
            (self.plain, b"", (), Bad),
        ):
            with self.assertRaises(Bad) as caught:
                schemas.read(record(value, *headers))
            self.assertIs(type(caught.exception), kind, value)

    def test_fingerprint(self):
        self.assertEqual(fingerprint('"int"').hex(), "8f5c393f1ad57572")  # of Avro's specification
        self.assertIsNone(fingerprint("{"))


if __name__ == "__main__":
    unittest.main()
