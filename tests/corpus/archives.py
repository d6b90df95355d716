"""``.npz``: zips of arrays that lie, or hold other things than a mask."""

from __future__ import annotations

import pickle
import struct
import zipfile

import numpy as np

from corpus.entry import MASKS, VOXELS, Entry, accepted, refused
from corpus.making import (
    MIB,
    dense,
    mask_columns,
    npy,
    npy_with,
    npz,
    repeated_stream,
    zipped,
    zipped_twice,
)
from corpus.testsets import MASK_EVENTS, VOLUME, pixels

COLUMNS = mask_columns()
MEMBERS = {f"{name}.npy": npy(array) for name, array in COLUMNS.items()}
GOOD = zipped(MEMBERS)
DIRECTORY, END = GOOD.index(b"PK\x01\x02"), GOOD.rindex(b"PK\x05\x06")
IDS = np.array(MASK_EVENTS)
HUGE = npy_with("{'descr': '|u1', 'fortran_order': False, 'shape': (2147483648, 2147483648, 4), }")


def with_arrays(**changed: object) -> bytes:
    """The good columns, some of them others; None leaves one out."""
    arrays = {**COLUMNS, **changed}
    return npz(**{name: np.asarray(one) for name, one in arrays.items() if one is not None})


def with_member(name: str, data: bytes) -> bytes:
    return zipped({**MEMBERS, f"{name}.npy": data})


def patched(at: int, new: bytes) -> bytes:
    return GOOD[:at] + new + GOOD[at + len(new) :]


def in_directory(offset: int, new: bytes) -> bytes:
    return patched(DIRECTORY + offset, new)


def volume() -> bytes:
    event, voxel, class_ = map(np.array, zip(*pixels(VOLUME), strict=True))
    return npz(event=event, voxel=voxel, **{"class": class_})


def bomb(mebibytes: int, declared: int | None = None, shape: str | None = None) -> bytes:
    """A member ``pred`` that expands far; the directory tells its size, or another."""
    size = mebibytes * MIB
    head = npy_with(
        f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape or f'({size},)'}, }}"
    )
    body = repeated_stream(bytes(MIB), mebibytes)
    # The header goes first, as a stored block of deflate.
    stored = struct.pack("<BHH", 0, len(head), len(head) ^ 0xFFFF) + head + body
    told = len(head) + size if declared is None else declared
    fields = struct.pack("<HHHHHLLLH", 20, 0, 8, 0, 33, 0, len(stored), told & 0xFFFFFFFF, 8)
    local = b"PK\x03\x04" + fields + b"\0\0pred.npy" + stored
    entry = b"PK\x01\x02\x14\0" + fields + struct.pack("<HHHHLL", 0, 0, 0, 0, 0, 0) + b"pred.npy"
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local), 0)
    return local + entry + end


def encrypted() -> bytes:
    data = bytearray(GOOD)
    data[6] |= 1
    data[DIRECTORY + 8] |= 1
    return bytes(data)


