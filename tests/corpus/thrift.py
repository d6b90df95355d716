"""Parquet footers taken apart and put together again, so that they can lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, STRUCT = 1, 2, 3, 7, 8, 9, 12
INTEGERS = (4, 5, 6)

Field = list[Any]
"""Type and value, of a struct's field or a list's item; a struct is a dict from number to field."""
Struct = dict[int, Field]


class Reader:
    """Reads one struct of Thrift's compact protocol; trusts it."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.integer()
            fields[number] = [head & 15, self.value(head & 15)]
        return fields

    def value(self, kind: int) -> Any:
        if kind in (TRUE, FALSE):
            return kind
        if kind == BYTE:
            return self.byte()
        if kind in INTEGERS:
            return self.integer()
        if kind in (BINARY, DOUBLE):
            size = self.varint() if kind == BINARY else 8
            self.at += size
            return self.data[self.at - size : self.at]
        if kind == LIST:
            head = self.byte()
            size = head >> 4 if head >> 4 < 15 else self.varint()
            return [[head & 15, self.value(head & 15)] for _ in range(size)]
        assert kind == STRUCT, kind
        return self.struct()

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def integer(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def integer(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def write(fields: Struct) -> bytes:
    """A struct in the compact protocol, each field with its full number."""
    body = (bytes([kind]) + integer(at) + _value(kind, one) for at, (kind, one) in fields.items())
    return b"".join(body) + b"\0"


def _value(kind: int, value: Any) -> bytes:
    if kind in (TRUE, FALSE):
        return b""
    if kind == BYTE:
        return bytes([value])
    if kind in INTEGERS:
        return integer(value)
    if kind == BINARY:
        return varint(len(value)) + value
    if kind == LIST:
        inner = value[0][0] if value else STRUCT
        head = bytes([0xF0 | inner]) + varint(len(value))
        return head + b"".join(_value(inner, one) for _, one in value)
    return write(value) if kind == STRUCT else bytes(value)


def with_footer(data: bytes, change: Callable[[Struct], object]) -> bytes:
    """A Parquet file whose footer was changed in place."""
    length = int.from_bytes(data[-8:-4], "little")
    footer = Reader(data[-8 - length : -8]).struct()
    change(footer)
    new = write(footer)
    return data[: -8 - length] + new + len(new).to_bytes(4, "little") + data[-4:]


def columns(footer: Struct, group: int = 0) -> list[Struct]:
    """The metadata of the columns of a row group."""
    return [one[1][3][1] for one in footer[4][1][group][1][1][1]]


def with_page(data: bytes, column: int, change: Callable[[Struct], object]) -> bytes:
    """A Parquet file in which the first page header of a column was changed, padded to fit."""
    length = int.from_bytes(data[-8:-4], "little")
    footer = Reader(data[-8 - length : -8]).struct()
    meta = columns(footer)[column]
    at = min(meta[key][1] for key in (9, 11) if key in meta)
    reader = Reader(data[at:])
    header = reader.struct()
    change(header)
    new = write(header)
    # The new header goes behind all pages, with the old body after it, and the column moves there.
    end = at + meta[7][1]
    body = data[at + reader.at : end]
    place = len(data) - 8 - length
    for key in (9, 11):
        if key in meta:
            shift = 0 if meta[key][1] == at else len(new) - reader.at
            meta[key][1] += place - at + shift
    meta[7][1] = len(new) + len(body)
    meta[6][1] += len(new) - reader.at
    packed = write(footer)
    return data[:place] + new + body + packed + len(packed).to_bytes(4, "little") + data[-4:]
