"""A count of all ids of a corpus before it is extracted: what is withdrawn, what comes twice.

Update files of PubMed list citations that were deleted, and bring revisions of citations that came
before; neither can be known while the earlier record is read. So the inputs are read once for their
ids alone. These go to a file of SQLite, which sorts outside of memory; what stays is a row for each
record with a fate, so that memory does not grow with the corpus. A record's fate depends on the
inputs and the options alone: every shard, and every resumed run, finds the same fates.
"""

import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Self

from keci.corpus.records import DELETED, SUPERSEDED

REPEATED = "repeated"
_BATCH = 10_000
_CENSUS_CACHE_KIB = 32_000
_RUNNING_CACHE_KIB = 4_000
"""Beside a run: what it saves is a few microseconds a record, and it fills as the run goes on."""

_PRAGMAS = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{kib};"
_TABLES = """
CREATE TABLE sighting (record INTEGER PRIMARY KEY, key BLOB, pmid INTEGER, version INTEGER);
CREATE TABLE deletion (pmid INTEGER, version INTEGER, before INTEGER, input INTEGER);
CREATE TABLE input (number INTEGER PRIMARY KEY, first INTEGER);
CREATE TABLE fate (record INTEGER PRIMARY KEY, kind TEXT, other INTEGER, turn INTEGER);
CREATE TABLE about (content TEXT);
"""
_DELETED = f"""
CREATE INDEX deletion_citation ON deletion (pmid, version);
INSERT INTO fate
SELECT record, '{DELETED}', min(input), 0 FROM sighting CROSS JOIN deletion USING (pmid, version)
WHERE before > record GROUP BY record;
"""
_SUPERSEDED = f"""
INSERT INTO fate
SELECT record, '{SUPERSEDED}', latest, 0 FROM (
    SELECT record, first_value(record) OVER (
        PARTITION BY pmid ORDER BY version DESC, record DESC
    ) AS latest
    FROM sighting WHERE pmid IS NOT NULL AND record NOT IN (SELECT record FROM fate)
) WHERE record != latest;
"""
_REPEATED = f"""
INSERT INTO fate
SELECT record, '{REPEATED}', first, turn FROM (
    SELECT record, first_value(record) OVER alike AS first, row_number() OVER alike AS turn
    FROM sighting WHERE record NOT IN (SELECT record FROM fate)
    WINDOW alike AS (PARTITION BY key ORDER BY record)
) WHERE turn > 1;
"""
_TIDIED = "DROP TABLE sighting; DROP TABLE deletion; VACUUM;"


@dataclass(frozen=True, slots=True)
class Fate:
    """What is known of a record beforehand.

    ``kind`` is deleted, superseded or repeated, ``input`` the number of the input that makes it so,
    ``position`` the record there (None for a list of deletions), ``turn`` how often the id of a
    repeated record has come, itself included.
    """

    kind: str
    input: int
    position: int | None
    turn: int


class CensusTaker:
    """Notes ids as they are read, then settles the fates.

    ``record`` is a record's index among all of the corpus.
    """

    def __init__(self, path: str) -> None:
        """Begin a file; an empty path gives one without a name, gone when it is closed."""
        self._base = _connect(path)
        self._base.executescript(_PRAGMAS.format(kib=_CENSUS_CACHE_KIB) + _TABLES)
        self._base.execute("BEGIN")
        self._sightings: list[tuple[int, bytes, int | None, int | None]] = []
        self._input = 0

    def begin_input(self, number: int, first: int) -> None:
        """Say that input ``number`` begins with the record at ``first``."""
        self._input = number
        self._base.execute("INSERT INTO input VALUES (?, ?)", (number, first))

    def see(self, record: int, document_id: str, *, is_citation: bool) -> None:
        pmid, version = citation_number(document_id) if is_citation else (None, None)
        self._sightings.append((record, id_key(document_id), pmid, version))
        if len(self._sightings) == _BATCH:
            self._flush()

    def delete(self, before: int, document_id: str) -> None:
        """Note a deletion that lies behind all records of a smaller index."""
        pmid, version = citation_number(document_id)
        if pmid is not None:
            row = (pmid, version, before, self._input)
            self._base.execute("INSERT INTO deletion VALUES (?, ?, ?, ?)", row)

    def settle(self, about: str, *, latest: bool, repeated: bool) -> sqlite3.Connection:
        """Find the fates: with ``latest`` the deleted and superseded, then the ``repeated``."""
        self._flush()
        self._base.execute("COMMIT")
        steps = (_DELETED + _SUPERSEDED if latest else "", _REPEATED if repeated else "", _TIDIED)
        self._base.executescript("".join(steps))
        self._base.execute("INSERT INTO about VALUES (?)", (about,))
        return self._base

    def _flush(self) -> None:
        self._base.executemany("INSERT INTO sighting VALUES (?, ?, ?, ?)", self._sightings)
        self._sightings = []

    def close(self) -> None:
        self._base.close()


