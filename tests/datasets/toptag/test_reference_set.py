"""Importing the reference set: every layout it comes in, and everything that can be wrong."""

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_datasets import DataError, prepare
from fivesigma_datasets.toptag import official, ragged, reference_layout
from fivesigma_datasets.toptag.reference_layout import COLUMNS, opened

pytestmark = pytest.mark.usefixtures("undrawn")
Table = pl.DataFrame
FLOATS, WHOLE = COLUMNS[:804], COLUMNS[804:]


def as_appendable(table: Table, path: Path, **options: Any) -> Path:
    """As pandas writes with format="table": records of blocks, names pickled by PyTables."""
    blocks = [name for name in table.columns if table[name].dtype.is_float()]
    whole = [name for name in table.columns if name not in blocks]
    kinds = [
        ("index", "<i8"),
        ("values_block_0", "<f4", (len(blocks),)),
        ("values_block_1", "<i8", (len(whole),)),
    ]
    rows = np.zeros(len(table), dtype=kinds)
    rows["index"] = np.arange(len(table))
    rows["values_block_0"] = table.select(blocks).to_numpy()
    rows["values_block_1"] = table.select(whole).to_numpy()
    with h5py.File(path, "w") as file:
        dataset = file.create_group("table").create_dataset("table", data=rows, **options)
        for number, names in enumerate((blocks, whole)):
            dataset.attrs[f"values_block_{number}_kind"] = np.bytes_(pickle.dumps(names, 0))
    return path


def as_fixed(table: Table, path: Path) -> Path:
    """As pandas writes with format="fixed": an array for each type of column."""
    with h5py.File(path, "w") as file:
        group = file.create_group("jets")
        group["axis0"] = np.array(table.columns, dtype="S")
        for number, names in enumerate((FLOATS, WHOLE)):
            group[f"block{number}_items"] = np.array(names, dtype="S")
            group[f"block{number}_values"] = table.select(names).to_numpy()
    return path


def as_parquet(table: Table, path: Path) -> Path:
    table.write_parquet(path)
    return path


LAYOUTS: dict[str, Callable[[Table, Path], Path]] = {
    "table.h5": as_appendable,
    "zlib.h5": lambda table, path: as_appendable(table, path, compression="gzip", shuffle=True),
    "fixed.h5": as_fixed,
    "copy.parquet": as_parquet,
    "indexed.parquet": lambda table, path: as_parquet(
        table.with_row_index("__index_level_0__"), path
    ),
    "shuffled.parquet": lambda table, path: as_parquet(table.select(sorted(COLUMNS)), path),
}


def imported(*files: Path, out: Path, seed: int = 5) -> list[str]:
    told: list[str] = []
    prepare("toptag", out, data=files, seed=seed, report=told.append)
    return told


def solution_of(folder: Path) -> Table:
    """Label and usage of every jet, train and test."""
    train = pl.read_parquet(folder / "train.parquet").with_columns(usage=pl.lit("train"))
    solution = pl.read_parquet(folder / "solution.parquet")
    return pl.concat([part.select("id", "label", "usage") for part in (train, solution)])


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_published_momenta(
    reference_table: Table, tmp_path: Path, name: str
) -> None:
    path = LAYOUTS[name](reference_table, tmp_path / name)
    with opened(path) as (rows, batches):
        (batch,) = batches
    assert rows == len(reference_table)
    momenta = reference_table.select(FLOATS[:800]).to_numpy()
    assert (batch.momenta.reshape(rows, -1) == momenta).all()
    assert (batch.truth == reference_table.select(FLOATS[800:]).to_numpy()).all()
    assert batch.label.tolist() == reference_table["is_signal_new"].to_list()


def test_jets_come_out_as_they_went_in(
    reference_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_layout, "BATCH", 70)
    monkeypatch.setattr(ragged, "BUCKET", 90)
    told = imported(as_appendable(reference_table, tmp_path / "a.h5"), out=tmp_path / "out")
    assert any("400 jets" in line for line in told)
    known = {
        row.tobytes(): label
        for row, label in zip(
            reference_table.select(FLOATS[:800]).to_numpy(),
            reference_table["is_signal_new"],
            strict=True,
        )
    }
    found = solution_of(tmp_path / "out")
    labels = dict(found.select("id", "label").rows())
    for name in ("train", "test"):
        table = pl.read_parquet(tmp_path / "out" / f"{name}.parquet")
        with h5py.File(tmp_path / "out" / f"{name}.h5") as file:
            assert file["id"][:].tolist() == table["id"].to_list()
            jets, images = file["constituents"][:], file["images"][:]
        total = jets.sum(axis=1, dtype=np.float64)
        assert np.allclose(np.hypot(total[:, 1], total[:, 2]), table["pt"], rtol=1e-5)
        assert images.shape[1:] == (1, 40, 40)
        assert np.corrcoef(images.sum(axis=(1, 2, 3), dtype=np.float64), table["pt"])[0, 1] > 0.8
        for jet, row in zip(jets, table["id"], strict=True):
            assert known.pop(jet.tobytes()) == (labels[row] == "s")
    assert not known
    assert read_definition(tmp_path / "out").truth_public


