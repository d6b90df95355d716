"""What each page of a challenge costs in SQL statements, whatever the number of submissions."""

from __future__ import annotations

import pytest
from people import Browser
from statements import counted
from stories import Story

BUDGETS = {
    "/": 8,
    "/challenges/tiny": 9,
    "/challenges/tiny/data": 6,
    "/challenges/tiny/rules": 6,
    "/challenges/tiny/submit": 12,
    "/challenges/tiny/submissions": 9,
    "/challenges/tiny/leaderboard": 8,
    "/submissions/{id}": 10,
    "/account": 5,
}


@pytest.fixture
def ada(story: Story) -> tuple[Browser, str]:
    """A participant with two scored submissions, in a browser; the id of the last."""
    person = story.person("ada")
    for cut in (0.0, 0.5):
        identity = person.submit(story.prediction(cut)).json()["id"]
        story.drain()
    return Browser(story.web).log_in(story.platform, story.user("ada")), identity


@pytest.mark.parametrize("path", BUDGETS)
def test_a_page_asks_the_database_a_bounded_number_of_times(
    story: Story, ada: tuple[Browser, str], path: str
) -> None:
    browser, identity = ada
    with counted(story.platform.db) as statements:
        answer = browser.get(path.format(id=identity))
    assert answer.status_code == 200
    assert len(statements) <= BUDGETS[path], "\n\n".join(statements)
