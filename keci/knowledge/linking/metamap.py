"""What other programs say about texts: fielded MMI, XML and JSON of MetaMap, and plain JSON."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from lxml import etree

from keci.errors import DataError
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.linking.linker import ConceptMention
from keci.knowledge.linking.plain_mentions import plain_mentions, plain_records
from keci.printable import printable
from keci.text.words import find_words

_BOM = b"\xef\xbb\xbf"
_LOGGER = logging.getLogger(__name__)
_TRIGGER = re.compile(
    r'"(?:[^"\\]|\\.){0,1000}"-[a-zA-Z]{1,100}-\d{1,9}-"((?:[^"\\]|\\.){0,1000})"-[^,\]]*'
)
_POSITION = re.compile(r"(\d{1,12})[/:](\d{1,12})")
_MMI_FIELDS = 9
_LARGEST = 2**53
"""MetaMapLite's; MetaMap adds the numbers of a concept in MeSH's tree."""


class ForeignCandidate(NamedTuple):
    """A concept that a program found at characters ``start`` to ``end`` of a document.

    ``surface`` is the text that it claims to stand there, empty if it does not say; a higher
    ``score`` is a better candidate. ``pieces`` is the number of places that it is made of; several
    lie between ``start`` and ``end``.
    """

    document: str
    cui: str
    start: int
    end: int
    score: float
    surface: str = ""
    pieces: int = 1


def read_metamap(path: Path) -> Iterator[ForeignCandidate]:
    """Candidates in file order; the form is known by the first character.

    Raises DataError where the file is none of the forms or damaged.
    """
    with path.open("rb") as stream:
        first = stream.read(4096).removeprefix(_BOM).lstrip()[:1]
    if first == b"<":
        yield from _read_xml(path)
    elif first in {b"{", b"["}:
        records = plain_records(path.read_bytes().removeprefix(_BOM))
        if records is None:
            yield from _read_json(path)
        else:
            yield from (ForeignCandidate(*found) for found in plain_mentions(records, path))
    else:
        yield from _read_mmi(path)


def _read_mmi(path: Path) -> Iterator[ForeignCandidate]:
    with path.open(encoding="utf-8-sig", errors="strict") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                fields = line.rstrip("\n").split("|")
                if len(fields) > 1 and fields[1] == "MMI":
                    yield from _mmi_candidates(fields, f"{path}:{number}")
                elif line.strip() and (len(fields) < 2 or fields[1] not in {"AA", "UA"}):
                    found = printable(line, 80)
                    raise DataError(f"{path}:{number}: expected fielded MMI, found {found!r}")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8: {error}") from error


def _mmi_candidates(fields: list[str], where: str) -> Iterator[ForeignCandidate]:
    """One candidate per position; positions of one trigger stand between semicolons."""
    if len(fields) < _MMI_FIELDS:
        raise DataError(f"{where}: expected {_MMI_FIELDS} fields or more, found {len(fields)}")
    if not _POSITION.search(fields[8]):
        raise DataError(
            f"{where}: expected positions such as 17/12 or 17:12, found {fields[8][:40]!r}"
        )
    surfaces = [match[1].replace('\\"', '"') for match in _TRIGGER.finditer(fields[6])]
    groups = fields[8].split(";")
    for rank, group in enumerate(groups):
        surface = surfaces[rank] if len(surfaces) == len(groups) else ""
        for part in _parts(group):
            spans = [(int(start), int(length)) for start, length in _POSITION.findall(part)]
            if spans:
                (start, _), (last, length) = spans[0], spans[-1]
                score, end = _number(fields[2], where), last + length
                yield ForeignCandidate(fields[0], fields[4], start, end, score, surface, len(spans))


def _parts(group: str) -> list[str]:
    """``[1/2],[3/4]`` are two spans, ``1/2,3/4`` is a span in two pieces."""
    return re.findall(r"\[([^\[\]]*)\]", group) if "[" in group else [group]


def _read_xml(path: Path) -> Iterator[ForeignCandidate]:
    document = ""
    try:
        context = etree.iterparse(
            str(path),
            tag=("PMID", "Candidate"),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
        )
        for _, element in context:
            if element.tag == "PMID":
                document = element.text or ""
            elif _is_mapped(element):
                record = {
                    "CandidateCUI": element.findtext("CandidateCUI"),
                    "CandidateScore": element.findtext("CandidateScore"),
                    "ConceptPIs": [
                        {"StartPos": item.findtext("StartPos"), "Length": item.findtext("Length")}
                        for item in element.iterfind("ConceptPIs/ConceptPI")
                    ],
                }
                yield from _candidate(document, record, str(path))
                element.clear()
    except etree.XMLSyntaxError as error:
        raise DataError(f"{path} is not whole XML: {error}") from error


def _is_mapped(element: Any) -> bool:
    parent = element.getparent()
    return parent is not None and parent.tag == "MappingCandidates"


def _read_json(path: Path) -> Iterator[ForeignCandidate]:
    try:
        record = orjson.loads(path.read_bytes().removeprefix(_BOM))
        for document in record["AllDocuments"]:
            for utterance in document["Document"]["Utterances"]:
                for phrase in utterance["Phrases"]:
                    for mapping in phrase["Mappings"]:
                        for candidate in mapping["MappingCandidates"]:
                            yield from _candidate(utterance["PMID"], candidate, str(path))
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path} is not whole JSON: {error}") from error
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} is no JSON of MetaMap: {error!r}") from error


def _candidate(document: str, record: Mapping[str, Any], where: str) -> Iterator[ForeignCandidate]:
    """The candidate; MetaMap's scores are negative, the lowest best."""
    if not isinstance(document, str):
        raise TypeError(f"a PMID that is no text: {printable(repr(document))}")
    pieces = record["ConceptPIs"]
    if pieces:
        start = int(_number(pieces[0]["StartPos"], where))
        last, length = (int(_number(pieces[-1][name], where)) for name in ("StartPos", "Length"))
        score, cui = -_number(record["CandidateScore"], where), record["CandidateCUI"]
        yield ForeignCandidate(document, cui, start, last + length, score, "", len(pieces))


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: expected a number, found {printable(repr(value))}") from error
    if not abs(number) < _LARGEST:
        raise DataError(f"{where}: expected a number, found {printable(repr(value))}")
    return number


