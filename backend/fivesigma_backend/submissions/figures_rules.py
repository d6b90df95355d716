"""The rules of figures: who may see which, and how often making one is tried."""

from __future__ import annotations

from enum import StrEnum

from fivesigma_scoring.binning import Detail

MOST_ATTEMPTS = 3
SPLITS = ("public", "private")


class FiguresState(StrEnum):
    """What is left to do for the figures of a scored evaluation.

    `due`: their numbers are still to be made. `drawing`: some that are wanted have no pictures.
    """

    DUE = "due"
    DRAWING = "drawing"
    MADE = "made"
    FAILED = "failed"


UNFINISHED_FIGURES = (FiguresState.DUE, FiguresState.DRAWING)


def shown(*, organiser: bool, public: bool, private: bool) -> frozenset[tuple[str, Detail]]:
    """Splits and details of which somebody may see the figures; nothing else is for their eyes.

    `public` and `private` say whether the scores of that split are shown. While the private ones
    are not, nothing that helps to choose a cut is, and a hidden board hides one's own figures too.
    """
    if organiser:
        return frozenset((split, Detail.ORGANISER) for split in SPLITS)
    if private:
        return frozenset((split, Detail.PARTICIPANT_OPEN) for split in SPLITS)
    if public:
        return frozenset({("public", Detail.PARTICIPANT_BLIND)})
    return frozenset()
