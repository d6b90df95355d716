"""Importing jets as ML4SCI published them: nested lists in Parquet."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_datasets import DataError, prepare
from fivesigma_datasets.jets.kinematics import Floats
from fivesigma_datasets.topmass import figures, official
from fivesigma_datasets.topmass.layout import read_images

N, SIDE = 260, 25
Change = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.fixture(autouse=True)
def figures_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take longer than all the rest of an import: one test draws them."""
    if "accepts" not in request.node.name:
        monkeypatch.setattr(figures, "draw", lambda _folder, _report: None)


def nested(images: Floats) -> pl.Series:
    """Images (n, 3, side, side) as lists of lists of lists of doubles."""
    array = pl.Series("X_jet", images.astype(np.float64))
    inner = pl.List(pl.List(pl.List(pl.Float64)))
    return array.cast(inner)


@pytest.fixture(scope="module")
def jets(folder: Path) -> pl.DataFrame:
    """Shipped jets in the published layout, with pixels merged so that files are small."""
    table = pl.read_parquet(folder / "train.parquet")[:N]
    images, form = read_images(folder / "train_images.h5", slice(0, N))
    cut = images[:, :, 7:57, 7:57].reshape(N, 3, SIDE, 2, SIDE, 2).sum(axis=(3, 5)) * form.step
    return table.select(
        nested(cut),
        "pt",
        m="mass",
        ieta=pl.col("ieta").cast(float),
        iphi=pl.col("iphi").cast(float),
    )


def imported(tmp_path: Path, *tables: pl.DataFrame, seed: int = 1) -> Path:
    files = []
    for number, table in enumerate(tables):
        files.append(tmp_path / f"jets_{number}.parquet")
        table.write_parquet(files[-1])
    prepare("topmass", tmp_path / "out", data=files, seed=seed)
    return tmp_path / "out"


def test_files_become_a_folder_that_the_platform_accepts(
    tmp_path: Path, jets: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official, "BATCH", 32)
    out = imported(tmp_path, jets[:150], jets[150:])
    definition = read_definition(out)
    assert definition.truth_public
    assert all((out / name).is_file() for name in figures.FIGURES)
    manifest = json.loads((out / "manifest.json").read_text())
    assert [record["rows"] for record in manifest["files"]] == [150, N - 150]
    assert manifest["origin"] == "official"
    assert "Imported" in definition.summary
    assert not list(tmp_path.glob(".*"))  # nothing is left beside the folder


def test_every_jet_keeps_its_image_its_columns_and_its_mass(
    tmp_path: Path, jets: pl.DataFrame
) -> None:
    out = imported(tmp_path, jets)
    solution = pl.read_parquet(out / "solution.parquet")
    original = {float(pt): row for row, pt in enumerate(jets["pt"].to_list())}
    truth = np.stack([np.array(image) for image in jets["X_jet"].to_list()])
    for part in ("train", "test"):
        table = pl.read_parquet(out / f"{part}.parquet")
        images, form = read_images(out / f"{part}_images.h5")
        assert (form.step, form.pixels) == (0.05, SIDE)
        rows = [original[float(pt)] for pt in table["pt"].to_list()]
        assert images * form.step == pytest.approx(truth[rows], abs=form.step)
        mass = table["mass"] if part == "train" else solution["mass"]
        assert mass.to_list() == jets["m"].to_numpy()[rows].tolist()
        assert table["iphi"].to_list() == jets["iphi"].to_numpy()[rows].tolist()


def test_arrays_of_fixed_size_and_single_precision_are_read_too(
    tmp_path: Path, jets: pl.DataFrame
) -> None:
    fixed = pl.Array(pl.Float32, (3, SIDE, SIDE))
    changed = jets.with_columns(
        pl.col("X_jet").cast(fixed), pl.concat_list("m").alias("m"), pl.col("iphi").cast(pl.Int64)
    )
    assert (imported(tmp_path, changed) / "test_images.h5").is_file()


def test_reading_goes_batch_by_batch(tmp_path: Path, jets: pl.DataFrame) -> None:
    jets.write_parquet(tmp_path / "jets.parquet", row_group_size=50)
    sizes = [len(part) for part in official._images(tmp_path / "jets.parquet", N)]
    assert sum(sizes) == N
    assert max(sizes) <= official.BATCH
    assert len(sizes) >= 2


def with_value(name: str, value: float) -> Change:
    def change(table: pl.DataFrame) -> pl.DataFrame:
        row = pl.int_range(pl.len()) == 17
        return table.with_columns(pl.when(row).then(value).otherwise(pl.col(name)).alias(name))

    return change


def with_pixel(value: float) -> Change:
    def change(table: pl.DataFrame) -> pl.DataFrame:
        images = np.stack([np.array(image) for image in table["X_jet"].to_list()])
        images[17, 1, 3, 4] = value
        return table.with_columns(nested(images))

    return change


def shifted(table: pl.DataFrame) -> pl.DataFrame:
    """Every column under the name of the one before it."""
    names = ["m", "pt", "ieta", "iphi"]
    moved = dict(zip(names, [*names[1:], names[0]], strict=True))
    return table.select("X_jet", *(pl.col(old).alias(new) for new, old in moved.items()))


