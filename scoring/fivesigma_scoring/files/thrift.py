"""The little of Thrift's compact protocol that a Parquet footer needs.

Source: the compact protocol of Apache Thrift; written here because no reader at hand tells the
sizes that a Parquet file declares without allocating them.
"""

from typing import Any

DEPTH_LIMIT = 12
ITEM_LIMIT = 200_000
LAST_SHIFT = 63
"""Of the tenth byte: more are no 64-bit number."""
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
INTEGERS = (4, 5, 6)


class ThriftError(ValueError):
    """The bytes are no struct of the compact protocol, or one that is far too big."""


class CompactReader:
    """Reads one struct from bytes; fields come as a dict from their number to their value."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.items = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The struct at the present position; numbers are read in place, being nearly all of it."""
        if depth > DEPTH_LIMIT:
            raise ThriftError("too deep")
        data, at, number = self.data, self.at, 0
        fields: dict[int, Any] = {}
        try:
            for _ in range(ITEM_LIMIT - self.items):
                head = data[at]
                at += 1
                if not head:
                    self.at = at
                    self.items += len(fields)
                    return fields
                kind = head & 15
                if head > 15:
                    number += head >> 4
                else:
                    self.at = at
                    number, at = self._integer(), self.at
                if kind in INTEGERS:
                    byte = data[at]
                    at += 1
                    value, shift = byte & 127, 7
                    while byte > 127:
                        if shift > LAST_SHIFT:
                            raise ThriftError("number too long")
                        byte = data[at]
                        at += 1
                        value |= (byte & 127) << shift
                        shift += 7
                    fields[number] = (value >> 1) ^ -(value & 1)
                elif kind in (TRUE, FALSE):
                    fields[number] = kind == TRUE
                else:
                    self.at = at
                    fields[number], at = self._value(kind, depth), self.at
        except IndexError as error:
            raise ThriftError("ends too early") from error
        raise ThriftError("too many values")

    def _value(self, kind: int, depth: int) -> Any:
        self.items += 1
        if self.items > ITEM_LIMIT:
            raise ThriftError("too many values")
        if kind in INTEGERS:
            value = self._varint()
            return (value >> 1) ^ -(value & 1)
        if kind in (TRUE, FALSE, BYTE):
            return self._byte()
        if kind in (BINARY, DOUBLE):
            return self._take(self._varint() if kind == BINARY else 8)
        if kind in (LIST, SET):
            return self._list(depth)
        if kind == STRUCT:
            return self.struct(depth + 1)
        raise ThriftError("unknown type")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        size = head >> 4 if head >> 4 != 15 else self._varint()
        if depth > DEPTH_LIMIT or size > ITEM_LIMIT:
            raise ThriftError("list too long")
        return [self._value(head & 15, depth + 1) for _ in range(size)]

    def _byte(self) -> int:
        at = self.at
        if at >= len(self.data):
            raise ThriftError("ends too early")
        self.at = at + 1
        return self.data[at]

    def _take(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        if len(piece) != size:
            raise ThriftError("ends too early")
        self.at += size
        return piece

    def _varint(self) -> int:
        """Read without a call for each byte: a footer has thousands of numbers."""
        data, at, value = self.data, self.at, 0
        try:
            for shift in range(0, LAST_SHIFT + 1, 7):
                byte = data[at]
                at += 1
                value |= (byte & 127) << shift
                if byte < 128:
                    self.at = at
                    return value
        except IndexError as error:
            raise ThriftError("ends too early") from error
        raise ThriftError("number too long")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
