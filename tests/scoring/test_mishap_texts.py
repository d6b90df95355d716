"""The exact texts of findings on files whose reading or scoring ended without an answer."""

import pytest
from fivesigma_scoring import mishaps
from fivesigma_scoring.report import Finding

REWRITE = (
    "Write it again with the columns, shapes and types of the sample, or in another of the "
    "accepted formats."
)


@pytest.mark.parametrize(
    ("finding", "code", "text"),
    [
        (
            mishaps.reader_crashed(),
            "unreadable",
            "The program that reads the file crashed on it, so it is probably damaged. " + REWRITE,
        ),
        (
            mishaps.reading_too_slow(1200),
            "unreadable",
            "Reading the file took longer than 1,200 seconds and was stopped. " + REWRITE,
        ),
        (
            mishaps.reading_too_hungry(2 << 30),
            "too_large",
            "Reading the file needs more than the 2,048 MiB of memory that are allowed. " + REWRITE,
        ),
        (
            mishaps.scoring_failed(),
            "scoring_failed",
            "Scoring failed on our side; as far as we know your file is not the reason. "
            "Tell the organisers the reference number: they can have it scored again.",
        ),
    ],
    ids=["crash", "time", "memory", "ours"],
)
def test_mishap(finding: Finding, code: str, text: str) -> None:
    assert finding == Finding(code, "error", text)
