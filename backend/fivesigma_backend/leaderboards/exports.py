"""Boards as tables: Kaggle's columns first."""

from __future__ import annotations

from typing import Any

from ..core.clock import rfc3339
from ..core.sheets import Kind, Sheet
from ..core.sheets import as_csv as csv_of
from ..core.sheets import as_parquet as parquet_of
from .schemas import BoardOut, RowOut

KAGGLE_COLUMNS: dict[str, Kind] = {
    "Rank": "integer",
    "TeamId": "text",
    "TeamName": "text",
    "LastSubmissionDate": "text",
    "Score": "number",
    "SubmissionCount": "integer",
    "TeamMemberUserNames": "text",
}
LAST_COLUMNS: dict[str, Kind] = {
    "Mark": "text",
    "Move": "integer",
    "Late": "truth",
    "Carried": "truth",
    "Staff": "truth",
}


def board_sheet(board: BoardOut) -> Sheet:
    """Kaggle's columns, then sigma, each metric with its sigma, and how the row stands."""
    further = [name for name in board.metrics if name != board.metric]
    scores: dict[str, Kind] = {c: "number" for name in further for c in (name, f"{name}_sigma")}
    columns = {**KAGGLE_COLUMNS, "Sigma": "number", **scores, **LAST_COLUMNS}
    return Sheet(columns, [_record(board, row) for row in board.rows])


def _record(board: BoardOut, row: RowOut) -> dict[str, Any]:
    further: dict[str, Any] = {}
    last = row["last_submitted_at"]
    for name in board.metrics:
        if name != board.metric:
            score = row["metrics"].get(name, {})
            further |= {name: score.get("value"), f"{name}_sigma": score.get("sigma")}
    return {
        "Rank": row["rank"],
        "TeamId": row["team_id"],
        "TeamName": row["team"],
        "LastSubmissionDate": rfc3339(last) if last else None,
        "Score": row["score"],
        "SubmissionCount": row["entries"],
        "TeamMemberUserNames": ", ".join(row["members"]),
        "Sigma": row["sigma"],
        **further,
        "Mark": row["mark"],
        "Move": row["move"],
        "Late": row["late"],
        "Carried": row["carried"],
        "Staff": row["staff"],
    }


def as_csv(board: BoardOut) -> str:
    """The board as CSV."""
    return csv_of(board_sheet(board)).decode()


def as_parquet(board: BoardOut) -> bytes:
    """The board as a Parquet file."""
    return parquet_of(board_sheet(board))
