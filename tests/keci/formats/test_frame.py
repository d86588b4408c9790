"""Extractions as a pandas data frame."""

import pytest

from keci.errors import UsageError
from keci.formats.frame import to_frame
from keci.formats.table import COLUMNS
from tests.keci.formats.test_table import EXAMPLE

pytest.importorskip("pandas")


def test_rows_are_those_of_the_table() -> None:
    relations, mentions = to_frame([EXAMPLE]), to_frame([EXAMPLE, EXAMPLE], "mentions")
    assert tuple(relations.columns) == COLUMNS["relations"]
    assert relations.loc[0, "tail_name"] == "=Abcillin"
    assert (len(relations), len(mentions)) == (1, 4)
    assert mentions["score"].mean() == pytest.approx(0.85)


def test_nothing_is_an_empty_frame() -> None:
    assert tuple(to_frame([]).columns) == COLUMNS["relations"]


def test_other_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="relations or mentions"):
        to_frame([], "documents")
