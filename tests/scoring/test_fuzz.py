"""Good files of every format, damaged at random: an answer always comes, and says something.

Every example is read in a child of the sandbox, so that a crash of a reader written in C is a
failure like any other; its bytes stay in pytest's temporary folder. `FUZZ_EXAMPLES=20000 pytest
tests/scoring/test_fuzz.py` looks further, and elsewhere each time.
"""

import os
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from corpus import making
from corpus.checking import Checker, general_objections, open_checker
from corpus.entry import MASKS, NAMED, RANKED, REGRESSION, SELECTION, VOXELS
from corpus.testsets import TARGETS, TEST_SETS
from corpus.thrift import INTEGERS, LIST, STRUCT, Reader, write
from fivesigma_backend.core.sandbox import SandboxError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

BY_HAND = os.environ.get("FUZZ_EXAMPLES")
SECONDS = 200.0
"""A crowded machine stops here, all formats together; a quiet one is done in a quarter of it."""

examples = settings(
    max_examples=int(BY_HAND or 40),
    derandomize=BY_HAND is None,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
SAMPLES = {name: tiny.sample for name, tiny in TEST_SETS.items()}
Seeds = dict[str, tuple[str, Callable[[], bytes]]]
Data = st.DataObject

TEXT: Seeds = {
    **{name: (name, lambda name=name: SAMPLES[name]) for name in SAMPLES},
    "quoted": (SELECTION, lambda: SAMPLES[SELECTION].replace(b",", b'","').replace(b"\n", b'"\n"')),
    "decimal commas": (REGRESSION, lambda: SAMPLES[REGRESSION].replace(b",", b";")),
}
BINARY: Seeds = {
    "gz": (SELECTION, lambda: making.gz(SAMPLES[SELECTION])),
    "zst": (RANKED, lambda: zstandard.compress(SAMPLES[RANKED])),
    "zip": (REGRESSION, lambda: making.zipped({"a.csv": SAMPLES[REGRESSION]})),
    "parquet": (SELECTION, lambda: making.parquet(compression="uncompressed")),
    "parquet in zst": (MASKS, lambda: making.parquet(making.frame(MASKS), compression="zstd")),
    "npy": (RANKED, lambda: making.npy(np.linspace(0, 1, 40))),
    "npy of targets": (REGRESSION, lambda: making.npy(np.array(TARGETS))),
    "npz": (MASKS, lambda: making.npz(**making.mask_columns())),
    "npz of a plane": (MASKS, lambda: making.npz(pred=making.dense())),
    "hdf5": (MASKS, lambda: making.pred()),
    "hdf5 in chunks": (
        MASKS,
        lambda: making.pred(chunks=(2, 4, 5), compression="gzip", shuffle=True, fletcher32=True),
    ),
    "hdf5 in lzf": (MASKS, lambda: making.pred(chunks=(2, 4, 5), compression="lzf")),
    "hdf5 in scale and offset": (MASKS, lambda: making.pred(chunks=(2, 4, 5), scaleoffset=0)),
}
TOKENS = (
    *(b",", b";", b"\t", b'"', b'""', b"\n", b"\r", b"\r\n", b"\0", b" ", b"\xef\xbb\xbf", b"\xff"),
    *(b"0", b"-", b"+", b".", b"1e400", b"-1e400", b"nan", b"inf", b"-0", b"0x10", b"1,5", b"1_0"),
    *(
        b"9223372036854775808",
        b"18446744073709551616",
        b"1e5",
        b"007",
        b"true",
        b"s",
        b"None",
        b"[]",
    ),
    *("٣".encode(), "\u00a0".encode(), "\u2028".encode(), "\U0001f600".encode(), b"\xe2\x82"),
    *(b"EventId", b"Class", b"Score", b"event", b"voxel", b"class", b"row", b"energy", b"pred"),
    *(b"PAR1", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x93NUMPY", b"\x1f\x8b", b"TREE"),
)
NUMBERS = (0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1)


class Clock:
    """How long the formats have taken together."""

    def __init__(self) -> None:
        self.end = time.monotonic() + SECONDS

    def late(self) -> bool:
        """Whether no more examples are sent."""
        return BY_HAND is None and time.monotonic() > self.end


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    with open_checker(tmp_path_factory.mktemp("fuzz")) as opened:
        yield opened


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


def place(data: Data, size: int) -> int:
    return data.draw(st.integers(0, size))


def span(data: Data, size: int) -> tuple[int, int]:
    start = place(data, size)
    return start, min(size, start + data.draw(st.integers(1, 60)))


def flip(data: Data, file: bytearray) -> None:
    if file:
        file[place(data, len(file) - 1)] ^= data.draw(st.integers(1, 255))


def cut(data: Data, file: bytearray) -> None:
    del file[place(data, len(file)) :]


def lose(data: Data, file: bytearray) -> None:
    start, end = span(data, len(file))
    del file[start:end]


def repeat(data: Data, file: bytearray) -> None:
    start, end = span(data, len(file))
    file[end:end] = file[start:end] * data.draw(st.sampled_from([1, 1, 2, 500]))


def swap(data: Data, file: bytearray) -> None:
    first, second = span(data, len(file)), span(data, len(file))
    (a, b), (c, d) = sorted((first, second))
    if b <= c:
        file[a:d] = file[c:d] + file[b:c] + file[a:b]


def splice(data: Data, file: bytearray) -> None:
    start, end = span(data, len(file))
    kept = data.draw(st.booleans())
    file[start : start if kept else end] = data.draw(st.sampled_from(TOKENS))


def number(data: Data, file: bytearray) -> None:
    layout = data.draw(st.sampled_from(["<H", "<I", "<Q", ">I", ">Q"]))
    value = data.draw(st.sampled_from(NUMBERS)) % 2 ** (8 * struct.calcsize(layout))
    at = place(data, len(file))
    file[at : at + struct.calcsize(layout)] = struct.pack(layout, value)


CHANGES = (flip, flip, cut, lose, repeat, swap, splice, splice, number)


def damaged(data: Data, good: bytes) -> bytes:
    """A file with a few changes."""
    file = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        data.draw(st.sampled_from(CHANGES))(data, file)
    return bytes(file)


def judge(checker: Checker, clock: Clock, folder: Path, test_set: str, content: bytes) -> None:
    """Send a file; where the answer is none or odd, its bytes stay where the message says."""
    if clock.late():
        return
    file = folder / "file"
    file.write_bytes(content)
    try:
        wrong = general_objections(checker.check(file, "prediction.csv", test_set))
    except SandboxError as error:
        wrong = [f"{error!r}: {error.detail[-2000:]}"]
    if wrong:
        kept = folder / "failing"
        kept.write_bytes(content)
        pytest.fail(f"{wrong}; the file, for the test set {test_set}: {kept}")


@pytest.mark.parametrize("name", [*TEXT, *BINARY])
def test_damaged_files(checker: Checker, clock: Clock, tmp_path: Path, name: str) -> None:
    test_set, make = (TEXT | BINARY)[name]
    good = make()

    @examples
    @given(st.data())
    def run(data: Data) -> None:
        judge(checker, clock, tmp_path, test_set, damaged(data, good))

    run()


def integers_of(kind: int, value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a number in a struct: what holds it, and its key there."""
    if kind == STRUCT:
        for field in value.values():
            yield from _integers(field)
    elif kind == LIST:
        for item in value:
            yield from _integers(item)


def _integers(field: list[Any]) -> Iterator[tuple[Any, Any]]:
    if field[0] in INTEGERS:
        yield field, 1
    else:
        yield from integers_of(*field)


@pytest.mark.parametrize("test_set", [SELECTION, REGRESSION, MASKS])
def test_parquet_with_other_numbers_in_its_footer(
    checker: Checker, clock: Clock, tmp_path: Path, test_set: str
) -> None:
    good = making.parquet(making.frame(test_set), compression="zstd", row_group_size=20)
    length = int.from_bytes(good[-8:-4], "little")

    @examples
    @given(st.data())
    def run(data: Data) -> None:
        footer = Reader(good[-8 - length : -8]).struct()
        places = list(integers_of(STRUCT, footer))
        for _ in range(data.draw(st.integers(1, 3))):
            holder, key = data.draw(st.sampled_from(range(len(places))).map(places.__getitem__))
            near = holder[key] + data.draw(st.integers(-3, 3))
            holder[key] = data.draw(st.sampled_from([near, near, -1, *NUMBERS]))
        packed = write(footer)
        tail = packed + len(packed).to_bytes(4, "little") + good[-4:]
        judge(checker, clock, tmp_path, test_set, good[: -8 - length] + tail)

    run()


@pytest.mark.parametrize("dense", [False, True])
def test_archives_whose_members_are_damaged(
    checker: Checker, clock: Clock, tmp_path: Path, *, dense: bool
) -> None:
    good = making.npz(pred=making.dense()) if dense else making.npz(**making.mask_columns())
    with zipfile.ZipFile(BytesIO(good)) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}

    @examples
    @given(st.data())
    def run(data: Data) -> None:
        name = data.draw(st.sampled_from(sorted(members)))
        changed = members | {name: damaged(data, members[name])}
        judge(checker, clock, tmp_path, MASKS, making.zipped(changed))

    run()


def test_text_of_tokens(checker: Checker, clock: Clock, tmp_path: Path) -> None:
    """Nothing of a good file but its header."""

    @examples
    @given(
        st.sampled_from([SELECTION, NAMED, REGRESSION, VOXELS]), st.lists(st.sampled_from(TOKENS))
    )
    def run(test_set: str, tokens: list[bytes]) -> None:
        header = SAMPLES[test_set].partition(b"\n")[0]
        judge(checker, clock, tmp_path, test_set, header + b"\n" + b"".join(tokens))

    run()
