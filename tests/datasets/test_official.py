"""The importer on real rows, and on everything that can be wrong with a file."""

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from fivesigma_datasets import DataError, prepare
from fivesigma_datasets.higgsml.features import FEATURES
from fivesigma_datasets.higgsml.layout import KAGGLE, OFFICIAL
from fivesigma_datasets.higgsml.split import BACKGROUND_TOTAL, SIGNAL_TOTAL

Import = Callable[..., tuple[Path, list[str]]]


@pytest.fixture
def load(tmp_path: Path) -> Import:
    """Import files; the folder made and the lines told."""

    def run(*files: Path, seed: int = 11, name: str = "imported") -> tuple[Path, list[str]]:
        told: list[str] = []
        out = tmp_path / name
        prepare("higgsml", out, data=files, seed=seed, report=told.append)
        return out, told

    return run


@pytest.fixture
def slice_csv(real: Path) -> Path:
    return real / "contiguous_7521.csv"


def all_rows(folder: Path) -> pl.DataFrame:
    """Features of train and test, by id."""
    parts = [pl.read_parquet(folder / f"{name}.parquet") for name in ("train", "test")]
    return pl.concat([part.select("EventId", *FEATURES) for part in parts]).sort("EventId")


def test_real_slice_keeps_every_value(
    load: Import, slice_csv: Path, real_table: pl.DataFrame
) -> None:
    folder, told = load(slice_csv)
    expected = real_table.select("EventId", *FEATURES).sort("EventId")
    assert all_rows(folder).equals(expected)
    assert any("KaggleWeight" in line for line in told)
    assert any("250 : 100 : 450" in line and "2,350 train" in line for line in told)
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "challenge.toml",
        "figures",
        "manifest.json",
        "sample_submission.csv",
        "solution.parquet",
        "starter.py",
        "test.parquet",
        "train.parquet",
    }


def test_splits_are_stratified_and_normalised(load: Import, slice_csv: Path) -> None:
    folder, _ = load(slice_csv)
    solution = pl.read_parquet(folder / "solution.parquet")
    train = pl.read_parquet(folder / "train.parquet")
    parts = {"train": train.rename({"Label": "label", "Weight": "weight"})}
    for usage in ("public", "private"):
        parts[usage] = solution.filter(pl.col("usage") == usage)
    for usage, part in parts.items():
        assert (part["label"] == "s").to_numpy().mean() == pytest.approx(2522 / 7521, abs=0.001)
        for label, total in (("s", SIGNAL_TOTAL), ("b", BACKGROUND_TOTAL)):
            found = part.filter(pl.col("label") == label)["weight"].sum()
            assert found == pytest.approx(total, rel=1e-9), usage


def test_split_is_decided_by_the_seed(load: Import, slice_csv: Path) -> None:
    first, again, other = (
        (load(slice_csv, seed=seed, name=name)[0] / "solution.parquet").read_bytes()
        for seed, name in ((1, "a"), (1, "b"), (2, "c"))
    )
    assert first == again != other


def test_33_columns_and_gzip_are_kaggles_layout(
    load: Import, real_table: pl.DataFrame, tmp_path: Path
) -> None:
    kaggle = real_table.with_columns(Weight=pl.col("KaggleWeight")).select(KAGGLE)
    plain = kaggle.write_csv()
    (tmp_path / "training.csv").write_text(plain)
    (tmp_path / "training.csv.gz").write_bytes(gzip.compress(plain.encode()))
    (tmp_path / "crlf.csv").write_bytes(plain.replace("\n", "\r\n").encode("utf-8-sig"))
    folders = []
    for name in ("training.csv", "training.csv.gz", "crlf.csv"):
        folder, told = load(tmp_path / name, name=f"from-{name}")
        assert any("33 columns" in line and "column Weight" in line for line in told)
        folders.append(folder)
    solutions = {(folder / "solution.parquet").read_bytes() for folder in folders}
    assert len(solutions) == 1