def test_files_called_test_hold_the_test_jets(reference_table: Table, tmp_path: Path) -> None:
    train = as_appendable(reference_table[:150], tmp_path / "train.h5")
    test = as_parquet(reference_table[150:], tmp_path / "test.parquet")
    told = imported(train, test, out=tmp_path / "out")
    counts = dict(solution_of(tmp_path / "out").group_by("usage").len().rows())
    assert counts["train"] == 150
    assert counts["private"] == pytest.approx(2 * counts["public"], abs=2)
    assert any("test jets are those of test.parquet" in line for line in told)


def test_the_split_is_decided_by_the_seed(reference_table: Table, tmp_path: Path) -> None:
    path = as_parquet(reference_table, tmp_path / "a.parquet")
    answers = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        imported(path, out=tmp_path / name, seed=seed)
        files = ("train.h5", "test.h5", "solution.parquet", "train.parquet")
        answers.append([(tmp_path / name / file).read_bytes() for file in files])
    assert answers[0] == answers[1]
    assert all(one != other for one, other in zip(answers[0], answers[2], strict=True))


def shift(table: Table, places: int) -> Table:
    """All momenta moved to the left by a number of columns."""
    names = list(FLOATS[:800])
    moved = dict(zip(names, [*names[places:], *names[:places]], strict=True))
    return table.with_columns(pl.col(source).alias(name) for name, source in moved.items())


def put(name: str, value: float, row: int = 7) -> Callable[[Table], Table]:
    where = pl.int_range(pl.len()) == row
    return lambda t: t.with_columns(pl.when(where).then(value).otherwise(pl.col(name)).alias(name))


