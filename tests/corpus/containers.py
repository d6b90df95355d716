"""Archives around text: damaged, hostile, of the wrong thing; and files of other kinds."""

import pickle
import struct
import tarfile
import zipfile
import zlib
from io import BytesIO

import numpy as np
import zstandard

from corpus.entry import MASKS, REGRESSION, Entry, accepted, refused
from corpus.making import (
    GIB,
    GOOD,
    MIB,
    gz,
    gz_bomb,
    npy,
    npz,
    parquet,
    repeated_stream,
    zipped,
    zipped_twice,
)

GZ, ZST, ZIP = gz(GOOD), zstandard.compress(GOOD), zipped({"a.csv": GOOD})
DIRECTORY, END = ZIP.index(b"PK\x01\x02"), ZIP.index(b"PK\x05\x06")
HEADER = GOOD[: GOOD.index(b"\n") + 1]
LINE = b"100,s\n" * (MIB // 6)


def patched(data: bytes, at: int, new: bytes) -> bytes:
    """`data` with some bytes written over."""
    return data[:at] + new + data[at + len(new) :]


def encrypted() -> bytes:
    data = bytearray(ZIP)
    data[6] |= 1
    data[DIRECTORY + 8] |= 1
    return bytes(data)


def excel() -> bytes:
    """The skeleton of a workbook."""
    names = ("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml")
    return zipped(dict.fromkeys(names, b"<?xml version='1.0'?><x/>"))


def torch() -> bytes:
    """What torch.save writes, but for the tensors."""
    members = {"archive/data.pkl": pickle.dumps({"w": 1}), "archive/data/0": bytes(64)}
    return zipped(members, zipfile.ZIP_STORED)


def tar(mode: str) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("prediction.csv")
        member.size = len(GOOD)
        archive.addfile(member, BytesIO(GOOD))
    return buffer.getvalue()


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


def quine_like() -> bytes:
    """An archive in an archive in an archive …"""
    data = GOOD
    for _ in range(20):
        data = zipped({"a.zip": data})
    return data


def many_members(count: int) -> bytes:
    return zipped({f"{at}.csv": b"" for at in range(count)}, zipfile.ZIP_STORED)


def zip64(entries: int) -> bytes:
    """A zip whose 64-bit record lies about the directory."""
    record = struct.pack(
        "<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, 2**40, DIRECTORY
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, END, 1)
    end = patched(ZIP[END:], 8, b"\xff" * 12)
    return ZIP[:END] + record + locator + end


TRUNCATED: tuple[Entry, ...] = (
    *(
        refused(f"gz cut {where}", GZ[:length], "unreadable", filename="prediction.csv.gz")
        for where, length in {
            "in its magic": 3,
            "in its header": 8,
            "behind its header": 10,
            "in its stream": len(GZ) // 2,
            "before its sum": len(GZ) - 8,
            "in its sum": len(GZ) - 1,
        }.items()
    ),
    *(
        refused(f"zst cut {where}", ZST[:length], "unreadable", filename="prediction.csv.zst")
        for where, length in {
            "in its header": 5,
            "in its block": len(ZST) // 2,
            "before its end": len(ZST) - 1,
        }.items()
    ),
    *(
        refused(f"zip cut {where}", ZIP[:length], "unreadable", filename="prediction.zip")
        for where, length in {
            "in its first header": 20,
            "in its member": DIRECTORY // 2,
            "before its directory": DIRECTORY,
            "in its directory": DIRECTORY + 20,
            "before its end": END,
            "in its end": len(ZIP) - 1,
        }.items()
    ),
)
FOREIGN = {
    "an empty zip": zipped({}),
    "bzip2": b"BZh91AY&SY" + bytes(50),
    "xz": b"\xfd7zXZ\x00" + bytes(50),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(50),
    "RAR": b"Rar!\x1a\x07\x01\x00" + bytes(50),
    "ROOT": b"root\x00" + bytes(500),
    "Arrow": b"ARROW1\0\0" + bytes(50),
    "SQLite": b"SQLite format 3\x00" + bytes(500),
    "old Excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "JPEG": b"\xff\xd8\xff\xe0" + bytes(500),
    "PDF": b"%PDF-1.7\n" + bytes(50),
    "ELF": b"\x7fELF" + bytes(500),
    "a pickle of protocol 2": pickle.dumps({"EventId": [100]}, 2),
    "a pickle of protocol 5": pickle.dumps({"EventId": [100]}, 5),
    "a pickle of protocol 0 by its name": pickle.dumps({"EventId": [100]}, 0),
    "HDF5 for a selection": b"\x89HDF\r\n\x1a\n" + bytes(500),
    "an Excel workbook": excel(),
    "torch.save": torch(),
    "two files in a zip": zipped({"a.csv": GOOD, "b.csv": GOOD}),
    "a folder alone in a zip": zipped({"out/": b""}),
    "a Mac's shadow alone in a zip": zipped({"__MACOSX/._a.csv": b"x"}),
    "one name twice in a zip": zipped_twice("a.csv", GOOD),
    "a zip in a zip": zipped({"a.zip": ZIP}),
    "twenty zips in each other": quine_like(),
    "Parquet in a zip": zipped({"a.parquet": parquet()}),
    "Parquet in gz": gz(parquet()),
    "a zip in gz": gz(ZIP),
    "gz in gz": gz(GZ),
    "gz in zst": zstandard.compress(GZ),
    "npy in gz": gz(npy(np.ones(40, bool))),
    "npz for a selection": npz(a=np.ones(40, bool)),
    "a zip with LZMA": zipped({"a.csv": GOOD}, zipfile.ZIP_LZMA),
    "a zip with bzip2": zipped({"a.csv": GOOD}, zipfile.ZIP_BZIP2),
    "a zip with method 99": patched(patched(ZIP, 8, b"\x63"), DIRECTORY + 10, b"\x63"),
}
ENTRIES: tuple[Entry, ...] = (
    *TRUNCATED,
    *(
        refused(name, data, "wrong_format", filename="model.pkl" if "protocol 0" in name else name)
        for name, data in FOREIGN.items()
    ),
    refused("10,000 files in a zip", lambda: many_members(10_000), "wrong_format"),
    refused("gz of nothing", gz(b""), "unreadable"),
    refused("zst of nothing", zstandard.compress(b""), "unreadable"),
    refused("a zip of an empty file", zipped({"a.csv": b""}), "unreadable"),
    refused("a zip with a password", encrypted(), "unreadable"),
    refused("a zip with a wrong sum", patched(ZIP, DIRECTORY + 16, b"\1\2\3\4"), "unreadable"),
    refused(
        "a zip whose member lies elsewhere",
        patched(ZIP, DIRECTORY + 42, b"\xff\xff\xff\x7f"),
        "unreadable",
    ),
    refused(
        "a zip that declares too little", patched(ZIP, DIRECTORY + 24, b"\x10\0\0\0"), "unreadable"
    ),
    refused("a zip with a lying 64-bit record", zip64(2**63), "wrong_format"),
    refused("a zip with another name inside", patched(ZIP, 30, b"b"), "unreadable"),
    refused("gz with a wrong sum", patched(GZ, len(GZ) - 8, b"\1\2\3\4"), "unreadable"),
    refused("gz with a wrong length", patched(GZ, len(GZ) - 4, b"\1\2\3\4"), "unreadable"),
    refused("gz with another method", patched(GZ, 2, b"\x07"), "unreadable"),
    refused("gz with garbage behind it", GZ + b"garbage", "unreadable"),
    refused("gz with a flipped bit", patched(GZ, 40, bytes([GZ[40] ^ 4])), "unreadable"),
    refused("gz of zlib", zlib.compress(GOOD), "unreadable"),
    refused("zst with garbage behind it", ZST + b"garbage", "unreadable"),
    refused("zst with a wrong magic", patched(ZST, 0, b"\x29"), "unreadable"),
    refused("zst with a window of 2 GiB", b"\x28\xb5\x2f\xfd\x00\xa8" + bytes(50), "unreadable"),
    refused(
        "zst that declares 2^60 bytes",
        b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**60) + bytes(9),
        "unreadable",
    ),
    refused(
        "zst with a dictionary",
        b"\x28\xb5\x2f\xfd\x23\x01\x02\x03\x04\x10" + bytes(20),
        "unreadable",
    ),
    refused("UTF-16 in gz", gz(GOOD.decode().encode("utf-16")), "unreadable"),
    refused("a pickle in gz", gz(pickle.dumps([1])), "wrong_format"),
    refused("tar", tar("w"), "unreadable"),
    refused("tar in gz", tar("w:gz"), "unreadable", filename="prediction.tar.gz"),
    # bombs
    refused("gz of 8 GiB of zeros", lambda: gz_bomb(HEADER, bytes(MIB), 8192), "zip_bomb"),
    refused("gz of 1 GiB of rows", lambda: gz_bomb(HEADER, LINE, 1030), "zip_bomb"),
    refused(
        "gz of 900 MiB of rows", lambda: gz_bomb(HEADER, LINE, 900, honest=True), "wrong_row_count"
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
    # as sent
    refused("more bytes than may be sent", GOOD, "too_large", hole=256 * MIB),
    refused("a zip of more bytes than may be sent", ZIP, "too_large", hole=4 * GIB),
    refused("255 MiB of zeros behind a table", GOOD, "unreadable", hole=255 * MIB - len(GOOD)),
    # read kindly
    accepted("gz", GZ, filename="prediction.csv.gz"),
    accepted("gz in two members", gz(GOOD[:50]) + gz(GOOD[50:])),
    accepted("gz before zeros", GZ + bytes(100)),
    accepted("zst", ZST),
    accepted("zst in two frames", zstandard.compress(GOOD[:50]) + zstandard.compress(GOOD[50:])),
    accepted("zst with a sum", zstandard.ZstdCompressor(write_checksum=True).compress(GOOD)),
    accepted("zip", ZIP),
    accepted("zip, stored", zipped({"a.csv": GOOD}, zipfile.ZIP_STORED)),
    accepted(
        "a Mac's zip", zipped({"out/": b"", "out/a.csv": GOOD, "__MACOSX/out/._a.csv": b"\0"})
    ),
    accepted("a zip of a file named outside", zipped({"../../../tmp/a.csv": GOOD})),
    accepted("a zip behind a comment", ZIP[:-2] + b"\x05\0hello"),
)
LAYER = "containers"


def zst_of_one_frame(mebibytes: int) -> bytes:
    """A frame of run-length blocks, 128 KiB each."""
    header = b"\x28\xb5\x2f\xfd\x00\x38"  # a window of 128 KiB, no declared size, no sum
    block = struct.pack("<L", (128 * 1024) << 3 | 1 << 1)[:3] + b"x"
    last = struct.pack("<L", 1 << 3 | 1 << 1 | 1)[:3] + b"x"
    return header + block * (8 * mebibytes) + last
