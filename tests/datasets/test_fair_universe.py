"""The importer of the FAIR Universe table: its own features, nothing made up, strict."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_datasets import DataError, demo_submissions, prepare
from fivesigma_datasets.higgsml.fair_universe import FEATURES, ONE_JET, TWO_JETS

REAL = Path(__file__).parents[3] / "shared/data/fair-universe-1000"
FILE = REAL / "FAIR_Universe_HiggsML_data.parquet"


@pytest.fixture(scope="module")
def fair() -> pl.DataFrame:
    if not FILE.is_file():
        pytest.skip("the FAIR Universe rows are not at ../shared/data")
    return pl.read_parquet(FILE)


def load(table: pl.DataFrame, folder: Path) -> tuple[Path, list[str]]:
    told: list[str] = []
    table.write_parquet(folder / "fair.parquet")
    prepare("higgsml", folder / "out", data=[folder / "fair.parquet"], seed=3, report=told.append)
    return folder / "out", told


def test_features_weights_and_labels_come_through(fair: pl.DataFrame, tmp_path: Path) -> None:
    folder, told = load(fair, tmp_path)
    train = pl.read_parquet(folder / "train.parquet")
    test = pl.read_parquet(folder / "test.parquet")
    assert train.columns == ["EventId", *FEATURES, "Weight", "Label"]
    assert test.columns == ["EventId", *FEATURES]
    together = pl.concat([train.select(FEATURES), test.select(FEATURES)])
    ours = together.sort(FEATURES).with_columns(pl.all().replace(-999.0, -25.0))
    theirs = fair.select(FEATURES).with_columns(pl.col("PRI_n_jets").cast(pl.Int64))
    assert ours.equals(theirs.sort(FEATURES))
    assert any("no DER_mass_MMC" in line for line in told)
    assert any("column weights" in line for line in told)


def test_every_split_has_the_expected_yields_of_the_file(
    fair: pl.DataFrame, tmp_path: Path
) -> None:
    folder, _ = load(fair, tmp_path)
    normalise = tomllib.loads((folder / "challenge.toml").read_text())["phases"][0]["normalise"]
    assert normalise["s"] == pytest.approx(1038.6, rel=1e-3)
    assert normalise["b"] == pytest.approx(1_003_219 + 40_906 + 6_269, rel=1e-3)
    solution = pl.read_parquet(folder / "solution.parquet")
    for (_, label), part in solution.group_by("usage", "label"):
        assert part["weight"].sum() == pytest.approx(normalise[str(label)], rel=1e-9)


def test_the_platform_accepts_the_folder_and_references_can_be_made(
    fair: pl.DataFrame, tmp_path: Path
) -> None:
    folder, _ = load(fair, tmp_path)
    assert read_definition(folder).truth_public
    assert len(demo_submissions(folder)) == 3


def one(name: str, value: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
    first = pl.int_range(pl.len()) == 0
    return lambda table: table.with_columns(
        pl.when(first).then(pl.lit(value, pl.Float32)).otherwise(pl.col(name)).alias(name)
    )


BROKEN: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "shifted": (one("PRI_n_jets", 57.3), r"column PRI_n_jets has '57.*shifted"),
    "other sentinel": (
        lambda t: t.with_columns(pl.col(ONE_JET).replace(-25.0, -999.0)),
        r"column PRI_jet_leading_pt has '-999.0'.*-25.0 exactly where",
    ),
    "zero": (
        lambda t: t.with_columns(pl.col(TWO_JETS[0]).replace(-25.0, 0.0)),
        r"column PRI_jet_subleading_pt has '0.0'",
    ),
    "sentinel of another kind": (one("DER_mass_vis", -9.0), r"column DER_mass_vis has '-9.0'"),
    "not a number": (one("PRI_met", float("nan")), r"column PRI_met has 'nan'.*finite"),
    "MeV": (
        lambda t: t.with_columns(pl.col("PRI_lep_pt") * 1000),
        r"column PRI_lep_pt has the median .*MeV",
    ),
    "missing": (lambda t: t.drop("PRI_had_pt"), r"column PRI_had_pt is missing"),
    "words": (lambda t: t.with_columns(PRI_met=pl.lit("many")), r"column PRI_met has no numbers"),
    "label": (one("labels", 2.0), r"column labels has '2.0'"),
    "twice": (lambda t: pl.concat([t, t]), r"1,000 events occur more than once"),
    "no events": (lambda t: t.head(0), r"has no events"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_tables_are_refused_with_the_column(
    fair: pl.DataFrame, tmp_path: Path, what: str
) -> None:
    breaks, message = BROKEN[what]
    with pytest.raises(DataError, match=message):
        load(breaks(fair), tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_and_a_mixture_of_layouts_are_refused(
    fair: pl.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "cut.parquet").write_bytes(FILE.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"cut.parquet cannot be read as Parquet"):
        prepare("higgsml", tmp_path / "out", data=[tmp_path / "cut.parquet"], seed=1)
    (tmp_path / "table.csv").write_text("EventId,PRI_met\n1,2\n")
    with pytest.raises(DataError, match=r"table.csv cannot be read as Parquet.*one layout"):
        prepare("higgsml", tmp_path / "out", data=[FILE, tmp_path / "table.csv"], seed=1)
