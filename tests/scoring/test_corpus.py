"""Every file of the corpus gets its report, and the right one, within 5 s and 1 GiB.

`pytest -s` prints what the entries cost; `python -m corpus` too (with `tests` on the path).
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from corpus.checking import LIMITS, open_checker
from corpus.entry import Entry
from corpus.layers import ALL
from corpus.sending import Sending

CODES = {
    *("unreadable", "wrong_format", "too_large", "zip_bomb"),
    *("missing_column", "unexpected_column", "wrong_dtype", "wrong_shape", "wrong_row_count"),
    *("duplicate_id", "unknown_id", "missing_id"),
    *("bad_class_label", "not_finite", "out_of_range", "too_few_selected"),
}


@pytest.fixture(scope="module")
def sending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sending]:
    """One sandbox and one set of compiled solutions for all entries."""
    folder = tmp_path_factory.mktemp("corpus")
    with open_checker(folder) as checker:
        shared = Sending(checker, folder)
        yield shared
        print(f"\n{shared.table()}")


@pytest.mark.parametrize(
    ("layer", "entry"), [pytest.param(*one, id=f"{one[0]}-{one[1].name}") for one in ALL]
)
def test_each_file_gets_its_report(sending: Sending, layer: str, entry: Entry) -> None:
    assert sending.send(layer, entry) == []


def test_the_limits_are_those_of_the_promise() -> None:
    assert (LIMITS.cpu_seconds, LIMITS.memory_bytes) == (5, 2**30)


def test_the_corpus_is_large_and_repeats_nothing() -> None:
    names = Counter((layer, entry.name) for layer, entry in ALL)
    assert names.most_common(1)[0][1] == 1
    files = Counter(
        (entry.test_set, entry.make, entry.filename, entry.hole)
        for _, entry in ALL
        if isinstance(entry.make, bytes)
    )
    assert [file for file, count in files.items() if count > 1] == []
    assert sum(bool(entry.errors) for _, entry in ALL) >= 220
    assert sum(not entry.errors for _, entry in ALL) >= 50


def test_every_code_of_a_refusal_occurs() -> None:
    codes = {code for _, entry in ALL for code in entry.errors}
    assert codes == CODES