class ForeignMentions:
    """The mentions of documents by id, as ``candidates`` of another program place them.

    What cannot be used is counted: ``split`` candidates in several pieces (a mention is one
    span), ``unknown`` concepts that the knowledge base does not have,
    ``misplaced`` candidates whose span is no run of whole words of the text or whose surface stands
    elsewhere, ``unmatched`` those of documents that were never asked for; ``placed`` were used.
    """

    def __init__(
        self,
        candidates: Iterable[ForeignCandidate],
        knowledge_base: KnowledgeBase,
        *,
        max_candidates: int = 6,
    ) -> None:
        self.max_candidates = max_candidates
        self.split = 0
        self.unknown = 0
        self.misplaced = 0
        self.placed = 0
        self._asked: set[str] = set()
        indices = _IndexById(knowledge_base)
        self._by_document: dict[str, list[tuple[ForeignCandidate, int]]] = defaultdict(list)
        for candidate in candidates:
            index = indices.find(candidate.cui)
            if candidate.pieces > 1:
                self.split += 1
            elif index is None:
                self.unknown += 1
            else:
                self._by_document[candidate.document].append((candidate, index))

    @property
    def unmatched(self) -> int:
        return sum(
            len(found) for name, found in self._by_document.items() if name not in self._asked
        )

    def report(self) -> str:
        """What of the candidates fits no text, empty where all do."""
        total = self.placed + self.misplaced + self.unmatched
        reasons = [
            (self.unmatched, f"of documents that are not there, as {self._unasked_name()!r}"),
            (self.misplaced, "whose characters are no whole words of their text"),
        ]
        told = " and ".join(f"{count} {reason}" for count, reason in reasons if count)
        return (
            f"{self.misplaced + self.unmatched} of {total} candidates fit no text: {told}"
            if (told)
            else ""
        )

    def check_used(self, *, is_whole: bool = True) -> None:
        """Log what fits no text; raises DataError where nothing does.

        Where not the whole corpus was read, the rest may be what they are of: that is only logged.
        """
        told = self.report()
        if told and not self.placed and is_whole:
            raise DataError(told)
        if told:
            _LOGGER.warning(told)

    def _unasked_name(self) -> str:
        return next((name for name in self._by_document if name not in self._asked), "")

    def link(self, document: str, text: str) -> tuple[ConceptMention, ...]:
        """The mentions of a document, sorted by start, then end; best candidates first."""
        if document in self._by_document:
            self._asked.add(document)
        starts, ends = (set(offsets.tolist()) for offsets in find_words(text))
        found: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
        for candidate, index in self._by_document.get(document, ()):
            span = _span_of(candidate, text)
            if span is None or span[0] not in starts or span[1] not in ends:
                self.misplaced += 1
            else:
                self.placed += 1
                best = found[span].get(index, candidate.score)
                found[span][index] = max(best, candidate.score)
        return tuple(ConceptMention(*span, self._rank(found[span])) for span in sorted(found))

    def _rank(self, scores: dict[int, float]) -> tuple[int, ...]:
        ranked = sorted(scores, key=lambda index: (-scores[index], index))
        return tuple(ranked[: self.max_candidates])


class _IndexById:
    """Concepts by an id, whether it is their own or one of their cross-references.

    An id without a vocabulary before it is a CUI of UMLS.
    """

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self._knowledge_base = knowledge_base
        self._by_xref: dict[str, int] = {}
        tables = knowledge_base.tables
        for index in range(len(knowledge_base)):
            if tables.xref_splits[index] < tables.xref_splits[index + 1]:
                for xref in knowledge_base.xrefs(index):
                    self._by_xref.setdefault(xref, index)

    def find(self, concept_id: str) -> int | None:
        identity = concept_id if ":" in concept_id else f"UMLS:{concept_id}"
        found = self._knowledge_base.find(identity)
        return self._by_xref.get(identity) if found is None else found


def _span_of(candidate: ForeignCandidate, text: str) -> tuple[int, int] | None:
    """The span of a candidate; programs count characters from 0 or from 1, the surface tells."""
    start, end, surface = candidate.start, candidate.end, candidate.surface
    if not surface:
        return start, end
    for shift in (0, -1):
        if text[max(start + shift, 0) : end + shift].lower() == surface.lower():
            return start + shift, end + shift
    return None
