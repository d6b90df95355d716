"""What may still change of a live challenge: the table that updates obey and pages show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What comes of a change."""

    FREE = "may change"
    RESTAND = "boards are ranked again at once"
    RESCORE = "a re-scoring"
    FROZEN = "frozen"


@dataclass(frozen=True)
class Rule:
    """What a change means once there are submissions, and once the phase is unblinded."""

    submitted: Effect
    unblinded: Effect


FREE = Rule(Effect.FREE, Effect.FREE)
TIMES = Rule(Effect.FREE, Effect.FROZEN)  # they decided who could hand in what
TRUTH = Rule(Effect.RESCORE, Effect.RESCORE)  # an error in it must be put right at any time
SCORES = Rule(Effect.RESCORE, Effect.FROZEN)  # who wins may not be chosen once it is known …
RANKS = Rule(Effect.RESTAND, Effect.FROZEN)  # … and neither may the rule that says who does
FIXED = Rule(Effect.FROZEN, Effect.FROZEN)  # predictions were made for it

CHALLENGE_KEYS: Mapping[str, Rule] = {
    **dict.fromkeys(("slug", "kind"), FIXED),
    **dict.fromkeys(("title", "summary", "card", "rules", "timezone", "hardware"), FREE),
    **dict.fromkeys(("truth_public", "visibility", "organisers", "help_url"), FREE),
    **dict.fromkeys(("registration", "teams", "files"), FREE),
}
TEST_SET_KEYS: Mapping[str, Rule] = {
    **dict.fromkeys(("solution", "sample", "usage", "split", "group", "variants"), TRUTH),
    **dict.fromkeys(("slices", "range", "min_selected"), TRUTH),
    **dict.fromkeys(("classes", "shape"), FIXED),
    **dict.fromkeys(("max_bytes", "max_expanded_bytes", "plausible"), FREE),
}
PHASE_KEYS: Mapping[str, Rule] = {
    **dict.fromkeys(("slug", "test_set"), FIXED),
    **dict.fromkeys(("options", "normalise", "metrics"), TRUTH),
    **dict.fromkeys(("metric", "gates", "tie_break", "variant_rank"), SCORES),
    **dict.fromkeys(("finals", "public_rule", "board", "freeze_at"), RANKS),
    **dict.fromkeys(("opens", "closes", "unblind", "unblind_at"), TIMES),
    **dict.fromkeys(("carry_over", "carry_from"), TIMES),
    **dict.fromkeys(("title", "limits", "uploads", "late"), FREE),
}
TABLES: Mapping[str, Mapping[str, Rule]] = {
    "challenge": CHALLENGE_KEYS,
    "test_sets": TEST_SET_KEYS,
    "phases": PHASE_KEYS,
}


def keys(table: Mapping[str, Rule], effect: Effect) -> tuple[str, ...]:
    """The keys of a table whose change has this effect once there are submissions."""
    return tuple(key for key, rule in table.items() if rule.submitted is effect)


def grouped(table: Mapping[str, Rule]) -> list[tuple[Rule, list[str]]]:
    """The keys of a table by their rule, the strictest first: how people read it."""
    found: dict[Rule, list[str]] = {}
    for key, rule in table.items():
        found.setdefault(rule, []).append(key)
    strict = list(Effect)
    return sorted(found.items(), key=lambda one: -strict.index(one[0].submitted))


def as_markdown() -> str:
    """All tables as one of Markdown, as `backend/EDITING.md` has it."""
    lines = ["| keys | with submissions | unblinded |", "|---|---|---|"]
    for name, table in TABLES.items():
        for rule, found in grouped(table):
            named = ", ".join(f"`{key}`" for key in found)
            place = name.replace("_", " ")
            lines.append(f"| {place}: {named} | {rule.submitted} | {rule.unblinded} |")
    return "\n".join(lines)
