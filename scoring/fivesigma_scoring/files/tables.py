"""Reading a table, whichever of the formats it comes in."""

from pathlib import Path

from fivesigma_scoring.files.container import read_capped
from fivesigma_scoring.files.delimited import read_delimited
from fivesigma_scoring.files.parquet import read_parquet
from fivesigma_scoring.files.table import Choose, Table


def read_table(path: Path, what: str, choose: Choose, max_bytes: int) -> Table:
    """Read the wanted columns of Parquet or text; `what` is as `container.identify` says.

    Raises
    ------
    InputRefusedError
        The file is refused; its `findings` say why, with line numbers.

    """
    if what == "parquet":
        return read_parquet(path, choose)
    return read_delimited(read_capped(path, what, max_bytes), choose)
