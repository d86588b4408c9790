"""Extractions as a pandas data frame."""

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from keci.documents import Extraction
from keci.errors import UsageError
from keci.formats.table import COLUMNS, RELATIONS, ROWS, rows_of

if TYPE_CHECKING:
    import pandas as pd


def to_frame(extractions: Iterable[Extraction], rows: str = RELATIONS) -> "pd.DataFrame":
    """A row for each relation, or for each mention with ``rows="mentions"``.

    The columns are those of ``keci-extract -o out.csv``; what is missing is None. Raises UsageError
    without pandas, and for other rows.
    """
    if rows not in ROWS:
        raise UsageError(f"rows are {' or '.join(ROWS)}, got {rows!r}")
    try:
        pandas: Any = importlib.import_module("pandas")
    except ImportError as error:
        raise UsageError("to_frame needs pandas: pip install pandas") from error
    found = [row for extraction in extractions for row in rows_of(extraction, rows)]
    frame: pd.DataFrame = pandas.DataFrame(found, columns=list(COLUMNS[rows]))
    return frame
