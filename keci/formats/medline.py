"""Documents out of MEDLINE text, as PubMed exports it (.nbib): tagged lines, six spaces to go on.

A citation's text is what PubMed XML gives: its title, or the one in its own language where there is
none, then its abstract, or else an English other abstract. The id is the PMID.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.jsonl import read_lines
from keci.formats.pubmed import NOT_AVAILABLE, PARAGRAPH_BREAK
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
            yield _read_citation(citation, source, position)
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


def _read_citation(citation: _Citation, source: str, position: int) -> Document | Failure:
    document_id = ""
    content = b"\n".join(citation.lines)
    try:
        document_id = one_line(_first(citation, "PMID"))
        if citation.problem:
            raise DataError(citation.problem)
        if not document_id:
            raise DataError(f"line {citation.line}: the citation has no PMID")
        return Document(document_id, PARAGRAPH_BREAK.join(_paragraphs(citation)))
    except UnicodeDecodeError as error:
        reason = f"line {citation.line}: not valid UTF-8: {error.reason}"
    except DataError as error:
        reason = str(error)
    return Failure(source, position, document_id, reason, excerpt(content), kept(content))


def _first(citation: _Citation, name: str) -> str:
    return citation.fields.get(name, [b""])[0].decode()


def _paragraphs(citation: _Citation) -> Iterator[str]:
    titles = (one_line(_first(citation, name)) for name in TITLES)
    yield from [*(title for title in titles if title and not NOT_AVAILABLE.fullmatch(title))][:1]
    language = _first(citation, "OABL").strip().lower()
    other = _first(citation, "OAB") if language in ("", "eng", "en") else ""
    abstract = one_line(_first(citation, "AB") or other)
    if abstract:
        yield abstract
