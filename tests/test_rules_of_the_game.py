"""The table of rules names tests that exist, and every section of the rules stands in it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from rules_of_the_game import LATER, RULES

TESTS = Path(__file__).parent
PAGE = TESTS.parent.parent / "shared" / "design" / "semantics.md"
NAMED = sorted({name for rules in RULES.values() for names in rules.values() for name in names})


@cache
def names_in(file: str) -> frozenset[str]:
    text = (TESTS / f"{file}.py").read_text()
    return frozenset(re.findall(r"^def (test_\w+)\(", text, flags=re.MULTILINE))


@pytest.mark.parametrize("name", NAMED)
def test_each_test_of_the_table_exists(name: str) -> None:
    file, test = name.split("::")
    assert test in names_in(file)


def test_every_section_of_the_rules_stands_in_the_table() -> None:
    if not PAGE.is_file():
        pytest.skip("the page of the rules is not beside the project")
    sections = set(re.findall(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE))
    assert sections == set(RULES) | LATER
