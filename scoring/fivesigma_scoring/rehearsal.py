"""A rehearsal: a process that has scored once is quicker at it, and so are those it forks.

What the interpreter and numpy find out the first time (methods of types, loops for dtypes) is
written all over the memory; a child that has to do so copies every page that it touches.
"""

import contextlib
import json
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.compiled import write_phase
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.run import score_file
from fivesigma_scoring.selection.truth import SelectionTruth
from fivesigma_scoring.settings import PhaseScoring
from fivesigma_scoring.splits import PRIVATE, PUBLIC
from fivesigma_scoring.universe import Universe

EVENTS = 400
TIMES = 3
PHASE = PhaseScoring("rehearsal", "ams", ["signal_efficiency", "purity"])


def rehearse() -> None:
    """Score two small selections, one of them with replicas, in a folder that vanishes.

    It starts no thread, as a process that forks must not have one that has worked: small tables are
    read without polars. Where no folder can be made, nothing is rehearsed.
    """
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(prefix="fivesigma-") as name:
        folder = Path(name)
        ids = np.arange(EVENTS)
        _write_compiled(folder / "compiled", ids)
        for share in (1, 20):
            file = folder / f"{share}.csv"
            _write_prediction(file, ids, ids % share == 0)
            for _ in range(TIMES):
                outcome = score_file(file, file.name, folder / "compiled", PHASE.slug)
                json.dumps(outcome.as_json())


def _write_compiled(folder: Path, ids: NDArray[np.int64]) -> None:
    usage = np.where(ids % 4 < 2, PUBLIC, PRIVATE).astype(np.int8)
    truth = SelectionTruth(np.ones(ids.size), None, {PHASE.slug: usage}, label=ids % 2 == 0)
    universe = Universe.of(PredictionFormat(ids.size, "EventId"), ids)
    for name in ("universe", "truth"):
        (folder / name).mkdir(parents=True)
    universe.save(folder / "universe")
    truth.save(folder / "truth")
    write_phase(folder / "truth", PHASE, truth)


def _write_prediction(path: Path, ids: NDArray[np.int64], selected: NDArray[np.bool_]) -> None:
    rows = zip(ids.tolist(), selected.tolist(), strict=True)
    lines = [f"{one},0.{one},{'s' if chosen else 'b'}" for one, chosen in rows]
    path.write_text("\n".join(["EventId,Score,Class", *lines]) + "\n")
