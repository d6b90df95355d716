"""The `fivesigma` command and Python client for participants and CI."""

from .answers import (
    Board,
    Challenge,
    File,
    Finding,
    Limits,
    Membership,
    Phase,
    Report,
    Row,
    Submission,
)
from .client import Client
from .errors import BadAnswer, FivesigmaError, Misused, Problem, StillWaiting, Unreachable

__all__ = [
    "BadAnswer",
    "Board",
    "Challenge",
    "Client",
    "File",
    "Finding",
    "FivesigmaError",
    "Limits",
    "Membership",
    "Misused",
    "Phase",
    "Problem",
    "Report",
    "Row",
    "StillWaiting",
    "Submission",
    "Unreachable",
]
