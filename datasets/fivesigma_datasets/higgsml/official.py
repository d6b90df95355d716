"""Importer of the published tables: 35 columns (CERN open data) or 33 (Kaggle's training.csv)."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.higgsml.features import FEATURES
from fivesigma_datasets.higgsml.folder import About
from fivesigma_datasets.higgsml.layout import KAGGLE, OFFICIAL, read_table
from fivesigma_datasets.higgsml.official_checks import check_labels, check_table
from fivesigma_datasets.higgsml.split import PROPORTIONS, renumber
from fivesigma_datasets.shuffling import assigned, auc

USAGE_OF_SET = {"t": "train", "b": "public", "v": "private"}
"""KaggleSet: training, public board, private board; ``u`` was never used."""

ID_AUC_LIMIT = 0.02
"""How far from one half the AUC of the id may be before ids are drawn anew."""

BEST_KNOWN = 3.85
"""The best public AMS of 2014, rounded up; the best private one was 3.806."""


@dataclass(frozen=True)
class Imported:
    """Checked events of all files, and the columns that the files had."""

    table: pl.DataFrame
    columns: tuple[str, ...]
    files: list[dict[str, str | int]]


def imported(
    files: Sequence[Path], seed: int, report: Callable[[str], None]
) -> tuple[pl.DataFrame, About]:
    """The divided table of published files, and what its folder says."""
    found = read(files, report)
    table, lines = divide(found, seed, report)
    n_public = int((table["usage"] == "public").sum())
    about = About(
        "Select signal events to maximise the AMS. The events of 2014.",
        lines,
        truth_public=True,
        plausible=plausibility_bound(n_public),
        manifest={"challenge": "higgsml", "origin": "official", "files": found.files},
    )
    return table.select("EventId", *FEATURES, "Weight", "Label", "usage"), about


def read(files: Sequence[Path], report: Callable[[str], None]) -> Imported:
    """Read and check files of one layout. Raises ``DataError`` with what to do."""
    if not files:
        raise DataError("Name at least one file to import.")
    tables: list[pl.DataFrame] = []
    records: list[dict[str, str | int]] = []
    layout: tuple[str, ...] | None = None
    for path in files:
        columns, table = read_table(path)
        if layout not in (None, columns):
            raise DataError(
                f"{path.name} has {len(columns)} columns, the file before it "
                f"{len(layout or ())}: import files of one layout together."
            )
        layout = columns
        check_table(path.name, table)
        tables.append(table)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        records.append({"name": path.name, "rows": len(table), "sha256": digest})
        report(f"{path.name}: {len(table):,} events, {len(columns)} columns")
    _refuse_duplicates(files, tables)
    together = pl.concat(tables)
    check_labels(together)
    return Imported(together, layout or KAGGLE, records)


def _refuse_duplicates(files: Sequence[Path], tables: list[pl.DataFrame]) -> None:
    ids = pl.concat(
        [
            table.select("EventId", file=pl.lit(path.name), line=pl.int_range(2, pl.len() + 2))
            for path, table in zip(files, tables, strict=True)
        ]
    )
    if ids["EventId"].n_unique() == len(ids):
        return
    twice = ids.filter(pl.col("EventId").is_duplicated())
    first = twice["EventId"][0]
    where = twice.filter(pl.col("EventId") == first).head(2)
    places = " and ".join(
        f"{name} line {line}" for name, line in where.select("file", "line").rows()
    )
    raise DataError(
        f"{twice['EventId'].n_unique():,} EventIds occur more than once; {first} is in {places}: "
        "name every file once, or remove the repeated rows."
    )


def divide(
    imported: Imported, seed: int, report: Callable[[str], None]
) -> tuple[pl.DataFrame, list[str]]:
    """The table with ``usage`` and one ``Weight``, and lines that describe the choices."""
    table, weight_line = _choose_weight(imported)
    lines = [f"{record['rows']:,} events of {record['name']}" for record in imported.files]
    lines.append(weight_line)
    if imported.columns == OFFICIAL and set(USAGE_OF_SET) <= set(table["KaggleSet"].unique()):
        table, line = _official_split(table)
    else:
        table = table.with_columns(assigned(table["Label"], PROPORTIONS, seed))
        parts = " : ".join(str(part) for part in PROPORTIONS.values())
        line = f"split drawn with a seed, stratified by label, {parts}"
    refuse_empty(table)
    table, id_lines = hide_labels(table, seed)
    counts = dict(table.group_by("usage").len().rows())
    sizes = ", ".join(f"{counts[name]:,} {name}" for name in PROPORTIONS)
    lines += [f"{line}: {sizes}", *id_lines]
    for text in lines[len(imported.files) :]:
        report(text)
    return table, lines


def plausibility_bound(n_public: int) -> float:
    """An AMS that no honest entry reaches: the best known plus five standard errors.

    The AMS of a fixed selection scatters by 0.09 on 100,000 events and as one over the root.
    """
    return BEST_KNOWN + 5 * 0.09 * math.sqrt(100_000 / max(n_public, 1))


def _choose_weight(imported: Imported) -> tuple[pl.DataFrame, str]:
    """KaggleWeight is normalised in each KaggleSet, Weight over all events."""
    table = imported.table
    if imported.columns == KAGGLE:
        return table, "weights: the column Weight (Kaggle's layout of 33 columns)"
    sets = set(table["KaggleSet"].unique()) - {"u"}
    if len(sets) == 1 or set(USAGE_OF_SET) <= sets:
        renamed = table.with_columns(Weight=pl.col("KaggleWeight"))
        return renamed, "weights: the column KaggleWeight (layout of 35 columns)"
    return table, (
        f"weights: the column Weight, because KaggleWeight has another scale in each of the sets "
        f"{', '.join(sorted(sets))}"
    )


def _official_split(table: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    usage = pl.col("KaggleSet").replace_strict(USAGE_OF_SET, default=None, return_dtype=pl.String)
    split = table.with_columns(usage=usage).filter(pl.col("usage").is_not_null())
    dropped = len(table) - len(split)
    return split, f"the official split of KaggleSet, {dropped:,} unused events left out"


def refuse_empty(table: pl.DataFrame) -> None:
    """Every split needs both classes, else no metric is defined on it."""
    for name in PROPORTIONS:
        part = table.filter(pl.col("usage") == name)
        for label in ("s", "b"):
            total = part.filter(pl.col("Label") == label)["Weight"].sum()
            if not total > 0:
                raise DataError(
                    f"The {name} split would have no {label!r} events with weight: "
                    "import more events, of both labels."
                )


def hide_labels(table: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, list[str]]:
    """Rows sorted by id; new ids where the published ones tell labels apart."""
    table = table.sort("EventId")
    test = table.filter(pl.col("usage") != "train")
    value = auc(test["EventId"].to_numpy(), (test["Label"] == "s").to_numpy())
    if abs(value - 0.5) <= max(ID_AUC_LIMIT, 4 * (12 * len(test)) ** -0.5):
        return table, []
    note = (
        f"the class mix differs between ranges of EventId (AUC of the id {value:.3f}): "
        "rows shuffled and ids drawn anew"
    )
    return renumber(table, seed), [note]
