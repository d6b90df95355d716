"""The built-in challenges and the ways to their data.

``prepare`` writes a complete challenge folder: card, ``challenge.toml``, published files,
solution and sample submission. Small data are shipped with the package, full data are simulated on
the spot (extra ``simulate``), official data are imported from the published files.
"""

import datetime as dt
import secrets
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.higgsml import prepare as higgsml
from fivesigma_datasets.higgsml.reference import demo_submissions as higgsml_demo
from fivesigma_datasets.lartpc import prepare as lartpc
from fivesigma_datasets.lartpc.reference import demo_submissions as lartpc_demo
from fivesigma_datasets.paces import PACES, check_pace, paced
from fivesigma_datasets.topmass import prepare as topmass
from fivesigma_datasets.topmass.reference import demo_submissions as topmass_demo
from fivesigma_datasets.toptag import prepare as toptag
from fivesigma_datasets.toptag.reference import demo_submissions as toptag_demo

__all__ = [
    "BUILTINS",
    "PACES",
    "Builtin",
    "DataError",
    "builtin",
    "demo_submissions",
    "prepare",
]

Report = Callable[[str], None]


class Generate(Protocol):
    """Simulate events into a new folder."""

    def __call__(
        self,
        out: Path,
        *,
        events: int,
        seed: int,
        processes: int,
        progress: Callable[[int, int, str], None],
        report: Report,
    ) -> None: ...


class ImportFiles(Protocol):
    """Turn published files into a new folder."""

    def __call__(self, files: Sequence[Path], out: Path, *, seed: int, report: Report) -> None: ...


@dataclass(frozen=True)
class Builtin:
    """A challenge that ships with the package."""

    name: str
    full_events: int
    small: Callable[[Path, Report], None]
    generate: Generate
    import_files: ImportFiles
    demo_submissions: Callable[[Path], list[tuple[str, str, bytes]]]


BUILTINS = {
    "higgsml": Builtin(
        name="higgsml",
        full_events=higgsml.FULL_EVENTS,
        small=higgsml.small,
        generate=higgsml.generate,
        import_files=higgsml.import_files,
        demo_submissions=higgsml_demo,
    ),
    "topmass": Builtin(
        name="topmass",
        full_events=topmass.FULL_EVENTS,
        small=topmass.small,
        generate=topmass.generate,
        import_files=topmass.import_files,
        demo_submissions=topmass_demo,
    ),
    "lartpc": Builtin(
        name="lartpc",
        full_events=lartpc.images.full_events,
        small=lartpc.images.small,
        generate=lartpc.images.generate,
        import_files=lartpc.images.import_files,
        demo_submissions=lartpc_demo,
    ),
    "lartpc-3d": Builtin(
        name="lartpc-3d",
        full_events=lartpc.voxels.full_events,
        small=lartpc.voxels.small,
        generate=lartpc.voxels.generate,
        import_files=lartpc.voxels.import_files,
        demo_submissions=lartpc_demo,
    ),
    "toptag": Builtin(
        name="toptag",
        full_events=toptag.FULL_EVENTS,
        small=toptag.small,
        generate=toptag.generate,
        import_files=toptag.import_files,
        demo_submissions=toptag_demo,
    ),
}


def builtin(name: str) -> Builtin:
    """The built-in challenge of that name."""
    if name not in BUILTINS:
        raise DataError(
            f"There is no built-in challenge {name!r}; there are: {', '.join(BUILTINS)}."
        )
    return BUILTINS[name]


def prepare(
    name: str,
    out: Path,
    *,
    size: Literal["small", "full"] = "small",
    data: Sequence[Path] = (),
    seed: int | None = None,
    processes: int = 1,
    pace: str | None = None,
    opens: dt.datetime | None = None,
    report: Report = lambda _line: None,
) -> None:
    """Write the complete folder of a built-in challenge to ``out``, new or empty.

    ``data`` (published files) comes before ``size``. ``seed`` decides the simulation and the
    split; a real event keeps it secret. Without one a random seed is drawn and not kept.
    ``pace`` (of ``PACES``) sets limits and moves all dates, so that the event begins at ``opens``,
    now unless given. Raises ``DataError``.
    """
    challenge = builtin(name)
    check_pace(pace, opens)
    if seed is not None and seed < 0:
        raise DataError("The seed must be 0 or more.")
    chosen = secrets.randbits(48) if seed is None else seed
    if data:
        challenge.import_files(data, out, seed=chosen, report=report)
    elif size == "small":
        challenge.small(out, report)
    else:
        challenge.generate(
            out,
            events=challenge.full_events,
            seed=chosen,
            processes=processes,
            progress=_in_percent(report),
            report=report,
        )
    if pace is not None:
        settings = out / "challenge.toml"
        text = paced(settings.read_text(), pace, opens or dt.datetime.now(dt.UTC))
        settings.write_text(text)


def demo_submissions(folder: Path) -> list[tuple[str, str, bytes]]:
    """File name, message and content of reference submissions to a prepared challenge folder.

    Made from the published files alone, worst first.
    """
    settings = tomllib.loads((folder / "challenge.toml").read_text())
    return builtin(settings["slug"]).demo_submissions(folder)


def _in_percent(report: Report) -> Callable[[int, int, str], None]:
    """Progress as lines, one per five per cent."""
    told = -1

    def progress(done: int, total: int, what: str) -> None:
        nonlocal told
        if 20 * done // total > told:
            told = 20 * done // total
            report(f"{5 * told} % of {total:,} events ({what})")

    return progress