def test_official_split_is_used_where_all_sets_are_there(
    load: Import, real_table: pl.DataFrame, tmp_path: Path
) -> None:
    sets = pl.Series("KaggleSet", ["t", "b", "v", "v", "u"] * 1504 + ["t"])
    table = real_table.with_columns(sets)
    table.write_csv(tmp_path / "full.csv")
    folder, told = load(tmp_path / "full.csv")
    assert any("official split" in line and "1,504 unused" in line for line in told)
    usage = {"b": "public", "v": "private"}
    solution = pl.read_parquet(folder / "solution.parquet").select("EventId", "usage")
    joined = solution.join(table, on="EventId").with_columns(
        expected=pl.col("KaggleSet").replace_strict(usage, default="wrong")
    )
    assert len(joined) == 1504 * 3
    assert (joined["usage"] == joined["expected"]).all()
    train = pl.read_parquet(folder / "train.parquet")["EventId"]
    assert set(train) == set(table.filter(pl.col("KaggleSet") == "t")["EventId"])


def test_mixed_sets_without_the_official_split_use_the_common_weight(
    load: Import, real_table: pl.DataFrame, tmp_path: Path
) -> None:
    sets = pl.Series("KaggleSet", ["t", "v", "v"] * 2507)
    real_table.with_columns(sets).write_csv(tmp_path / "two_sets.csv")
    _, told = load(tmp_path / "two_sets.csv")
    assert any("column Weight" in line and "another scale" in line for line in told)


def test_two_files_with_one_label_each_get_new_ids(load: Import, real: Path) -> None:
    folder, told = load(real / "train_sml_bg.csv", real / "train_sml_sig.csv")
    assert any("class mix differs" in line and "ids drawn anew" in line for line in told)
    assert any(line.startswith("AUC of the id 0.49") or " 0.50" in line for line in told)
    assert len(all_rows(folder)) == 9998


