"""Plain text: one file is one document, its text exactly the file's characters."""

from collections.abc import Iterator
from pathlib import PurePath

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.stream import BOM, ContentStream, ReadOptions, excerpt, kept


def read_text(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The single document of a text file, called by the file's name; line ends stay as they are.

    The text must be UTF-8 (a byte order mark is dropped), so offsets count the file's characters.
    """
    yield read_file(stream, source, options, PurePath(source).name)


def read_file(
    stream: ContentStream, source: str, options: ReadOptions, document_id: str
) -> Document | Failure:
    """A whole file as one document."""
    content = b""
    try:
        content = _read_all(stream, options.max_record_bytes)
        return Document(document_id, content.removeprefix(BOM).decode("utf-8"))
    except UnicodeDecodeError as error:
        reason = f"not valid UTF-8 at byte {error.start}: {error.reason}"
        return Failure(source, 1, document_id, reason, excerpt(content), kept(content))
    except DataError as error:
        return Failure(source, 1, document_id, str(error), excerpt(stream.head))


def _read_all(stream: ContentStream, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while chunk := stream.read():
        parts.append(chunk)
        size += len(chunk)
        if size > limit:
            raise DataError(f"the text is longer than the limit of {limit:,} bytes")
    return b"".join(parts)
