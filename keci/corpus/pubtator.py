"""Documents out of PubTator files (keci.interchange.pubtator); annotation is not read."""

from collections.abc import Iterator

from keci.corpus.jsonl import read_lines
from keci.corpus.sources import ContentStream, ReadOptions, excerpt, kept
from keci.documents import Document, Failure
from keci.errors import DataError
from keci.interchange.pubtator import Block, blocks


def read_pubtator(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The documents in order; one that breaks the format becomes a Failure."""
    position = 0
    limit = options.max_record_bytes
    try:
        for block in blocks(read_lines(stream, limit), limit=limit, keep_rows=False):
            position += 1
            yield _read_block(block, source, position)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _read_block(block: Block, source: str, position: int) -> Document | Failure:
    if block.problem:
        beginning, original = excerpt(block.bad_line), kept(_original(block))
        return Failure(source, position, excerpt(block.id), block.problem, beginning, original)
    try:
        return Document(block.id.decode("utf-8"), block.content.decode("utf-8"))
    except UnicodeDecodeError as error:
        reason = f"line {block.line}: not valid UTF-8: {error.reason}"
        beginning, original = excerpt(block.content), kept(_original(block))
        return Failure(source, position, excerpt(block.id), reason, beginning, original)


def _original(block: Block) -> bytes:
    """What was read of a document: its texts, and the line that breaks the format."""
    texts = [b"|".join((block.id, part, text)) for part, text in block.parts.items()]
    is_new = block.problem and block.bad_line not in texts
    return b"\n".join([*texts, *([block.bad_line] if is_new else [])])
