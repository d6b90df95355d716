"""Figures as they stand in the database, for tests that need no scorer and no drawing library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fivesigma_backend.core.ids import new_id
from fivesigma_backend.submissions.figures_rules import FiguresState
from fivesigma_backend.submissions.models import Evaluation, StoredFigure
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.layers import Steps
from sqlalchemy import select, update
from stories import Story

DETAILS = {
    "public": ("participant_blind", "participant_open", "organiser"),
    "private": ("participant_open", "organiser"),
}
PICTURES = ("light.svg", "light.png", "dark.svg", "dark.png")


def steps(title: str = "A distribution", value: float = 50.0) -> Figure:
    """A figure with one layer."""
    layer = Steps(edges=[0.0, 1.0, 2.0], values=[value, value / 2])
    return Figure("score", title, "Score", "Events", [layer])


def plant_figures(
    story: Story, *, drawn: bool = True, values: dict[tuple[str, str], float] | None = None
) -> dict[tuple[str, str], str]:
    """One figure for each split and detail of the only evaluation; titles by (split, detail).

    The bytes of a picture hold the title of its figure; `values` are numbers in place of 50.
    """
    titles = {
        (split, detail): f"{split} {detail}" for split in DETAILS for detail in DETAILS[split]
    }
    with story.platform.db.transaction() as session:
        evaluation = session.scalars(select(Evaluation)).one()
        for position, (place, title) in enumerate(titles.items()):
            value = (values or {}).get(place, 50.0)
            if value != 50.0:
                title = titles[place] = f"{title} {value}"
            row = _row(evaluation.id, position, place, steps(title, value))
            if drawn:
                row.wanted, row.images = True, pictures(story, title)
            session.add(row)
        evaluation.figures_state = FiguresState.MADE
    return titles


def _row(evaluation: str, position: int, place: tuple[str, str], figure: Figure) -> StoredFigure:
    return StoredFigure(
        id=new_id(),
        evaluation_id=evaluation,
        split=place[0],
        detail=place[1],
        position=position,
        name=figure.name,
        title=figure.title,
        note=figure.note,
        data=figure.as_json(),
        wanted=False,
    )


def pictures(story: Story, words: str) -> dict[str, str]:
    """Four blobs that are no pictures, with `words` in them."""
    return {form: put(story, f"<svg>{words} {form}</svg>") for form in PICTURES}


def put(story: Story, words: str) -> str:
    """A blob with these words; its SHA-256."""
    path: Path = story.platform.storage.spool / new_id()
    path.write_text(words)
    return story.platform.storage.put(path)


def change_figures(story: Story, **values: Any) -> None:
    """Change columns of every figure."""
    with story.platform.db.transaction() as session:
        session.execute(update(StoredFigure).values(**values))


def figure_rows(story: Story) -> list[StoredFigure]:
    """Every figure there is."""
    with story.platform.db.read() as session:
        return list(session.scalars(select(StoredFigure).order_by(StoredFigure.position)))


def figures_state(story: Story) -> tuple[str | None, int]:
    """State and tries of the only evaluation's figures."""
    with story.platform.db.read() as session:
        found = session.scalars(select(Evaluation)).one()
    return found.figures_state, found.figures_tries


def titles_of(items: Iterable[dict[str, Any]]) -> list[str]:
    """The titles in the order of an answer."""
    return [item["title"] for item in items]
