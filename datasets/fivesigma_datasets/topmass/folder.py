"""Writing a complete challenge folder."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets import folders
from fivesigma_datasets.jets.kinematics import Integers
from fivesigma_datasets.topmass import figures
from fivesigma_datasets.topmass.layout import (
    FILES,
    IMAGE_FILES,
    Form,
    Pictures,
    write_images,
    write_tables,
)
from fivesigma_datasets.topmass.reference import constant, to_csv
from fivesigma_datasets.topmass.split import FIRST_ID, order_and_usage

HERE = Path(__file__).parent
SHIPPED = HERE / "small"
AT_ONCE = 256
"""Images written together."""


@dataclass(frozen=True)
class About:
    """What the folder says about its data."""

    summary: str
    lines: Sequence[str]
    truth_public: bool
    plausible: float | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)


def publish(
    out: Path,
    table: pl.DataFrame,
    form: Form,
    images: Callable[[Integers], Pictures],
    seed: int,
    about: About,
    report: Callable[[str], None],
) -> None:
    """Write the folder of a table with ``pt``, ``ieta``, ``iphi``, ``mass`` and ``group``.

    Rows are shuffled, ids drawn, events divided. ``images`` gives the images of some rows.
    """
    order, usage = order_and_usage(table["group"].to_numpy(), seed)
    numbered = table.with_columns(usage)[order]
    numbered = numbered.with_columns(id=np.arange(FIRST_ID, FIRST_ID + len(order)))
    train = numbered.filter(pl.col("usage") == "train")
    test = numbered.filter(pl.col("usage") != "train")
    staging = folders.start(out)
    write_tables(staging, train, test)
    parts = np.split(order, [len(train)])
    for name, rows in zip(IMAGE_FILES, parts, strict=True):
        write_images(staging / name, form, _blocks(images, rows), len(rows))
    counts = dict(numbered.group_by("usage").len().sort("usage").rows())
    manifest = {
        **about.manifest,
        "image": {"pixels": form.pixels, "width": form.width, "step_gev": form.step},
        "counts": counts,
        "sha256": folders.checksums(staging, FILES),
    }
    (staging / folders.MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    figures.draw(staging, report)
    lines = [*about.lines, *described(manifest)]
    complete(staging, About(about.summary, lines, about.truth_public, about.plausible))
    folders.finish(staging, out)
    for line in (*lines, *sanity(numbered)):
        report(line)


def _blocks(images: Callable[[Integers], Pictures], rows: Integers) -> Iterator[Pictures]:
    for begin in range(0, len(rows), AT_ONCE):
        yield images(rows[begin : begin + AT_ONCE])


def complete(staging: Path, about: About) -> None:
    """Add sample, starter, card and toml to the data."""
    sample = constant(pl.read_parquet(staging / "test.parquet"))
    (staging / "sample_submission.csv").write_bytes(to_csv(sample))
    shutil.copyfile(HERE / "starter.py", staging / "starter.py")
    drawn = [name for name in figures.FIGURES if (staging / name).is_file()]
    text = _without_figures((HERE / "README.md").read_text(), drawn)
    (staging / "README.md").write_text(folders.card_with(text, about.lines))
    (staging / "challenge.toml").write_text(toml(about, drawn))


def toml(about: About, drawn: Sequence[str] = tuple(figures.FIGURES)) -> str:
    """The shipped challenge.toml with what depends on the data replaced."""
    changes = {
        "summary": json.dumps(about.summary, ensure_ascii=False),
        "truth_public": str(about.truth_public).lower(),
    }
    if about.plausible is not None:
        changes["plausible"] = f'{{ metric = "mae", bound = {about.plausible:.2f} }}'
    text = folders.settings_with((HERE / "challenge.toml").read_text(), changes)
    blocks = text.split("\n\n")
    missing = [f'path = "{name}"' for name in figures.FIGURES if name not in drawn]
    return "\n\n".join(b for b in blocks if not any(line in b for line in missing))


def _without_figures(card: str, drawn: Sequence[str]) -> str:
    """The card without pictures that could not be drawn."""
    missing = [f"({name})" for name in figures.FIGURES if name not in drawn]
    lines = card.splitlines()
    return "\n".join(line for line in lines if not any(m in line for m in missing)) + "\n"


def described(manifest: Mapping[str, Any]) -> list[str]:
    """The manifest in lines; without the seed, which a real event keeps to itself."""
    image, counts = manifest["image"], manifest["counts"]
    lines = [
        f"images of {image['pixels']}x{image['pixels']} pixels, each {image['width']:.5f} wide, "
        f"in steps of {image['step_gev']:g} GeV",
        ", ".join(f"{counts.get(name, 0):,} {name}" for name in ("train", "public", "private")),
    ]
    if "versions" in manifest:
        versions = manifest["versions"]
        made = (
            f"simulated with Pythia {versions['pythia8mc']} and FastJet {versions['fastjet']}, "
            "proton collisions at 13 TeV"
        )
        lines.insert(0, made)
    return lines


def sanity(table: pl.DataFrame) -> list[str]:
    """Checks of a published table in words: range and flatness, repeats, what columns give away."""
    mass = table["mass"].to_numpy()
    test = table.filter(pl.col("usage") != "train")
    low, middle, high = np.quantile(mass, (0.0, 0.5, 1.0))
    by_id, by_pt = (
        float(np.corrcoef(test[name].to_numpy(), test["mass"].to_numpy())[0, 1])
        for name in ("id", "pt")
    )
    repeated = len(mass) - len(np.unique(mass))
    return [
        f"{len(mass):,} jets, masses from {low:.1f} to {high:.1f} GeV, median {middle:.1f}, "
        f"{repeated:,} repeated",
        f"correlation of the mass with the id {by_id:+.3f}, with pt {by_pt:+.3f}",
    ]
