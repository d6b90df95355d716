"""Importer of the FAIR Universe table of 2024 (HiggsML uncertainty challenge), in Parquet.

Its 28 features are a list of their own: no mass estimate (MMC), no total transverse energy, ``had``
for the tau candidate and ``PRI_n_jets`` without an upper end. Nothing is made up for what is not
there: the published files have these 28 columns, the submission format is the same.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.higgsml.features import UNDEFINED
from fivesigma_datasets.higgsml.folder import About
from fivesigma_datasets.higgsml.layout import difference
from fivesigma_datasets.higgsml.official import refuse_empty
from fivesigma_datasets.higgsml.official_checks import check_units, refuse
from fivesigma_datasets.higgsml.split import PROPORTIONS, renumber
from fivesigma_datasets.shuffling import assigned

SENTINEL = -25.0
"""How the published table writes an undefined value; the folder's files have -999.0."""

ONE_JET = ("PRI_jet_leading_pt", "PRI_jet_leading_eta", "PRI_jet_leading_phi")
TWO_JETS = (
    "PRI_jet_subleading_pt",
    "PRI_jet_subleading_eta",
    "PRI_jet_subleading_phi",
    "DER_deltaeta_jet_jet",
    "DER_mass_jet_jet",
    "DER_prodeta_jet_jet",
    "DER_lep_eta_centrality",
)
FEATURES = (
    *(f"PRI_{name}_{axis}" for name in ("lep", "had") for axis in ("pt", "eta", "phi")),
    *ONE_JET,
    *TWO_JETS[:3],
    "PRI_n_jets",
    "PRI_jet_all_pt",
    "PRI_met",
    "PRI_met_phi",
    "DER_mass_transverse_met_lep",
    "DER_mass_vis",
    "DER_pt_h",
    *TWO_JETS[3:6],
    "DER_deltar_had_lep",
    "DER_pt_tot",
    "DER_sum_pt",
    "DER_pt_ratio_lep_had",
    "DER_met_phi_centrality",
    TWO_JETS[6],
)
OTHERS = ("weights", "labels", "detailed_labels")
SIGNED = ("DER_prodeta_jet_jet", "DER_met_phi_centrality")
MAX_JETS = 30


