"""Boards as files: CSV with Kaggle's columns first, JSON, Parquet."""

from __future__ import annotations

import csv
import io
from typing import Any

from ..core.clock import rfc3339
from .schemas import BoardOut, RowOut

KAGGLE_COLUMNS = (
    "Rank",
    "TeamId",
    "TeamName",
    "LastSubmissionDate",
    "Score",
    "SubmissionCount",
    "TeamMemberUserNames",
)


def columns_of(board: BoardOut) -> list[str]:
    """Kaggle's columns, then sigma, then each metric with its sigma."""
    further = [name for name in board.metrics if name != board.metric]
    return [*KAGGLE_COLUMNS, "Sigma", *(c for name in further for c in (name, f"{name}_sigma"))]


def records(board: BoardOut) -> list[dict[str, Any]]:
    """One flat record per row."""
    return [_record(board, row) for row in board.rows]


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
    }


def as_csv(board: BoardOut) -> str:
    """The board as CSV. Names can't start a formula: such names are refused when they are made."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns_of(board), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(records(board))
    return text.getvalue()


def as_parquet(board: BoardOut) -> bytes:
    """The board as a Parquet file."""
    import polars  # takes a moment to load, and only this needs it

    file = io.BytesIO()
    polars.DataFrame(records(board), schema=_parquet_schema(board)).write_parquet(file)
    return file.getvalue()


def _parquet_schema(board: BoardOut) -> dict[str, Any]:
    import polars

    texts = {"TeamId", "TeamName", "LastSubmissionDate", "TeamMemberUserNames"}
    counts = {"Rank", "SubmissionCount"}
    return {
        name: polars.String if name in texts else polars.Int64 if name in counts else polars.Float64
        for name in columns_of(board)
    }
