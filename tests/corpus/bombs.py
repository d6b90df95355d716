"""Archives that expand without end, and files of more bytes than may be sent."""

import struct

import zstandard

from corpus.entry import MASKS, REGRESSION, Entry, refused
from corpus.making import (
    GIB,
    GOOD,
    MIB,
    gz,
    gz_bomb,
    repeated_stream,
    zipped,
)

GZ, ZIP = gz(GOOD), zipped({"a.csv": GOOD})
HEADER = GOOD[: GOOD.index(b"\n") + 1]


def zst_bomb(frames: int, block: bytes = bytes(MIB)) -> bytes:
    """Many frames of one block each."""
    codec = zstandard.ZstdCompressor(write_content_size=False)
    return codec.compress(HEADER) + codec.compress(block) * frames


def zip_bomb(mebibytes: int, declared: int | None = None) -> bytes:
    """A zip of zeros whose directory declares what is there, or another size."""
    body = repeated_stream(bytes(MIB), mebibytes)
    size = mebibytes * MIB if declared is None else declared
    head = struct.pack("<HHHHHLLLH", 20, 0, 8, 0, 33, 0, len(body), size, 5)
    local = b"PK\x03\x04" + head + b"\0\0a.csv" + body
    entry = b"PK\x01\x02\x14\0" + head + struct.pack("<HHHHLL", 0, 0, 0, 0, 0, 0) + b"a.csv"
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local), 0)
    return local + entry + end


def zst_of_one_frame(mebibytes: int) -> bytes:
    """A frame of run-length blocks, 128 KiB each."""
    header = b"\x28\xb5\x2f\xfd\x00\x38"  # a window of 128 KiB, no declared size, no sum
    block = struct.pack("<L", (128 * 1024) << 3 | 1 << 1)[:3] + b"x"
    last = struct.pack("<L", 1 << 3 | 1 << 1 | 1)[:3] + b"x"
    return header + block * (8 * mebibytes) + last


LINE = b"100,s\n" * (MIB // 6)


ENTRIES: tuple[Entry, ...] = (
    refused("gz of 8 GiB of zeros", lambda: gz_bomb(HEADER, bytes(MIB), 8192), "zip_bomb"),
    refused("gz of 1 GiB of rows", lambda: gz_bomb(HEADER, LINE, 1030), "zip_bomb"),
    refused(
        "gz of 800 MiB of rows", lambda: gz_bomb(HEADER, LINE, 800, honest=True), "wrong_row_count"
    ),
    refused(
        "gz of 8 GiB for a mask",
        lambda: gz_bomb(b"event,voxel,class\n", LINE, 8192),
        "zip_bomb",
        to=MASKS,
    ),
    refused(
        "gz of 8 GiB for a regression",
        lambda: gz_bomb(b"", bytes(MIB), 8192),
        "zip_bomb",
        to=REGRESSION,
    ),
    refused("gz of a header of 2 GiB", lambda: gz_bomb(b"", b"x" * MIB, 2048), "zip_bomb"),
    refused(
        "99,000 members of gz",
        lambda: gz(HEADER) + gz(b"100,s\n") * 99_000,
        "duplicate_id",
        "missing_id",
        warnings=("all_signal",),
    ),
    refused("200,000 empty members of gz", lambda: gz(HEADER) + gz(b"") * 200_000, "wrong_format"),
    refused("zst of 8 GiB of zeros", lambda: zst_bomb(8192), "zip_bomb"),
    refused("zst of 2 GiB of rows", lambda: zst_bomb(2048, LINE), "zip_bomb"),
    refused("zst of one frame of 8 GiB", lambda: zst_of_one_frame(8192), "zip_bomb"),
    refused(
        "99,000 frames of zst",
        lambda: zst_bomb(99_000, b"100,s\n"),
        "duplicate_id",
        "missing_id",
        warnings=("all_signal",),
    ),
    refused("500,000 empty frames of zst", lambda: zst_bomb(500_000, b""), "wrong_format"),
    refused("skippable frames of zst alone", b"\x50\x2a\x4d\x18\x04\0\0\0abcd" * 10, "unreadable"),
    refused("zip of 3 GiB of zeros", lambda: zip_bomb(3072), "zip_bomb"),
    refused("zip of 3 GiB that declares 10 bytes", lambda: zip_bomb(3072, 10), "unreadable"),
    refused("more bytes than may be sent", GOOD, "too_large", hole=256 * MIB),
    refused("a zip of more bytes than may be sent", ZIP, "too_large", hole=4 * GIB),
    refused("255 MiB of zeros behind a table", GOOD, "unreadable", hole=255 * MIB - len(GOOD)),
)
LAYER = "bombs"
