"""Names of columns that show a metric on some of the rows: ``ams@nominal``, ``ams@process=ttbar``.

What stands behind the @ is a variant, or a slice: a column of the solution and one of its values.
"""

AT, IS = "@", "="


def metric_and_place(column: str) -> tuple[str, str | None]:
    """The metric of a column, and the variant or slice that it is of; None for the whole split."""
    metric, at, place = column.partition(AT)
    return metric, place if at else None


def metric_of(column: str) -> str:
    """The metric of a column, wherever it is taken."""
    return metric_and_place(column)[0]
