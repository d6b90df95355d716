"""What a participant is told when the process that reads or scores a file has died."""

from fivesigma_scoring.report import Finding

REWRITE = (
    "Write it again with the columns, shapes and types of the sample, or in another of the "
    "accepted formats."
)


def reader_crashed() -> Finding:
    """Reading ended by a signal or an unforeseen exception."""
    text = f"The program that reads the file crashed on it, so it is probably damaged. {REWRITE}"
    return Finding("unreadable", "error", text)


def reading_too_slow(seconds: float) -> Finding:
    """Reading was stopped after `seconds`."""
    text = f"Reading the file took longer than {seconds:,g} seconds and was stopped. {REWRITE}"
    return Finding("unreadable", "error", text)


def reading_too_hungry(limit: int) -> Finding:
    """Reading was stopped when it needed more than `limit` bytes of memory."""
    text = (
        f"Reading the file needs more than the {limit / 2**20:,.0f} MiB of memory that are "
        f"allowed. {REWRITE}"
    )
    return Finding("too_large", "error", text)


def scoring_failed() -> Finding:
    """The fault is not the file's, as far as anybody knows."""
    text = (
        "Scoring failed on our side; as far as we know your file is not the reason. "
        "Tell the organisers the reference number: they can have it scored again."
    )
    return Finding("scoring_failed", "error", text)
