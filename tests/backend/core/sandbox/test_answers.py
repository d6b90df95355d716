"""What comes back from jobs that behave."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fivesigma_backend.core.sandbox import Limits, Sandbox

MIB = 1 << 20
GIB = 1 << 30


def test_answer_round_trip(sandbox: Sandbox) -> None:
    arguments = {"text": "σ±½", "list": [1, 2.5, None, True], "nested": {"a": {}}}
    assert sandbox.run("echo", arguments, readable=[]) == arguments


def test_arguments_larger_than_any_socket_buffer(sandbox: Sandbox) -> None:
    arguments = {"text": "x" * (3 * MIB)}
    assert sandbox.run("echo", arguments, readable=[]) == arguments


def test_unknown_job_names_the_known(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match=r"no job 'ech'.*echo"):
        sandbox.run("ech", {}, readable=[])


def test_eight_threads_each_get_their_own_answer(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: sandbox.run("echo", {"i": i}, readable=[]), range(64)))
    assert [answer["i"] for answer in answers] == list(range(64))


def test_polars_and_numpy_read_half_a_million_rows(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "submission.csv"
    rows = 500_000
    file.write_text("EventId,Score\n" + "".join(f"{i},{i % 4}.5\n" for i in range(rows)))
    answer = sandbox.run(
        "read_csv",
        {"file": str(file)},
        readable=[file],
        limits=Limits(address_space_bytes=2 * GIB),
    )
    assert answer == {"rows": rows, "sum": rows * 2.0}


def test_the_libraries_of_the_readers_work_within_the_least_address_space(
    sandbox: Sandbox,
) -> None:
    rows = 1_000_000
    limits = Limits(address_space_bytes=2 * GIB)
    answer = sandbox.run("libraries", {"rows": rows}, readable=[], limits=limits)
    assert answer == {"hdf5": rows * (rows - 1) / 2, "parquet": rows * (rows - 1) / 2}


def test_only_the_known_idle_thread_exists_at_the_fork(sandbox: Sandbox) -> None:
    # A pool that has worked must not be forked; polars' spill cleaner only waits. Should a new
    # polars start another thread, look at what it does before adding it here.
    assert sandbox.layers()["threads at fork"] in {"none", "polars-ooc-clea"}