class Census:
    """The fates of a corpus's records."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._firsts = [row[0] for row in base.execute("SELECT first FROM input ORDER BY number")]

    @classmethod
    def open(cls, path: Path, about: str) -> Self | None:
        """A census that was taken before; None where there is none, or one of something else."""
        if not path.is_file():
            return None
        base = _connect(f"{path.absolute().as_uri()}?mode=ro")
        try:
            if list(base.execute("SELECT content FROM about")) == [(about,)]:
                return cls(base)
        except sqlite3.DatabaseError:  # a file of another kind is taken anew
            pass
        base.close()
        return None

    def fates(self, start: int) -> Iterator[tuple[int, Fate]]:
        """Indices of records from ``start`` on with their fates, in order."""
        # rowid: what is the first column, which earlier versions called otherwise
        rows = self._base.execute("SELECT * FROM fate WHERE rowid >= ? ORDER BY rowid", (start,))
        for record, kind, other, turn in rows:
            yield record, self._fate(kind, other, turn)

    def _fate(self, kind: str, other: int, turn: int) -> Fate:
        if kind == DELETED:
            return Fate(kind, other, None, turn)
        number = bisect_right(self._firsts, other) - 1
        return Fate(kind, number, other - self._firsts[number] + 1, turn)

    def close(self) -> None:
        self._base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SeenIds:
    """The ids of a corpus that can be read only once, kept outside of memory."""

    def __init__(self) -> None:
        self._base = _connect("")
        self._base.executescript(
            _PRAGMAS.format(kib=_RUNNING_CACHE_KIB)
            + "CREATE TABLE seen (key BLOB PRIMARY KEY, turns, input, position) "
            "WITHOUT ROWID; BEGIN;"
        )

    def see(self, document_id: str, number: int, position: int) -> Fate | None:
        """What is known of a record of input ``number``: None where its id is new."""
        found = self._base.execute(
            "INSERT INTO seen VALUES (?, 1, ?, ?) ON CONFLICT DO UPDATE SET turns = turns + 1 "
            "RETURNING turns, input, position",
            (id_key(document_id), number, position),
        ).fetchone()
        turn, first_input, first_position = found
        return Fate(REPEATED, first_input, first_position, turn) if turn > 1 else None

    def close(self) -> None:
        self._base.close()


def _connect(path: str) -> sqlite3.Connection:
    """A connection that another thread may take over; one at a time uses it."""
    is_address = path.startswith("file:")
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, uri=is_address)


def id_key(document_id: str) -> bytes:
    """An id in 16 bytes."""
    return blake2b(document_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def citation_number(document_id: str) -> tuple[int | None, int | None]:
    """PMID and version of a citation's id; None twice where it is no number."""
    number, _, version = document_id.partition(".")
    parts = (number, version or "1")
    if not all(part.isascii() and part.isdecimal() and len(part) < 18 for part in parts):
        return None, None
    return int(number), int(parts[1])
