"""What one job may use."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1 << 30
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use.

    Memory is judged by the resident set, because polars reserves far more address space than it
    uses; the limit on address space only stops a single absurd allocation before it is touched.
    `nice` is how far a job steps back where others want the processor, up to 19.
    """

    memory_bytes: int = GIB
    address_space_bytes: int = 4 * GIB
    cpu_seconds: float = 60
    wall_seconds: float = 120
    open_files: int = 64
    output_bytes: int = 4 * MIB
    file_bytes: int = 64 * MIB
    threads: int = 64
    nice: int = 0

    def __post_init__(self) -> None:
        """Refuse limits under which no job could run."""
        if self.address_space_bytes < 2 * GIB:
            raise ValueError("address_space_bytes must be at least 2 GiB: polars maps that much")
        smallest = min(
            self.memory_bytes, self.cpu_seconds, self.wall_seconds, self.output_bytes, self.threads
        )
        if smallest <= 0 or self.file_bytes < 0 or self.open_files < 16:
            raise ValueError("limits must be positive, and open_files at least 16")


DEFAULT_LIMITS = Limits()
