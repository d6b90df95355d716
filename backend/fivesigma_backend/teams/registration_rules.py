"""Who gets into a challenge by which policy, and what people may write there. Pure functions."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

LONGEST_MESSAGE = 500
LONGEST_LABEL = 80
# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@")
CODE_POLICIES = ("code", "roster")


class Decision(StrEnum):
    """How an application stands."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Step(StrEnum):
    """What comes of somebody's wish to take part."""

    LET_IN = "let in"
    ASK = "ask"
    WAIT = "wait"
    REFUSED = "refused"
    CODE_MISSING = "code missing"
    TRY_INVITE_CODE = "try the invite code"
    TRY_ROSTER_CODE = "try the roster code"


def step(policy: str, *, joined: bool, staff: bool, decision: Decision | None, code: bool) -> Step:
    """What to do with somebody who wants to take part, accepts the rules and is not banned.

    Who joined before, organisers and administrators are let in without any code, so that none is
    used up. `decision` is that of the organisers about an application, None without one.
    """
    if joined or staff or policy == "open":
        return Step.LET_IN
    if policy == "approval":
        return _ANSWERS[decision]
    if not code:
        return Step.CODE_MISSING
    return Step.TRY_ROSTER_CODE if policy == "roster" else Step.TRY_INVITE_CODE


_ANSWERS = {
    None: Step.ASK,
    Decision.WAITING: Step.WAIT,
    Decision.ACCEPTED: Step.LET_IN,
    Decision.REFUSED: Step.REFUSED,
}


def one_line(text: str) -> str:
    """`text` composed, with each run of spaces of any width as one; control characters stay."""
    composed = unicodedata.normalize("NFC", text)
    spaced = "".join(" " if unicodedata.category(one) == "Zs" else one for one in composed)
    return " ".join(part for part in spaced.split(" ") if part)


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet would compute `text`; wide forms of the signs count as well."""
    return unicodedata.normalize("NFKC", text).lstrip().startswith(FORMULA)


def line_problem(text: str, what: str, longest: int) -> str | None:
    """What is wrong with a line that organisers read and export, such as the reason of a ban."""
    if not text:
        return f"Give {what}."
    if len(text) > longest:
        return f"Keep {what} to {longest} characters."
    if not text.isprintable():
        return f"Leave control characters out of {what}."
    if starts_formula(text):
        return f"Begin {what} with a letter or a digit: spreadsheets compute what follows = + - @."
    return None
