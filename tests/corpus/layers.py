"""All entries, layer by layer."""

from corpus import (
    archives,
    arrays,
    bombs,
    containers,
    hdf5_damage,
    hdf5s,
    masks,
    parquet_lies,
    parquets,
    text_shape,
    text_values,
)
from corpus.entry import Entry

MODULES = (
    *(text_shape, text_values, containers, bombs),
    *(parquets, parquet_lies, arrays, archives, hdf5s, hdf5_damage, masks),
)
ALL: tuple[tuple[str, Entry], ...] = tuple(
    (module.LAYER, entry) for module in MODULES for entry in module.ENTRIES
)