def change(name: str, value: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """The column's value in the fifth event (line 6 of the file)."""

    def apply(table: pl.DataFrame) -> pl.DataFrame:
        row = pl.int_range(pl.len()) == 4
        text = pl.col(name).cast(pl.String)
        return table.with_columns(pl.when(row).then(pl.lit(value)).otherwise(text).alias(name))

    return apply


def shifted(table: pl.DataFrame) -> pl.DataFrame:
    """All values from PRI_jet_num on moved one column to the left."""
    start = OFFICIAL.index("PRI_jet_num")
    names = list(OFFICIAL[start : OFFICIAL.index("Weight")])
    moved = dict(zip(names, [*names[1:], names[0]], strict=True))
    return table.with_columns(pl.col(source).alias(name) for name, source in moved.items())


def foreign_sentinel(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col(pl.Float64).replace(-999.0, -9999.0))


BROKEN: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "shifted": (shifted, r"column PRI_jet_num .*shifted"),
    "sentinel": (foreign_sentinel, r"column PRI_jet_leading_pt has '-9999.0'.*-999.0 where"),
    "zero sentinel": (
        lambda t: t.with_columns(pl.col("PRI_jet_subleading_pt").replace(-999.0, 0.0)),
        r"column PRI_jet_subleading_pt has '0.0'",
    ),
    "mass sentinel": (
        lambda t: t.with_columns(pl.col("DER_mass_MMC").replace(-999.0, -99.0)),
        r"column DER_mass_MMC has '-99.0'.*another sentinel",
    ),
    "undefined": (change("PRI_tau_pt", "-999.0"), r"line 6: the column PRI_tau_pt .*never -999"),
    "duplicate": (
        lambda t: pl.concat([t, t.head(1)]),
        r"1 EventIds occur more than once; 100000 is in broken.csv line 2 and broken.csv line 7523",
    ),
    "missing": (lambda t: t.drop("PRI_met"), r"the column PRI_met is missing"),
    "misspelt": (
        lambda t: t.rename({"DER_pt_h": "DER_pth"}),
        r"the column DER_pt_h is missing \(is it 'DER_pth'\?\)",
    ),
    "foreign": (lambda t: t.with_columns(fold=1), r"the column 'fold' is not part"),
    "label": (change("Label", "x"), r"line 6: the column Label has 'x' .*s or b"),
    "set": (change("KaggleSet", "z"), r"line 6: the column KaggleSet has 'z'"),
    "not finite": (change("PRI_met", "nan"), r"line 6: the column PRI_met has 'nan' .*finite"),
    "infinite": (change("KaggleWeight", "inf"), r"the column KaggleWeight has 'inf'"),
    "negative": (change("KaggleWeight", "-1.0"), r"the column KaggleWeight has '-1.0'"),
    "words": (change("PRI_met", "many"), r"line 6: the column PRI_met has 'many' instead of a num"),
    "half a jet": (change("PRI_jet_num", "1.5"), r"line 6: the column PRI_jet_num has '1.5'"),
    "degrees": (
        lambda t: t.with_columns(pl.col("PRI_lep_phi") * 57.2958),
        r"column PRI_lep_phi .*between -3.142 and 3.142",
    ),
    "MeV": (
        lambda t: t.with_columns(pl.col("PRI_tau_pt") * 1000),
        r"the column PRI_tau_pt has the median .*MeV, divide it by 1000",
    ),
    "small sentinel": (
        lambda t: t.with_columns(pl.col("DER_mass_jet_jet").replace(-999.0, -9.0)),
        r"column DER_mass_jet_jet has '-9.0'",
    ),
    "NaN for undefined": (
        lambda t: t.with_columns(pl.col("DER_mass_jet_jet").replace(-999.0, float("nan"))),
        r"column DER_mass_jet_jet has 'nan' .*finite",
    ),
    "one class": (
        lambda t: t.filter(pl.col("Label") == "s"),
        r"no event with the Label 'b'",
    ),
    "no labels": (
        lambda t: t.select(KAGGLE[:-2]),
        r"no Weight and no Label, like Kaggle's test.csv",
    ),
    "no events": (lambda t: t.head(0), r"has a header and no events"),
    "too few": (
        lambda t: pl.concat(
            [t.filter(pl.col("Label") == "b"), t.filter(pl.col("Label") == "s")[:1]]
        ),
        r"split would have no 's' events",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_tables_are_refused_with_their_reason(
    load: Import, real_table: pl.DataFrame, tmp_path: Path, what: str
) -> None:
    breaks, message = BROKEN[what]
    breaks(real_table).write_csv(tmp_path / "broken.csv")
    with pytest.raises(DataError, match=message):
        load(tmp_path / "broken.csv")
    assert not (tmp_path / "imported").exists()


def test_broken_files_are_refused_with_their_reason(
    load: Import, slice_csv: Path, tmp_path: Path
) -> None:
    content = slice_csv.read_bytes()
    cases = {
        "cut.csv": (content[:100_050], "cut off|damaged"),
        "cut.csv.gz": (gzip.compress(content)[:5000], "damaged or cut off"),
        "wide.csv": (content.replace(b",s,t,", b",s,t,7,", 1), "damaged or cut off"),
        "empty.csv": (b"", "is empty"),
        "image.csv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "is not text"),
        "header.csv": (content.split(b"\n")[0], "no events"),
        "twice.csv": (content.replace(b"PRI_met,", b"PRI_tau_pt,", 1), "PRI_tau_pt occurs twice"),
        "page.csv": (b"<!doctype html><title>Log in</title>\n", "is missing"),
    }
    for name, (data, message) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=message) as caught:
            load(tmp_path / name)
        assert name in str(caught.value)


def test_missing_file_mixed_layouts_and_the_same_file_twice_are_refused(
    load: Import, slice_csv: Path, real_table: pl.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "nowhere.csv")
    real_table.select(KAGGLE).write_csv(tmp_path / "kaggle.csv")
    with pytest.raises(DataError, match="33 columns, the file before it 35"):
        load(slice_csv, tmp_path / "kaggle.csv")
    with pytest.raises(DataError, match="occur more than once"):
        load(slice_csv, slice_csv)
