"""No room for what is known of ids is an error of the machine, told in one line."""

import sqlite3

import pytest

from keci.corpus.census import SeenIds
from keci.corpus.identity import judge_as_read
from keci.corpus.records import Cursor
from keci.corpus.scan import Sighting
from keci.documents import Document
from keci.errors import KeciError


def test_a_full_disk_is_told_while_a_pipe_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = SeenIds()
    seen._base.execute("PRAGMA max_page_count = 3")
    judge = judge_as_read(seen)

    def read_many() -> None:
        for number in range(100_000):
            document = Document(f"id {number}", "")
            judge(Sighting("in", document, Cursor(0, number + 1), True, False))

    with pytest.raises(KeciError, match="could not be sorted") as caught:
        read_many()
    assert isinstance(caught.value.__cause__, sqlite3.Error)
