"""Chunks: in order, kept, used again, and never mixed."""

from itertools import count, islice
from pathlib import Path

import pytest
from chunk_makers import lethal, squares
from fivesigma_datasets import DataError
from fivesigma_datasets.chunks import Arrays, chunk_folder, forget, made_in_order

FINGERPRINT = {"seed": 1, "events": 30}


def forbidden(task: int) -> Arrays:
    raise AssertionError(f"chunk {task} is made again")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return chunk_folder(tmp_path / "out")


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_come_in_order_whatever_the_number_of_processes(kept: Path, processes: int) -> None:
    made = made_in_order(squares, range(5), kept=kept, fingerprint=FINGERPRINT, processes=processes)
    assert [(int(part["task"]), part["squares"].tolist()) for part in made] == [
        (task, [n * n for n in range(task)]) for task in range(5)
    ]


@pytest.mark.parametrize("processes", [1, 2])
def test_tasks_may_be_without_end(kept: Path, processes: int) -> None:
    made = made_in_order(squares, count(), kept=kept, fingerprint=FINGERPRINT, processes=processes)
    assert [int(part["task"]) for part in islice(made, 3)] == [0, 1, 2]


def test_a_killed_run_goes_on_where_it_was(kept: Path) -> None:
    made = made_in_order(lethal, range(4), kept=kept, fingerprint=FINGERPRINT, processes=2)
    with pytest.raises(DataError, match="fewer processes"):
        list(made)
    again = made_in_order(forbidden, range(1), kept=kept, fingerprint=FINGERPRINT, processes=1)
    assert [int(part["task"]) for part in again] == [0]
    rest = made_in_order(squares, range(4), kept=kept, fingerprint=FINGERPRINT, processes=2)
    assert [int(part["task"]) for part in rest] == [0, 1, 2, 3]


def test_chunks_of_something_else_are_not_used(kept: Path) -> None:
    other = {**FINGERPRINT, "seed": 2}
    list(made_in_order(squares, range(2), kept=kept, fingerprint=FINGERPRINT, processes=1))
    made = made_in_order(forbidden, range(2), kept=kept, fingerprint=other, processes=1)
    with pytest.raises(AssertionError, match="made again"):
        list(made)


def test_half_a_chunk_is_no_chunk(kept: Path) -> None:
    list(made_in_order(squares, range(1), kept=kept, fingerprint=FINGERPRINT, processes=1))
    whole = kept / "000000.npz"
    (kept / "000001.77.partial").write_bytes(whole.read_bytes()[:50])
    made = made_in_order(squares, range(2), kept=kept, fingerprint=FINGERPRINT, processes=1)
    assert [int(part["task"]) for part in made] == [0, 1]


def test_only_the_owner_reads_chunks_and_nothing_stays(kept: Path) -> None:
    list(made_in_order(squares, range(1), kept=kept, fingerprint=FINGERPRINT, processes=1))
    assert kept.stat().st_mode & 0o077 == 0
    forget(kept)
    forget(kept)
    assert not kept.exists()