BROKEN: dict[str, tuple[Callable[[Table], Table], str]] = {
    "shifted by a column": (lambda t: shift(t, 1), r"column E_\d+ has .*"),
    "shifted by a particle": (lambda t: shift(t, 4), r"column \w+_\d+ has .*columns shifted"),
    "not sorted": (
        lambda t: t.rename(
            {f"{c}_{i}": f"{c}_{4 - i}" for c in ("E", "PX", "PY", "PZ") for i in (0, 4)}
        ),
        r"row 0: the column PX_\d has .* falling transverse momentum",
    ),
    "flags exchanged": (
        lambda t: t.with_columns(ttv=t["is_signal_new"], is_signal_new=2 - t["is_signal_new"]),
        r"row \d+: the column is_signal_new has 2; expected: 0 or 1",
    ),
    "MeV": (
        lambda t: t.with_columns(pl.col(FLOATS) * 1000),
        r"PX_0 to PY_199 have a median transverse momentum of 5.*Are they in MeV",
    ),
    "TeV": (lambda t: t.with_columns(pl.col(FLOATS) / 1000), r"Are they in TeV"),
    "truth in MeV": (lambda t: t.with_columns(pl.col(FLOATS[800:]) * 1000), r"truthE to truthPZ"),
    "sentinel": (
        lambda t: t.with_columns(pl.col(FLOATS[:800]).replace(0.0, -999.0)),
        r"column E_\d+ has -999 .*another sentinel",
    ),
    "sentinel of momenta": (
        lambda t: t.with_columns(pl.col("PY_199").replace(0.0, -1.0)),
        r"row 0: the column PY_199 has -1 \(400 rows like this\); .*no other sentinel",
    ),
    "NaN as padding": (
        lambda t: t.with_columns(pl.col(FLOATS[:800]).replace(0.0, float("nan"))),
        r"column E_\d+ has nan .*finite",
    ),
    "missing value": (put("PZ_3", float("inf")), r"row 7: the column PZ_3 has inf \(1 rows"),
    "huge": (put("PX_0", 1e30), r"row 7: the column E_0 has .* at least the momentum"),
    "empty jet": (
        lambda t: t.with_columns(
            pl.when(pl.int_range(pl.len()) == 3)
            .then(0.0)
            .otherwise(pl.col(FLOATS[:800]))
            .name.keep()
        ),
        r"row 3: the column E_0 has 0 .*at least one constituent",
    ),
    "labels of another file": (
        lambda t: t.with_columns(t["is_signal_new"].reverse()),
        r"is_signal_new is . and truthE",
    ),
    "missing": (lambda t: t.drop("PX_10"), r"the column PX_10.* is missing"),
    "misspelt": (
        lambda t: t.rename({"is_signal_new": "is_signal"}),
        r"the column is_signal_new \(is it 'is_signal'\?\) is missing",
    ),
    "foreign": (lambda t: t.with_columns(fold=pl.lit(1)), r"the column 'fold' is not part"),
    "no jets": (lambda t: t.head(0), r"has columns and no jets"),
    "one class": (
        lambda t: t.filter(pl.col("is_signal_new") == 1),
        r"There are no QCD jets: import a file",
    ),
    "too few": (lambda t: t.head(4), r"jets would have no '[sb]'|There are no"),
    "text": (
        lambda t: t.with_columns(ttv=pl.lit("train")),
        r"the column ttv holds String, not numbers",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_tables_are_refused_with_the_column(
    reference_table: Table, tmp_path: Path, what: str
) -> None:
    breaks, message = BROKEN[what]
    path = as_parquet(breaks(reference_table), tmp_path / "broken.parquet")
    with pytest.raises(DataError, match=message):
        imported(path, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_compressions_that_hdf5_lacks_are_named(reference_table: Table, tmp_path: Path) -> None:
    path = as_appendable(reference_table, tmp_path / "blosc.h5", compression="gzip")
    content = path.read_bytes()
    # The filter's number (1: deflate) stands in the pipeline message before its name.
    at = content.index(b"deflate\0") - 8
    assert content[at : at + 2] == b"\x01\x00"
    path.write_bytes(content[:at] + (32001).to_bytes(2, "little") + content[at + 2 :])
    with pytest.raises(DataError, match=r"compressed with blosc.*hdf5plugin.*ptrepack"):
        imported(path, out=tmp_path / "out")


def test_names_are_read_without_carrying_out_what_a_pickle_says(
    reference_table: Table, tmp_path: Path
) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (sys.exit, ("carried out",))

    path = as_appendable(reference_table, tmp_path / "hostile.h5")
    with h5py.File(path, "a") as file:
        attributes = file["table/table"].attrs
        attributes["values_block_1_kind"] = np.bytes_(pickle.dumps([Hostile(), "ttv"], 0))
    with pytest.raises(DataError, match=r"names . columns of 2|is missing"):
        imported(path, out=tmp_path / "out")


def test_broken_files_are_refused_with_what_to_do(reference_table: Table, tmp_path: Path) -> None:
    table = as_appendable(reference_table, tmp_path / "whole.h5", compression="gzip").read_bytes()
    parquet = as_parquet(reference_table, tmp_path / "whole.parquet").read_bytes()
    cases = {
        "cut.h5": (table[: len(table) // 2], "fetch it again"),
        "cut.parquet": (parquet[: len(parquet) // 2], "fetch it again"),
        "empty.h5": (b"", "neither HDF5 nor Parquet"),
        "page.h5": (b"<!doctype html>", "neither HDF5 nor Parquet"),
        "damaged.h5": (table[:200_000] + bytes(60_000) + table[260_000:], "fetch it again"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message) as caught:
            imported(tmp_path / name, out=tmp_path / "out")
        assert name in str(caught.value)
    with pytest.raises(DataError, match="missing"):
        imported(tmp_path / "nowhere.h5", out=tmp_path / "out")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = np.zeros((3, 4))
    with pytest.raises(DataError, match=r"must hold one table that pandas wrote.*found: none"):
        imported(tmp_path / "other.h5", out=tmp_path / "out")


def test_the_same_file_twice_is_refused(reference_table: Table, tmp_path: Path) -> None:
    path = as_parquet(reference_table, tmp_path / "a.parquet")
    copy = as_parquet(reference_table, tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b.parquet has the same content as a.parquet"):
        imported(path, copy, out=tmp_path / "out")


def test_importing_reads_no_more_than_a_batch_at_a_time(
    reference_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_layout, "BATCH", 64)
    path = as_fixed(reference_table, tmp_path / "a.h5")
    sizes: list[int] = []
    checked = official.checks.check

    def spy(file: str, batch: Any) -> None:
        sizes.append(len(batch.label))
        checked(file, batch)

    monkeypatch.setattr(official.checks, "check", spy)
    imported(path, out=tmp_path / "out")
    assert sizes == [64] * 6 + [16]
