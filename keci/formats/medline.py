"""Documents out of MEDLINE text, as PubMed exports it (.nbib): tagged lines, six spaces to go on.

A citation's text is what PubMed XML gives: its title, or the one in its own language where there is
none, then its abstract, or else an English other abstract. The id is the PMID; journal, year and
DOI are kept beside it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.jsonl import read_lines
from keci.formats.metadata import citation as told
from keci.formats.pubmed import NO_ABSTRACT, NOT_AVAILABLE, PARAGRAPH_BREAK
from keci.formats.stream import ContentStream, ReadOptions, excerpt, kept
from keci.formats.xml import one_line

TITLES = ("TI", "TT", "CTI", "BTI")
_TAGGED = re.compile(rb"([A-Z][A-Z0-9]{1,3}) {0,3}- ?(.*)", re.DOTALL)


@dataclass(slots=True)
class _Citation:
    """The lines of a citation and its fields, each with its values in order."""

    line: int
    lines: list[bytes] = field(default_factory=list)
    fields: dict[str, list[bytes]] = field(default_factory=dict)
    size: int = 0
    problem: str = ""
    last: list[bytes] = field(default_factory=list)

    def add(self, number: int, line: bytes) -> None:
        self.size += len(line) + 1
        self.lines.append(line)
        tagged = _TAGGED.fullmatch(line)
        if tagged:
            self.last = self.fields.setdefault(tagged.group(1).decode(), [])
            self.last.append(tagged.group(2))
        elif self.last and line.startswith(b" "):
            self.last[-1] += b" " + line
        else:
            self.problem = self.problem or f"line {number}: expected a field, as 'TI  - A title'"


def read_medline(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The citations in order; one that breaks the format becomes a Failure."""
    position = 0
    try:
        for citation in _citations(stream, options.max_record_bytes):
            position += 1
            yield _read_citation(citation, source, position, has_metadata=options.metadata)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _citations(stream: ContentStream, limit: int) -> Iterator[_Citation]:
    citation: _Citation | None = None
    for number, raw in enumerate(read_lines(stream, limit), start=1):
        line = raw.removesuffix(b"\r")
        is_new = line.startswith(b"PMID") and citation is not None and "PMID" in citation.fields
        if citation and (not line.strip() or is_new):
            yield citation
            citation = None
        if line.strip():
            citation = citation or _Citation(number)
            citation.add(number, line)
            if citation.size > limit:
                raise DataError(f"a citation is longer than the limit of {limit:,} bytes")
    if citation:
        yield citation


def _read_citation(
    citation: _Citation, source: str, position: int, *, has_metadata: bool
) -> Document | Failure:
    document_id = ""
    content = b"\n".join(citation.lines)
    try:
        document_id = one_line(_first(citation, "PMID"))
        if citation.problem:
            raise DataError(citation.problem)
        if not document_id:
            raise DataError(f"line {citation.line}: the citation has no PMID")
        title = next(_titles(citation), "")
        text = PARAGRAPH_BREAK.join(filter(None, (title, _abstract(citation))))
        return Document(document_id, text, _metadata(citation, title) if has_metadata else None)
    except UnicodeDecodeError as error:
        reason = f"line {citation.line}: not valid UTF-8: {error.reason}"
    except DataError as error:
        reason = str(error)
    return Failure(source, position, document_id, reason, excerpt(content), kept(content))


def _first(citation: _Citation, name: str) -> str:
    return citation.fields.get(name, [b""])[0].decode()


def _titles(citation: _Citation) -> Iterator[str]:
    for title in (one_line(_first(citation, name)) for name in TITLES):
        if title and not NOT_AVAILABLE.fullmatch(title):
            yield title


def _abstract(citation: _Citation) -> str:
    language = _first(citation, "OABL").strip().lower()
    other = _first(citation, "OAB") if language in ("", "eng", "en") else ""
    texts = map(one_line, (_first(citation, "AB"), other))
    return next((text for text in texts if text and not NO_ABSTRACT.fullmatch(text)), "")


def _metadata(citation: _Citation, title: str) -> Mapping[str, Any] | None:
    named = (value.decode() for name in ("LID", "AID") for value in citation.fields.get(name, ()))
    return told(
        title=title,
        journal=one_line(_first(citation, "JT") or _first(citation, "TA")),
        year=_first(citation, "DP"),
        doi=next((item.removesuffix(_DOI).strip() for item in named if item.endswith(_DOI)), ""),
    )


_DOI = "[doi]"