DAMAGED = {
    "cut in its first header": GOOD[:39],
    "cut in a member": GOOD[:200],
    "cut before its directory": GOOD[:DIRECTORY],
    "cut in its directory": GOOD[: DIRECTORY + 60],
    "cut before its end": GOOD[:END],
    "cut in its end": GOOD[:-1],
    "a directory elsewhere": patched(END + 16, b"\xff\xff\xff\x7f"),
    "a member elsewhere": in_directory(42, b"\xff\xff\xff\x7f"),
    "a wrong sum": in_directory(16, b"\1\2\3\4"),
    "a size too small": in_directory(24, b"\x90\0\0\0"),
    "a size too large": in_directory(24, b"\0\x10\0\0"),
    "a member under another name": patched(30, b"E"),
    "a member that is empty": with_member("class", b""),
    "a member that is a pickle": with_member("class", pickle.dumps([1])),
    "a member that is an archive": with_member("class", GOOD),
    "a member that is text": with_member("class", b"1\n2\n"),
    "a member cut in its header": with_member("class", MEMBERS["class.npy"][:40]),
    "a member one byte short": with_member("class", MEMBERS["class.npy"][:-1]),
    "a member one byte too long": with_member("class", MEMBERS["class.npy"] + b"x"),
    "a password": encrypted(),
}
CONTENT: dict[str, tuple[bytes, str]] = {
    "no class": (with_arrays(**{"class": None}), "missing_column"),
    "names that numpy gives": (npz(arr_0=IDS, arr_1=IDS), "missing_column"),
    "an empty name": (zipped({".npy": npy(IDS)}), "missing_column"),
    "half the coordinates": (with_arrays(voxel=None, row=COLUMNS["voxel"]), "missing_column"),
    "a row short": (with_arrays(voxel=COLUMNS["voxel"][1:]), "wrong_shape"),
    "columns of two axes": (with_arrays(voxel=COLUMNS["voxel"][:, None]), "wrong_shape"),
    "a scalar": (with_arrays(**{"class": 1}), "wrong_shape"),
    "classes as floats": (with_arrays(**{"class": COLUMNS["class"] * 1.0}), "wrong_dtype"),
    "events as floats": (with_arrays(event=COLUMNS["event"] * 1.0), "wrong_dtype"),
    "voxels as floats": (with_arrays(voxel=COLUMNS["voxel"] * 0.5), "wrong_dtype"),
    "objects": (with_arrays(**{"class": COLUMNS["class"].astype(object)}), "wrong_dtype"),
    "text": (with_arrays(event=COLUMNS["event"].astype(str)), "wrong_dtype"),
    "big-endian": (with_arrays(event=COLUMNS["event"].astype(">i8")), "wrong_dtype"),
    "no rows": (with_arrays(**{name: one[:0] for name, one in COLUMNS.items()}), "wrong_row_count"),
    "a class of 9": (with_arrays(**{"class": COLUMNS["class"] + 7}), "bad_class_label"),
    "a class of 256": (with_arrays(**{"class": COLUMNS["class"] + 256}), "bad_class_label"),
    "a class of -255": (with_arrays(**{"class": COLUMNS["class"] - 256}), "bad_class_label"),
    "voxels beyond the event": (with_arrays(voxel=COLUMNS["voxel"] + 20), "out_of_range"),
    "voxels of 2^64 - 1": (
        with_arrays(voxel=np.full(COLUMNS["voxel"].size, 2**64 - 1, "u8")),
        "out_of_range",
    ),
    "one name twice": (zipped_twice("event.npy", npy(IDS)), "unexpected_column"),
    "in a folder": (
        zipped({f"out/{name}": data for name, data in MEMBERS.items()}),
        "wrong_format",
    ),
    "a path outside": (zipped({**MEMBERS, "../../x.npy": npy(IDS)}), "wrong_format"),
    "a path of Windows": (zipped({**MEMBERS, "..\\x.npy": npy(IDS)}), "wrong_format"),
    "LZMA": (zipped(MEMBERS, zipfile.ZIP_LZMA), "wrong_format"),
    "bzip2": (zipped(MEMBERS, zipfile.ZIP_BZIP2), "wrong_format"),
    "a dense mask of floats": (npz(pred=dense() / 2), "wrong_dtype"),
    "a dense mask of another shape": (npz(pred=dense()[:, :3]), "wrong_shape"),
    "a dense mask with a class too large": (npz(pred=dense() + np.uint8(2)), "bad_class_label"),
    "a dense mask with an unknown event": (npz(pred=dense(), events=IDS + 100), "unknown_id"),
    "a dense mask with an event twice": (
        npz(pred=dense(), events=IDS[[0, 0, 2, 3, 4, 5]]),
        "duplicate_id",
    ),
    "a dense mask with five ids": (npz(pred=dense(), events=IDS[:5]), "wrong_shape"),
    "a dense mask with ids as floats": (npz(pred=dense(), events=IDS * 1.0), "wrong_dtype"),
    "a dense mask with ids as text": (npz(pred=dense(), events=IDS.astype(str)), "wrong_dtype"),
    "2^31 by 2^31": (zipped({"pred.npy": HUGE}), "wrong_shape"),
}
ENTRIES: tuple[Entry, ...] = (
    *(
        refused(f"damaged: {name}", data, "unreadable", to=MASKS, filename="a.npz")
        for name, data in DAMAGED.items()
    ),
    *(
        refused(name, data, code, to=MASKS, filename="a.npz")
        for name, (data, code) in CONTENT.items()
    ),
    refused(
        "70,000 members",
        lambda: zipped({f"{at}.npy": b"" for at in range(70_000)}, zipfile.ZIP_STORED),
        "wrong_format",
        to=MASKS,
    ),
    refused(
        "1,000 members with one twice",
        lambda: zipped_twice_among(1_000),
        "unexpected_column",
        to=MASKS,
    ),
    refused("2 GiB of zeros", lambda: bomb(2048), "zip_bomb", to=MASKS),
    refused("900 MiB of zeros", lambda: bomb(900), "wrong_shape", to=MASKS),
    refused(
        "columns of a million zeros for 120 pixels",
        lambda: npz(**dict.fromkeys(COLUMNS, np.zeros(1_000_000, "u1"))),
        "wrong_row_count",
        to=MASKS,
    ),
    refused(
        "columns of 40 million zeros",
        lambda: npz(**dict.fromkeys(COLUMNS, np.zeros(40_000_000, "u1"))),
        "wrong_row_count",
        to=VOXELS,
    ),
    refused(
        "columns of 20 million zeros",
        lambda: npz(**dict.fromkeys(COLUMNS, np.zeros(20_000_000, "u1"))),
        "unknown_id",
        "missing_id",
        to=VOXELS,
    ),
    refused(
        "2 GiB of zeros under a smaller size",
        lambda: bomb(2048, 120 + 128, "(6, 4, 5)"),
        "unreadable",
        to=MASKS,
    ),
    refused(
        "a small array under a size of 3 GiB",
        in_directory(24, struct.pack("<L", 3 << 30)),
        "zip_bomb",
        to=MASKS,
    ),
    refused(
        "a table under the name of an array",
        zipped({"a.npy": b"event,voxel,class\n10,1,1\n"}),
        "missing_column",
        to=MASKS,
    ),
    refused(
        "dense where it must be sparse",
        npz(pred=np.zeros((6, *VOLUME), "u1")),
        "wrong_shape",
        to=VOXELS,
    ),
    accepted("a sparse mask", GOOD, to=MASKS, filename="a.npz"),
    accepted("a sparse mask, stored", zipped(MEMBERS, zipfile.ZIP_STORED), to=MASKS),
    accepted(
        "a sparse mask in the plane's coordinates",
        npz(
            event=COLUMNS["event"],
            row=COLUMNS["voxel"] // 5,
            col=COLUMNS["voxel"] % 5,
            **{"class": COLUMNS["class"]},
        ),
        to=MASKS,
    ),
    accepted(
        "names in capitals",
        npz(Event=COLUMNS["event"], Voxel=COLUMNS["voxel"], CLASS=COLUMNS["class"]),
        "column_renamed",
        to=MASKS,
    ),
    accepted("more arrays than needed", npz(**COLUMNS, extra=IDS), "unexpected_column", to=MASKS),
    accepted(
        "objects beside", npz(**COLUMNS, extra=IDS.astype(object)), "unexpected_column", to=MASKS
    ),
    accepted(
        "a text beside", zipped({**MEMBERS, "README.txt": b"hello"}), "unexpected_column", to=MASKS
    ),
    accepted(
        "types of all widths",
        npz(
            event=COLUMNS["event"].astype("u1"),
            voxel=COLUMNS["voxel"].astype("i2"),
            **{"class": COLUMNS["class"].astype("u8")},
        ),
        to=MASKS,
    ),
    accepted("a dense mask", npz(pred=dense()), to=MASKS),
    accepted("a dense mask with ids", npz(pred=dense()[::-1], events=IDS[::-1]), to=MASKS),
    accepted("a volume", volume(), to=VOXELS),
)
LAYER = "npz"


def zipped_twice_among(count: int) -> bytes:
    """An archive of many members, one of them twice."""
    data = zipped({f"{at:04}.npy": b"" for at in range(count)}, zipfile.ZIP_STORED)
    return data.replace(b"0999.npy", b"0000.npy")