CHANGES: dict[str, tuple[Change, str]] = {
    "shifted columns": (shifted, "the column pt .*shifted"),
    "m and pt exchanged": (lambda t: t.rename({"m": "pt", "pt": "m"}), "column pt .*exchanged"),
    "pt is another row's": (
        lambda t: t.with_columns(pl.col("pt").sort()),
        "column pt does not follow",
    ),
    "m in MeV": (lambda t: t.with_columns(pl.col("m") * 1000), "column m .*looks like MeV"),
    "pt in TeV": (lambda t: t.with_columns(pl.col("pt") / 1000), "column pt .*looks like TeV"),
    "pt in MeV": (lambda t: t.with_columns(pl.col("pt") * 1000), "column pt .*looks like MeV"),
    "a sentinel in m": (with_value("m", -999.0), "row 18: the column m has -999"),
    "a sentinel in pt": (with_value("pt", 0.0), "row 18: the column pt has 0"),
    "a sentinel in iphi": (with_value("iphi", -1.0), "row 18: the column iphi has -1"),
    "NaN": (with_value("m", float("nan")), "column m has nan.*finite numbers"),
    "a missing value": (
        lambda t: t.with_columns(pl.col("pt").shift(1)),
        "column pt has nan.*finite numbers",
    ),
    "broken ieta": (with_value("ieta", 3.5), "column ieta has 3.5.*whole numbers"),
    "a negative pixel": (with_pixel(-999.0), "row 18: the column X_jet has -999"),
    "an infinite pixel": (with_pixel(float("inf")), "row 18: the column X_jet has inf"),
    "images in MeV": (
        lambda t: t.with_columns(
            nested(np.stack([np.array(i) for i in t["X_jet"].to_list()]) * 1000)
        ),
        "X_jet is .* times pt",
    ),
    "no column m": (lambda t: t.drop("m"), "has no column m; its columns are"),
    "no images": (lambda t: t.drop("X_jet"), "has no column X_jet"),
    "text": (lambda t: t.with_columns(pl.col("m").cast(pl.String)), "column m holds String"),
    "flat images": (
        lambda t: t.with_columns(X_jet=pl.col("X_jet").list.first().list.first()),
        "X_jet has 1 dimensions",
    ),
    "one image too short": (
        lambda t: t.with_columns(
            X_jet=pl.when(pl.int_range(pl.len()) == 3)
            .then(pl.col("X_jet").list.head(2))
            .otherwise(pl.col("X_jet"))
        ),
        "images of the column X_jet differ in shape",
    ),
    "two channels": (
        lambda t: t.with_columns(pl.col("X_jet").list.head(2)),
        "X_jet has images of 2x25x25",
    ),
    "repeated rows": (lambda t: pl.concat([t, t[:3]]), "3 rows have the same m, pt"),
    "no rows": (lambda t: t[:0], "has no rows"),
    "few rows": (lambda t: t[:20], "20 jets, too few"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_wrong_is_refused_with_its_column(
    tmp_path: Path, jets: pl.DataFrame, name: str
) -> None:
    change, message = CHANGES[name]
    with pytest.raises(DataError, match=message):
        imported(tmp_path, change(jets))
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*"))  # what was read is not left behind


def test_the_same_file_twice_and_images_of_other_sizes_are_refused(
    tmp_path: Path, jets: pl.DataFrame
) -> None:
    with pytest.raises(DataError, match=r"jets_1\.parquet has the same content as jets_0"):
        imported(tmp_path, jets, jets)
    images = np.stack([np.array(image) for image in jets["X_jet"].to_list()])
    smaller = jets[200:].with_columns(nested(images[200:, :, 1:24, 1:24]))
    with pytest.raises(DataError, match="X_jet has images of 23x23"):
        imported(tmp_path, jets[:200], smaller)


def test_files_that_are_no_parquet_are_told(tmp_path: Path, jets: pl.DataFrame) -> None:
    jets.write_parquet(tmp_path / "whole.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes()[:5000])
    (tmp_path / "empty.parquet").write_bytes(b"")
    (tmp_path / "text.parquet").write_text("m,pt\n1,2\n")
    for name in ("cut", "empty", "text"):
        with pytest.raises(DataError, match=f"{name}.parquet is no complete Parquet file"):
            prepare("topmass", tmp_path / "out", data=[tmp_path / f"{name}.parquet"], seed=1)
    with pytest.raises(DataError, match="can't be read"):
        prepare("topmass", tmp_path / "out", data=[tmp_path / "absent.parquet"], seed=1)


def test_unusual_masses_are_told_but_taken(tmp_path: Path, jets: pl.DataFrame) -> None:
    comb = jets.with_columns(m=(pl.col("m") / 100).ceil() * 100 + 20)
    said: list[str] = []
    comb.write_parquet(tmp_path / "jets.parquet")
    prepare(
        "topmass", tmp_path / "out", data=[tmp_path / "jets.parquet"], seed=1, report=said.append
    )
    told = "\n".join(said)
    assert "outside of 85 to 500 GeV" in told
    assert "may snap" in told
    assert "outside of 85 to 500 GeV" in (tmp_path / "out" / "README.md").read_text()


def test_the_seed_decides_the_split(tmp_path: Path, jets: pl.DataFrame) -> None:
    found = []
    for number, seed in enumerate((1, 1, 2)):
        place = tmp_path / str(number)
        place.mkdir()
        found.append((imported(place, jets, seed=seed) / "solution.parquet").read_bytes())
    assert found[0] == found[1] != found[2]