def looks_like(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False  # the reader of text tables says what is wrong with it


def imported(
    files: Sequence[Path], seed: int, report: Callable[[str], None]
) -> tuple[pl.DataFrame, About]:
    """The divided table of published files, and what its folder says."""
    tables = [_read(path) for path in files]
    for path, part in zip(files, tables, strict=True):
        report(f"{path.name}: {len(part):,} events, FAIR Universe's {len(FEATURES)} features")
    table = _converted(pl.concat(tables))
    _refuse_repeated(table)
    totals = {str(name): float(total) for name, total in _totals(table).rows()}
    table = table.with_columns(assigned(table["process"] + table["Label"], PROPORTIONS, seed))
    refuse_empty(table)
    lines = _described(files, table, totals)
    for line in lines:
        report(line)
    about = About(
        "Select signal events to maximise the AMS. Events of the FAIR Universe challenge of 2024.",
        lines,
        truth_public=True,
        manifest={"challenge": "higgsml", "origin": "fair-universe", "files": _records(files)},
        features=FEATURES,
        totals=totals,
    )
    return renumber(table.drop("process"), seed), about


def _described(files: Sequence[Path], table: pl.DataFrame, totals: dict[str, float]) -> list[str]:
    counts = dict(table.group_by("usage").len().rows())
    processes = table.group_by("process").len().sort("len", descending=True).rows()
    return [
        f"{len(table):,} events of {', '.join(path.name for path in files)}: "
        + ", ".join(f"{name} {n:,}" for name, n in processes),
        "28 features of the FAIR Universe table: no DER_mass_MMC, no PRI_met_sumet; PRI_had_* is "
        "the tau candidate; -25 became -999.0",
        "weights: the column weights, whose sums "
        f"(s {totals['s']:,.1f}, b {totals['b']:,.1f}) every split has",
        "split drawn with a seed, stratified by process: "
        + ", ".join(f"{counts[name]:,} {name}" for name in PROPORTIONS),
    ]


def _records(files: Sequence[Path]) -> list[dict[str, str]]:
    return [
        {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in files
    ]


def _read(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_parquet(path)
    except (PolarsError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:120]
        raise DataError(
            f"{path.name} cannot be read as Parquet ({reason}): import files of one layout "
            "together, and fetch this one again if it should be Parquet."
        ) from None
    expected = (*FEATURES, *OTHERS)
    missing = [name for name in expected if name not in table.columns]
    foreign = [name for name in table.columns if name not in expected]
    if missing or foreign:
        raise DataError(
            f"{path.name}: {difference(missing, foreign)} Expected are FAIR Universe's "
            "28 features, weights, labels and detailed_labels."
        )
    if not len(table):
        raise DataError(f"{path.name} has no events: fetch the whole file.")
    _check(path.name, table)
    return table.select(expected)


def _check(file: str, table: pl.DataFrame) -> None:
    """Raise ``DataError`` for the first column that is not as published."""
    for name in (*FEATURES, "weights", "labels"):
        if not table.schema[name].is_numeric():
            raise DataError(f"{file}: the column {name} has no numbers: check the file.")
        broken = pl.col(name).is_null() | ~pl.col(name).is_finite()
        refuse(file, table, name, broken, "finite numbers only")
    jets = pl.col("PRI_n_jets")
    whole = jets.is_between(0, MAX_JETS) & (jets == jets.round())
    refuse(file, table, "PRI_n_jets", ~whole, "a number of jets; are the columns shifted?")
    for names, least in ((ONE_JET, 1), (TWO_JETS, 2)):
        for name in names:
            undefined = pl.col(name) == SENTINEL
            rule = f"{SENTINEL} exactly where PRI_n_jets is below {least}"
            refuse(file, table, name, (jets < least) != undefined, rule)
    for name in FEATURES:
        _check_range(file, table, name)
    refuse(file, table, "weights", pl.col("weights") < 0, "weights of 0 or more")
    label = pl.col("labels")
    refuse(file, table, "labels", (label != 0) & (label != 1), "1 for signal, 0 otherwise")
    check_units(file, table, FEATURES, SENTINEL)


def _check_range(file: str, table: pl.DataFrame, name: str) -> None:
    value = pl.col(name)
    defined = value != SENTINEL if name in ONE_JET + TWO_JETS else pl.lit(value=True)
    if name.endswith("_phi"):
        bad, rule = value.abs() > 3.143, "angles between -3.142 and 3.142"
    elif name.endswith("_eta"):
        bad, rule = value.abs() > 5.0, "values between -5 and 5"
    elif name in SIGNED:
        bad, rule = value.abs() > 25.0, "values between -25 and 25"
    else:
        bad, rule = value < 0, "values of 0 or more"
    refuse(file, table, name, defined & bad, f"{rule}; is another sentinel used?")


def _converted(table: pl.DataFrame) -> pl.DataFrame:
    """Names and sentinel as in the other tables; the weight in double precision."""
    maybe = pl.col(*ONE_JET, *TWO_JETS)
    return table.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("EventId"),
        *(pl.col(name) for name in FEATURES if name not in ONE_JET + TWO_JETS),
        pl.when(maybe == SENTINEL).then(UNDEFINED).otherwise(maybe).name.keep(),
        pl.col("weights").cast(pl.Float64).alias("Weight"),
        pl.when(pl.col("labels") == 1).then(pl.lit("s")).otherwise(pl.lit("b")).alias("Label"),
        pl.col("detailed_labels").cast(pl.String).fill_null("?").alias("process"),
    ).with_columns(pl.col("PRI_n_jets").cast(pl.Int64))


def _totals(table: pl.DataFrame) -> pl.DataFrame:
    return table.group_by("Label").agg(pl.col("Weight").sum()).sort("Label", descending=True)


def _refuse_repeated(table: pl.DataFrame) -> None:
    """The table has no ids: the same event twice would be in training and test."""
    twice = len(table) - table.select(FEATURES).n_unique()
    if twice:
        raise DataError(f"{twice:,} events occur more than once: name every file once.")
