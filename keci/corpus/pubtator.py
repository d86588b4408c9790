"""Documents out of PubTator files: ``ID|t|title`` and ``ID|a|abstract`` lines, then annotations.

The text is the title, a line break and the abstract, the convention by which PubTator counts its
offsets. Annotation lines are not read. Documents are separated by blank lines or by the next title.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from keci.corpus.jsonl import read_lines
from keci.corpus.sources import ContentStream, ReadOptions, excerpt
from keci.documents import Document, Failure
from keci.errors import DataError

TEXT_LINE = re.compile(rb"([^|\t]+)\|([ta])\|(.*)", re.DOTALL)


def read_pubtator(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The documents in order; one that breaks the format becomes a Failure."""
    position = 0
    try:
        for block in _blocks(stream, options.max_record_bytes):
            position += 1
            yield _read_block(block, source, position)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


@dataclass(slots=True)
class _Block:
    """The lines of a document, its annotations left out; ``problem`` is the first one met."""

    line: int
    id: bytes = b""
    parts: dict[bytes, bytes] = field(default_factory=dict)
    problem: str = ""
    bad_line: bytes = b""


def _blocks(stream: ContentStream, limit: int) -> Iterator[_Block]:
    block: _Block | None = None
    for number, raw in enumerate(read_lines(stream, limit), start=1):
        line = raw.removesuffix(b"\r")
        found = TEXT_LINE.fullmatch(line)
        begins_next = found is not None and found.group(2) == b"t"
        if block and (not line.strip() or (begins_next and block.parts)):
            yield block
            block = None
        if line.strip():
            block = block or _Block(number)
            _add_line(block, line, number=number, limit=limit)
    if block:
        yield block


def _add_line(block: _Block, line: bytes, *, number: int, limit: int) -> None:
    found = TEXT_LINE.fullmatch(line)
    problem = ""
    if len(line) > limit:
        problem = f"longer than the limit of {limit:,} bytes"
    elif found:
        name, part, text = found.groups()
        if block.id not in (b"", name) or part in block.parts:
            problem = "a second id, title or abstract in one document"
        block.id = block.id or name
        block.parts[part] = text
    elif b"\t" not in line:
        problem = "expected ID|t|title, ID|a|abstract or a tab-separated annotation"
    if problem and not block.problem:
        block.problem, block.bad_line = f"line {number}: {problem}", line


def _read_block(block: _Block, source: str, position: int) -> Document | Failure:
    document_id = excerpt(block.id)
    if not block.problem and not block.parts:
        block.problem = f"line {block.line}: annotations without a title or abstract"
    if block.problem:
        return Failure(source, position, document_id, block.problem, excerpt(block.bad_line))
    parts = [block.parts.get(b"t", b""), *([block.parts[b"a"]] if b"a" in block.parts else [])]
    content = b"\n".join(parts)
    try:
        return Document(block.id.decode("utf-8"), content.decode("utf-8"))
    except UnicodeDecodeError as error:
        reason = f"line {block.line}: not valid UTF-8: {error.reason}"
        return Failure(source, position, document_id, reason, excerpt(content))
