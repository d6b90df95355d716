"""Archives around text: damaged, hostile, of the wrong thing; and files of other kinds."""

import pickle
import struct
import tarfile
import zipfile
import zlib
from io import BytesIO
from typing import Literal

import numpy as np
import zstandard

from corpus.entry import Entry, accepted, refused
from corpus.making import (
    GOOD,
    gz,
    npy,
    npz,
    parquet,
    zipped,
    zipped_twice,
)

GZ, ZST, ZIP = gz(GOOD), zstandard.compress(GOOD), zipped({"a.csv": GOOD})
DIRECTORY, END = ZIP.index(b"PK\x01\x02"), ZIP.index(b"PK\x05\x06")
HEADER = GOOD[: GOOD.index(b"\n") + 1]


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


def tar(mode: Literal["w", "w:gz"]) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        member = tarfile.TarInfo("prediction.csv")
        member.size = len(GOOD)
        archive.addfile(member, BytesIO(GOOD))
    return buffer.getvalue()


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
