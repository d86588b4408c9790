"""What is done about ids that come twice in a corpus, and about citations that are taken back."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from keci.corpus.census import REPEATED, Census, CensusTaker, Fate, SeenIds
from keci.corpus.records import Withdrawal
from keci.corpus.scan import CorpusScan, Sighting
from keci.documents import Document, Failure
from keci.errors import KeciError
from keci.files import Disk
from keci.formats.limits import refused_document
from keci.formats.stream import Deletion

LATEST, ALL = REVISIONS = ("latest", "all")
KEEP, SUFFIX, FAIL, UNCHECKED = REPEATED_IDS = ("keep", "suffix", "fail", "unchecked")
Judge = Callable[[Sighting], Fate | None]
_LARGE = 64 << 20
"""Bytes of input from which on a census is worth a word."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IdRules:
    """What a run does with records that are not the only ones of their id.

    ``revisions`` "latest" withdraws citations of PubMed XML that a DeleteCitation names later, or
    that come again later, by version, then by order; "all" reads them. ``repeated`` says what
    becomes of a record whose id has come before: it is kept, kept with a suffix (``ID~2``), or it
    fails; in any case it is counted, if not "unchecked".
    """

    revisions: str = LATEST
    repeated: str = KEEP

    @property
    def needs_census(self) -> bool:
        return self.revisions == LATEST or self.repeated != UNCHECKED

    def content(
        self, sighting: Sighting, fate: Fate, other_source: str
    ) -> Document | Failure | Withdrawal:
        """What is left of a document with a fate; ``other_source`` is what decided about it."""
        document, source, position = sighting.content, sighting.source, sighting.after.position
        if not isinstance(document, Document):
            raise TypeError(f"only documents have fates, got {type(document).__name__}")
        if fate.kind != REPEATED:
            return Withdrawal(source, position, document.id, fate.kind, other_source, fate.position)
        _log.debug("%s, record %d: the id %r came before", source, position, document.id)
        if self.repeated == SUFFIX:
            return replace(document, id=f"{document.id}~{fate.turn}")
        if self.repeated == FAIL:
            first = f"{other_source!r}, record {fate.position}"
            reason = f"the id {document.id!r} came before, in {first}"
            return refused_document(document, source, position, reason)
        return document


def take_census(
    scan: CorpusScan, rules: IdRules, path: Path | None = None, about: str = ""
) -> Census:
    """Read all ids of the inputs, or what an earlier process has left of that at ``path``.

    ``about`` tells what the census is of. Raises KeciError where there is no room for it.
    """
    with _explained():
        if path is None:
            return Census(_taken(scan, rules, "", about))
        if (found := Census.open(path, about)) is not None:
            return found
        partial = path.with_name(f"{path.name}.partial")
        partial.unlink(missing_ok=True)
        _taken(scan, rules, str(partial), about).close()
        disk = Disk()
        with disk.open(partial, partial.stat().st_size) as file:
            file.sync()
        disk.replace(partial, path)
        whole = Census.open(path, about)
        if whole is None:
            raise KeciError(f"the census {path} was changed while it was taken")
        return whole


def _taken(scan: CorpusScan, rules: IdRules, path: str, about: str) -> sqlite3.Connection:
    level = logging.INFO if (scan.total_bytes or 0) >= _LARGE else logging.DEBUG
    _log.log(level, "reading the ids of %d inputs first", len(scan.sources))
    taker = CensusTaker(path)
    number = -1
    for sighting in scan.read():
        content, after = sighting.content, sighting.after
        while number < after.source:
            number += 1
            taker.begin_input(number, after.read - (not isinstance(content, Deletion)))
        if isinstance(content, Deletion):
            taker.delete(after.read, content.id)
        elif isinstance(content, Document):
            taker.see(after.read - 1, content.id, is_citation=sighting.is_citation)
    return taker.settle(
        about, latest=rules.revisions == LATEST, repeated=rules.repeated != UNCHECKED
    )


def judge_by_census(census: Census, start: int) -> Judge:
    """The fates of records in order, from the one of index ``start`` on."""
    fates = census.fates(start)
    with _explained():
        awaited = next(fates, None)

    def judge(sighting: Sighting) -> Fate | None:
        nonlocal awaited
        is_record = not isinstance(sighting.content, Deletion)
        if awaited is None or not is_record or awaited[0] != sighting.after.read - 1:
            return None
        fate = awaited[1]
        with _explained():
            awaited = next(fates, None)
        return fate

    return judge


def judge_as_read(seen: SeenIds) -> Judge:
    """The fates of records of which only the earlier ones are known: they can but be repeated."""
    warned: set[str] = set()

    def judge(sighting: Sighting) -> Fate | None:
        content, after = sighting.content, sighting.after
        if isinstance(content, Deletion) and sighting.source not in warned:
            warned.add(sighting.source)
            _log.warning(
                "%s lists deleted citations; where an input is a pipe, they are not looked for",
                sighting.source,
            )
        if isinstance(content, Document):
            with _explained():
                return seen.see(content.id, after.source, after.position)
        return None

    return judge


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise KeciError(f"the ids of the inputs could not be sorted: {error}") from error
