"""All entries, layer by layer."""

from corpus import (
    archives,
    arrays,
    containers,
    hdf5s,
    masks,
    parquets,
    text_shape,
    text_values,
)
from corpus.entry import Entry

MODULES = (text_shape, text_values, containers, parquets, arrays, archives, hdf5s, masks)
ALL: tuple[tuple[str, Entry], ...] = tuple(
    (module.LAYER, entry) for module in MODULES for entry in module.ENTRIES
)
