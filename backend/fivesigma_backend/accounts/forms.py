"""Types of form fields. All are optional for the framework: a missing one is an empty one.

What is wrong with a field is said at the field, by the page, in our words.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Query

from .rules import LONGEST_EMAIL

Text = Annotated[str, Form()]
NextField = Annotated[str, Form(alias="next")]
NextQuery = Annotated[str, Query(alias="next")]


def typed(text: str) -> str:
    """What somebody typed, as a form gives it back; never a megabyte of it."""
    return text[: LONGEST_EMAIL + 1]
