"""A challenge's folder at hand: what scoring needs of its `challenge.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import Misused

if TYPE_CHECKING:
    from fivesigma_scoring import PhaseScoring, TestSetSpec

COPIED = (
    "min_selected",
    "max_bytes",
    "max_expanded_bytes",
    "group",
    "variants",
    "slices",
    "classes",
    "shape",
)


@dataclass(frozen=True)
class LocalPhase:
    """A phase of a local challenge, ready to be scored."""

    solution: Path
    sample: Path
    test_set: TestSetSpec
    phase: PhaseScoring


def read_phase(folder: Path, slug: str | None) -> LocalPhase:
    """The phase `slug` (or the only one) of the challenge in `folder`. Raises Misused."""
    toml = _read_toml(folder / "challenge.toml")
    try:
        phase = _choose(toml["phases"], slug)
        test_set = toml["test_sets"][phase.get("test_set", "main")]
        return LocalPhase(
            solution=_inside(folder, test_set["solution"]),
            sample=_inside(folder, test_set["sample"]),
            test_set=replace(
                _test_set(toml["kind"], test_set), training=_training(folder, toml.get("files", {}))
            ),
            phase=_phase(phase),
        )
    except KeyError as error:
        raise Misused(f"challenge.toml: {error.args[0]} is missing.") from error
    except (TypeError, AttributeError) as error:
        raise Misused(
            "challenge.toml is not as it should be; `fivesigma-server challenge load` says where."
        ) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Misused(f"{path} is not there: give the folder of a challenge.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misused(f"{path}: {error}.") from error


def _choose(phases: list[dict[str, Any]], slug: str | None) -> dict[str, Any]:
    chosen = [phase for phase in phases if slug in (None, phase["slug"])]
    if len(chosen) != 1:
        names = ", ".join(str(phase["slug"]) for phase in phases)
        raise Misused(f"Name the phase with --phase. The phases are: {names}.")
    return chosen[0]


def _training(folder: Path, files: Mapping[str, Any]) -> Path | None:
    """The published training file, whose range a regression is held against."""
    return _inside(folder, files["train"]["path"]) if "train" in files else None


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise Misused(f"challenge.toml: {name} is outside of the challenge's folder.")
    return path


def _test_set(kind: str, table: Mapping[str, Any]) -> TestSetSpec:
    from fivesigma_scoring import SplitSpec, TestSetSpec

    split = table.get("split")
    if split is not None and "seed" not in split:
        raise Misused(
            "challenge.toml: the split has no seed; add the one that loading has printed."
        )
    limits = {name: table[name] for name in COPIED if name in table}
    bounds = table.get("range")
    return TestSetSpec(
        kind=kind,
        usage=table.get("usage") or "usage",
        split=None if split is None else SplitSpec(**split),
        bounds=None if bounds is None else (bounds[0], bounds[1]),
        **limits,
    )


def _phase(table: Mapping[str, Any]) -> PhaseScoring:
    from fivesigma_scoring import PhaseScoring

    gates = [gate["metric"] for gate in table.get("gates", [])]
    return PhaseScoring(
        slug=table["slug"],
        metric=table["metric"],
        metrics=[*table.get("metrics", []), *table.get("tie_break", []), *gates],
        options=table.get("options", {}),
        normalise=table.get("normalise"),
        variant_rank=table.get("variant_rank", "nominal"),
    )
