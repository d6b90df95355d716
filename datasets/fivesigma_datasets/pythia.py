"""Starting the event generator (extra ``simulate``), which is imported only when it is needed."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

from fivesigma_datasets.errors import DataError

LARGEST_SEED = 900_000_000
"""Pythia's own limit."""


def require_generators() -> dict[str, str]:
    """Versions of the generators; an error that says how to install them."""
    names = ("pythia8mc", "fastjet", "awkward", "vector", "numpy", "polars")
    try:
        return {name: importlib.metadata.version(name) for name in names}
    except importlib.metadata.PackageNotFoundError as error:
        raise DataError(
            f"Simulating events needs the package {error.name}: "
            "install the extra with `pip install 'fivesigma[simulate]'`."
        ) from None


def started(settings: Sequence[str], seed: int, *, hooks: Any = None, source: Any = None) -> Any:
    """A Pythia that is ready for ``next`` or ``nextBatch``.

    ``seed`` is any number of 0 or more. ``source`` (an ``LHAup``) brings hard processes of one's
    own. The caller holds ``hooks`` and ``source`` as long as the generator runs.
    Raises ``RuntimeError`` for a setting that Pythia does not know or can't start with.
    """
    import pythia8mc

    generator = pythia8mc.Pythia("", False)
    seeded = ("Random:setSeed = on", f"Random:seed = {1 + seed % LARGEST_SEED}")
    for setting in ("Print:quiet = on", *settings, *seeded):
        if not generator.readString(setting):
            raise RuntimeError(f"Pythia does not know the setting {setting!r}")
    if hooks is not None:
        generator.setUserHooksPtr(hooks)
    if source is not None:
        generator.setLHAupPtr(source)
    if not generator.init():
        raise RuntimeError(f"Pythia could not start with {', '.join(settings)}")
    return generator
