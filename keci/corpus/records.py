"""The records of a corpus with their positions in it, and which of them a run takes."""

import hashlib
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from keci.documents import Document, Extraction, Failure
from keci.errors import UsageError

RECORDS_AT_ONCE = 512
CHARACTERS_AT_ONCE = 100_000
"""A chunk, inside which batches are made, ends with the record that reaches either number."""
FIRST_RECORDS = 64
"""The chunk that begins a corpus is an eighth of that, so that the first results come soon."""

Item = TypeVar("Item")
_HASH_RANGE = 2**64
_SHARD = re.compile(r"(\d+)/(\d+)")
_SHARE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(%?)")
_UNCERTAIN = re.compile(r"uncertain[ =:]*([1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a corpus was read.

    ``source`` inputs were read whole, then ``position`` records of the next; that makes ``read``
    records, of which limit and sample took ``taken`` (shards divide those). The ids of ``repeated``
    of these had come before.
    """

    source: int = 0
    position: int = 0
    read: int = 0
    taken: int = 0
    repeated: int = 0


START = Cursor()


DELETED, SUPERSEDED = "deleted", "superseded"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A record that the corpus itself takes back later, so that it is not extracted.

    ``by_source`` is the input that lists its id as ``deleted``, or has the later revision, record
    ``by_position``, by which it is ``superseded``.
    """

    source: str
    position: int
    id: str
    reason: str
    by_source: str
    by_position: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A document, or why there is none, with its 1-based ``position`` among its source's records.

    ``after`` is the cursor of a reader that has just read it, ``bytes_read`` how much of the
    inputs, as they are stored, lies before it at least.
    """

    source: str
    position: int
    content: Document | Failure | Withdrawal
    after: Cursor
    bytes_read: int = 0

    @property
    def ordinal(self) -> int:
        """Its index among all records that are taken, whatever their shard."""
        return self.after.taken - 1

    @property
    def characters(self) -> int:
        return len(self.content.text) if isinstance(self.content, Document) else 0


def records_of(source: str, contents: Iterable[Document | Failure]) -> Iterator[Record]:
    """What is no corpus of files as the records of one: numbered, and all of them taken."""
    for number, content in enumerate(contents, start=1):
        yield Record(source, number, content, Cursor(position=number, read=number, taken=number))


def chunks(items: Iterable[Item], record: Callable[[Item], Record]) -> Iterator[list[Item]]:
    """The items, each with its record, in groups, none empty.

    They depend on the records' ordinals and lengths alone, so that they are the same from the
    beginning of any of them on.
    """
    chunk: list[Item] = []
    total = 0
    for item in items:
        if not chunk:
            most = RECORDS_AT_ONCE if record(item).ordinal else min(FIRST_RECORDS, RECORDS_AT_ONCE)
        chunk.append(item)
        total += record(item).characters
        if len(chunk) >= most or total * RECORDS_AT_ONCE >= CHARACTERS_AT_ONCE * most:
            yield chunk
            chunk, total = [], 0
    if chunk:
        yield chunk


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a record."""

    record: Record
    outcome: Extraction | Failure | Withdrawal


Chunk = Sequence[Result]
"""Results of consecutive records; never empty."""


def documents_of(records: Iterable[Record]) -> list[Document]:
    """The documents among what records hold."""
    return [record.content for record in records if isinstance(record.content, Document)]


def results_of(records: Iterable[Record], outcomes: Iterable[Extraction | Failure]) -> list[Result]:
    """Each record with the next outcome where it holds a document, else with what it holds."""
    left = iter(outcomes)
    return [
        Result(record, next(left) if isinstance(record.content, Document) else record.content)
        for record in records
    ]


@dataclass(frozen=True, slots=True)
class Shard:
    """Every ``of``-th record, beginning with the one of that 1-based ``number``."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read ``K/N``; raises UsageError unless 1 <= K <= N."""
        found = _SHARD.fullmatch(text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"expected a shard as K/N with 1 <= K <= N, got {text!r}")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, ordinal: int) -> bool:
        return ordinal % self.of == self.number - 1

    def count(self, taken: int) -> int:
        """How many of the first ``taken`` records are its own."""
        return len(range(self.number - 1, taken, self.of))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records of a corpus are extracted.

    ``sample`` is the share of records that a hash of their ordinal chooses, ``limit`` ends the
    stream, and ``shard`` divides what these leave. ``positions``, where given, names the only
    records that are read, by source.
    """

    limit: int | None = None
    sample: float = 1.0
    shard: Shard = field(default_factory=Shard)
    positions: Mapping[str, Container[int]] | None = None

    def samples(self, ordinal: int) -> bool:
        if self.sample >= 1:
            return True
        digest = hashlib.blake2b(ordinal.to_bytes(8, "big"), digest_size=8).digest()
        return int.from_bytes(digest, "big") < self.sample * _HASH_RANGE

    def reads(self, source: str, position: int) -> bool:
        return self.positions is None or position in self.positions.get(source, ())


@dataclass(frozen=True, slots=True)
class Sample:
    """A ``share`` of the records that are read, or the ``uncertain`` least certain results."""

    share: float | None = None
    uncertain: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Sample":
        """Read ``0.05``, ``5%`` or ``uncertain 20``; raises UsageError on anything else.

        >>> Sample.parse("5%").share, Sample.parse("uncertain 20").uncertain
        (0.05, 20)
        """
        uncertain, found = _UNCERTAIN.fullmatch(text), _SHARE.fullmatch(text)
        if uncertain:
            return cls(uncertain=int(uncertain[1]))
        share = float(found[1]) / (100 if found[2] else 1) if found else 0.0
        if not 0 < share <= 1:
            raise UsageError(
                "expected a share above 0 and up to 1, as 0.05 or 5%, or the number of the least "
                f"certain records, as 'uncertain 20', got {text!r}"
            )
        return cls(share)
