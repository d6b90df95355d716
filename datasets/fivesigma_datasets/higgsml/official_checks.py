"""What must hold in every published table, each broken rule told with column and line."""

import math
from collections.abc import Sequence

import polars as pl

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.higgsml.features import (
    FEATURES,
    NEEDS_ONE_JET,
    NEEDS_TWO_JETS,
    UNDEFINED,
)

MAYBE_UNDEFINED = ("DER_mass_MMC", *NEEDS_ONE_JET, *NEEDS_TWO_JETS)
PHI_LIMIT = math.pi + 0.002  # published with three decimals
ETA_LIMIT = 5.0
DIMENSIONED = ("_pt", "mass", "met", "sum")
PURE_NUMBERS = ("_eta", "_phi", "ratio", "centrality")
MEV = 2500.0
"""No feature's median in GeV is near it; the smallest in MeV (DER_pt_tot) is above."""
SIGNED = ("DER_prodeta_jet_jet", "DER_met_phi_centrality")


def check_table(file: str, table: pl.DataFrame) -> None:
    """Check one file's rows. Raises ``DataError`` for the first rule that is broken."""
    for name in (*FEATURES, *(c for c in ("Weight", "KaggleWeight") if c in table.columns)):
        refuse(file, table, name, ~pl.col(name).is_finite(), "finite numbers only")
    refuse(
        file,
        table,
        "PRI_jet_num",
        ~pl.col("PRI_jet_num").is_between(0, 3),
        "0, 1, 2 or 3; are the columns shifted?",
    )
    for names, least in ((NEEDS_ONE_JET, 1), (NEEDS_TWO_JETS, 2)):
        for name in names:
            _check_pattern(file, table, name, least)
    for name in FEATURES:
        _check_range(file, table, name)
    for name in ("Weight", "KaggleWeight"):
        if name in table.columns:
            refuse(file, table, name, pl.col(name) < 0, "weights of 0 or more")
    _check_words(file, table)
    check_units(file, table, FEATURES, UNDEFINED)


def check_units(file: str, table: pl.DataFrame, names: Sequence[str], undefined: float) -> None:
    """Momenta, masses and energies in GeV have medians far below ``MEV``."""
    for name in names:
        if not any(part in name for part in DIMENSIONED) or any(p in name for p in PURE_NUMBERS):
            continue
        median = table.filter(pl.col(name) != undefined)[name].median()
        if isinstance(median, float) and median > MEV:
            raise DataError(
                f"{file}: the column {name} has the median {median:,.0f}, which can't be GeV: "
                "if it is in MeV, divide it by 1000."
            )


def check_labels(table: pl.DataFrame) -> None:
    """Both classes must be there, over all files."""
    present = set(table["Label"].unique())
    for label in ("s", "b"):
        if label not in present:
            raise DataError(
                f"There is no event with the Label {label!r}: import the file with the "
                "other class too."
            )


def _check_pattern(file: str, table: pl.DataFrame, name: str, least: int) -> None:
    """A jet feature is -999.0 exactly where there are too few jets."""
    few = pl.col("PRI_jet_num") < least
    undefined = pl.col(name) == UNDEFINED
    jets = "1 jet" if least == 1 else "2 jets"
    refuse(file, table, name, few & ~undefined, f"{UNDEFINED} where PRI_jet_num is below {least}")
    refuse(file, table, name, ~few & undefined, f"a value where there are at least {jets}")


def _check_range(file: str, table: pl.DataFrame, name: str) -> None:
    value = pl.col(name)
    if name in MAYBE_UNDEFINED:
        defined = value != UNDEFINED
    else:
        defined = pl.lit(value=True)
        refuse(file, table, name, value == UNDEFINED, "a value in every event, never -999.0")
    if name.endswith("_phi"):
        bad, rule = value.abs() > PHI_LIMIT, "angles between -3.142 and 3.142"
    elif name.startswith("PRI_") and name.endswith("_eta"):
        bad, rule = value.abs() > ETA_LIMIT, f"values between -{ETA_LIMIT} and {ETA_LIMIT}"
    elif name in SIGNED:
        bad, rule = value.abs() > ETA_LIMIT**2, f"values between -{ETA_LIMIT**2} and {ETA_LIMIT**2}"
    else:
        bad, rule = value < 0, "values of 0 or more, or -999.0 where undefined"
    refuse(file, table, name, defined & bad, f"{rule}; is another sentinel used?")


def _check_words(file: str, table: pl.DataFrame) -> None:
    refuse(file, table, "Label", ~pl.col("Label").is_in(["s", "b"]), "s or b")
    if "KaggleSet" in table.columns:
        allowed = ["t", "b", "v", "u"]
        refuse(file, table, "KaggleSet", ~pl.col("KaggleSet").is_in(allowed), "t, b, v or u")


def refuse(file: str, table: pl.DataFrame, name: str, broken: pl.Expr, rule: str) -> None:
    """Raise ``DataError`` with column, line, value and rule if any row is ``broken``."""
    rows = table.select(broken.arg_true()).to_series()
    if not len(rows):
        return
    row = int(rows[0])
    raise DataError(
        f"{file} line {row + 2}: the column {name} has {str(table[name][row])[:40]!r} "
        f"({len(rows):,} lines like this); expected: {rule}."
    )
