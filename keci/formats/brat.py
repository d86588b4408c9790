"""Extractions as brat standoff: a zip archive with ``ID.txt`` and ``ID.ann`` for each document.

Unpacked, it is a brat collection, which is read, too. An .ann file has T lines (a mention over a
line break or tab in pieces), R lines, N lines (the concept that weighs most), A lines (the
attributes Negated and Speculated of mentions and relations) and a note with each mention's score.
Characters that brat refuses in type names become ``_``; those that a file name cannot have, and
``~``, are escaped as in URLs. Behind ``~`` stands what makes names differ: ``~2`` where an id comes
again, be it in another case, and a hash where it is too long; the whole id is then in the comment
of the archive's entry.
"""

import hashlib
import os
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePath
from typing import IO, BinaryIO, cast
from urllib.parse import quote, unquote

from keci.documents import (
    Assertion,
    ConceptLink,
    Document,
    Extraction,
    Failure,
    Mention,
    Relation,
)
from keci.errors import DataError
from keci.formats.plain import read_file
from keci.formats.stream import (
    BOM,
    UNCHECKED_BYTES,
    ContentStream,
    ReadOptions,
    excerpt,
    is_hidden,
    spooled,
)
from keci.printable import printable

_ENTRY = re.compile(rb"PK\x03\x04.{22}(..)(..)", re.DOTALL)
_LARGEST_DIRECTORY = 64 << 20
_END = struct.Struct("<4s4H2IH")
"""The record at an archive's end: among others the bytes of its directory of files."""

_DATE = (1980, 1, 1, 0, 0, 0)
_LONGEST_NAME = 160
_KEPT_OF_NAME = 150
_UNSAFE_TYPE = re.compile(r"[^\w-]", re.ASCII)
_PIECE = re.compile(r"[^\r\n\t]+")

_MENTION = re.compile(r"(T[^\t]*)\t([^ \t]*) (\d+ \d+(?:;\d+ \d+)*)\t(.*)")
_RELATION = re.compile(r"(R[^\t]*)\t([^ \t]*) Arg1:([^ \t]+) Arg2:([^ \t]+)\s*")
_REFERENCE = re.compile(r"N[^\t]*\tReference ([^ \t]+) ([^ \t]+)(?:\t(.*))?")
_SCORE = re.compile(r"#[^\t]*\tAnnotatorNotes ([^ \t]+)\tscore (\d\.\d{4})\b")
_SAID = re.compile(r"A[^\t]*\t(Negated|Speculated) ([^ \t]+)")


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    turns: Counter[str] = Counter()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for extraction in extractions:
            name = _file_name(extraction.id)
            key = name.casefold()
            turns[key] += 1
            if turns[key] > 1:
                name = f"{name}~{turns[key]}"
            lines = "".join(f"{line}\n" for line in _lines(extraction))
            _add(archive, f"{name}.txt", extraction.text, _comment(name, extraction.id))
            _add(archive, f"{name}.ann", lines)


def read(file: BinaryIO) -> Iterator[Extraction]:
    """The documents in the order of their texts, wherever in the archive their annotations stand.

    Raises DataError where texts and annotations disagree.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check_names(archive.namelist())
            for entry in _text_entries(archive):
                annotation = archive.read(f"{_stem(entry)}.ann")
                yield _extraction(id_of_entry(entry), archive.read(entry), annotation)
    except _DAMAGES as error:
        raise DataError(f"not a brat archive of KECI: {error}") from error


def _check_names(names: Sequence[str]) -> None:
    """Raises DataError where a file is there twice, or an annotation without its text."""
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise DataError(f"the brat archive has the file {printable(twice)} twice")
    stems = {name.removesuffix(".txt") for name in names if name.endswith(".txt")}
    for name in names:
        if name.endswith(".ann") and name.removesuffix(".ann") not in stems:
            raise DataError(f"the brat archive has {printable(name)} without its .txt file")


def read_folder(folder: Path) -> Iterator[Extraction]:
    """The documents of an unpacked archive by their names; raises DataError as ``read`` does."""
    for path in sorted(_annotation_files(folder)):
        text = path.with_suffix(".txt")
        if not text.is_file():
            raise DataError(f"{path} is there without its .txt file")
        yield _extraction(_id_of(path.stem), text.read_bytes(), path.read_bytes())


def is_unpacked(folder: Path) -> bool:
    """Whether a folder has annotation files of brat in it."""
    return next(_annotation_files(folder), None) is not None


def _annotation_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*.ann") if not is_hidden(path.name))


def begins_archive(head: bytes) -> bool:
    """Whether a zip archive begins that is empty or has a text or annotation as first file.

    Folders, which zip programs list before their files, are passed over.
    """
    name, end = b"/", 0
    while name.endswith(b"/"):
        found = _ENTRY.match(head, end)
        if found is None:
            return end == 0 and head.startswith(b"PK\x05\x06")
        name_length, more = (int.from_bytes(length, "little") for length in found.groups())
        name = head[found.end() : found.end() + name_length]
        end = found.end() + name_length + more
    return name.endswith((b".txt", b".ann"))


def read_brat(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The documents of an archive, or that of a .txt file, called by its name without suffix.

    Texts without an annotation file beside them are no documents of an archive.
    """
    if not stream.head.startswith(b"PK"):
        yield read_file(stream, source, options, PurePath(source).stem)
        return
    position = 0
    try:
        with spooled(stream) as file:
            for document_id, content in _texts(file, stream.stored_size, options):
                position += 1
                yield _document(document_id, content, source, position, options)
    except (DataError, *_DAMAGES) as error:
        reason = str(error) if isinstance(error, DataError) else f"damaged archive: {error}"
        yield Failure(source, position + 1, "", reason)


_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, KeyError)
"""What ``zipfile`` raises; NotImplementedError (a method of compression) is a RuntimeError."""


def _texts(file: IO[bytes], stored: int, options: ReadOptions) -> Iterator[tuple[str, bytes]]:
    """Id and text of each document, of one that is too long the beginning."""
    _check_directory(file)
    left = min(options.max_input_bytes, max(UNCHECKED_BYTES, options.max_expansion * stored))
    with zipfile.ZipFile(file) as archive:
        for entry in _text_entries(archive):
            with archive.open(entry) as content:
                text = content.read(options.max_record_bytes + 1)
            left -= len(text)
            if left < 0:
                raise DataError("the archive expands beyond the limits of an input")
            yield id_of_entry(entry), text


def _text_entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The texts with annotations beside them, in order; DataError where there are other files only.

    Hidden files, as macOS adds them, are none: a name that KECI writes begins with no point.
    """
    names = set(archive.namelist())
    texts = [
        entry
        for entry in archive.infolist()
        if entry.filename.endswith(".txt")
        and f"{_stem(entry)}.ann" in names
        and not is_hidden(entry.filename)
    ]
    if names and not texts:
        raise DataError("a zip archive without texts that have .ann files of brat beside them")
    return texts


def _check_directory(file: IO[bytes]) -> None:
    """Raises DataError where the list of files would take much memory, or there is none."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - zipfile.ZIP_MAX_COMMENT - _END.size))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < _END.size:
        raise DataError("the zip archive has no end (truncated file)")
    *_, size, _, _ = _END.unpack_from(tail, end)
    if size > _LARGEST_DIRECTORY:
        raise DataError("the archive has too many files: unpack it and give the folder")


def _document(
    document_id: str, content: bytes, source: str, position: int, options: ReadOptions
) -> Document | Failure:
    limit = options.max_record_bytes
    try:
        if len(content) > limit:
            raise DataError(f"the text is longer than the limit of {limit:,} bytes")
        return Document(document_id, content.removeprefix(BOM).decode())
    except DataError as error:
        return Failure(source, position, document_id, str(error), excerpt(content))
    except UnicodeDecodeError as error:
        reason = f"not valid UTF-8 at byte {error.start}: {error.reason}"
        return Failure(source, position, document_id, reason, excerpt(content))


def _stem(entry: zipfile.ZipInfo) -> str:
    return entry.filename.removesuffix(".txt")


def id_of_entry(entry: zipfile.ZipInfo) -> str:
    """The id of the document whose text an entry is."""
    return entry.comment.decode("utf-8", "replace") or _id_of(_stem(entry))


def _add(archive: zipfile.ZipFile, name: str, content: str, comment: bytes = b"") -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.comment = comment
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content.encode())


def _file_name(document_id: str) -> str:
    name = quote(document_id, safe=" ()+,=@[]").replace("~", "%7E") or "_"
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_KEPT_OF_NAME]}~{hashlib.sha256(document_id.encode()).hexdigest()[:8]}"


def _comment(name: str, document_id: str) -> bytes:
    """The id where it cannot be told from the name; nothing where it is too long for a comment."""
    known = document_id.encode()
    return known if _id_of(name) != document_id and len(known) <= zipfile.ZIP_MAX_COMMENT else b""


def _id_of(name: str) -> str:
    """The id of a document by its file, as far as that tells."""
    return unquote(name.partition("~")[0])


def _lines(extraction: Extraction) -> Iterator[str]:
    attributes = count(1)
    for number, mention in enumerate(extraction.mentions, start=1):
        pieces = [found.span() for found in _PIECE.finditer(mention.text)]
        spans = ";".join(f"{mention.start + start} {mention.start + end}" for start, end in pieces)
        surface = " ".join(mention.text[start:end] for start, end in pieces)
        yield f"{mention.id}\t{_type(mention.type)} {spans}\t{surface}"
        best = mention.concept
        if best:
            identifier = best.id if ":" in best.id else f"KB:{best.id}"
            yield f"N{number}\tReference {mention.id} {identifier}\t{best.name}"
        if mention.score is not None:
            yield f"#{number}\tAnnotatorNotes {mention.id}\tscore {mention.score:.4f}"
        yield from _attribute(mention, attributes)
    for relation in extraction.relations:
        kind = _type(relation.type)
        yield f"{relation.id}\t{kind} Arg1:{relation.head} Arg2:{relation.tail}"
        yield from _attribute(relation, attributes)


def _attribute(finding: Mention | Relation, numbers: Iterator[int]) -> Iterator[str]:
    """An A line where something else than its presence is said of a finding."""
    if finding.assertion != "present":
        yield f"A{next(numbers)}\t{finding.assertion.capitalize()} {finding.id}"


def _type(name: str) -> str:
    return _UNSAFE_TYPE.sub("_", name)


def _extraction(document_id: str, content: bytes, annotation: bytes) -> Extraction:
    """A document out of its two files.

    What else a curator writes down is passed over: notes and attributes of their own, events,
    groups.
    """
    try:
        text = content.removeprefix(BOM).decode()
        rows = annotation.removeprefix(BOM).decode().split("\n")
        return _read_lines(document_id, text, [row.removesuffix("\r") for row in rows])
    except (DataError, UnicodeDecodeError) as error:
        raise DataError(f"document {document_id!r}: {error}") from error


def _read_lines(document_id: str, text: str, lines: Sequence[str]) -> Extraction:
    links = {found[1]: _link(found[2], found[3]) for found in _matches(_REFERENCE, lines)}
    scores = {found[1]: float(found[2]) for found in _matches(_SCORE, lines)}
    said = {found[2]: cast(Assertion, found[1].lower()) for found in _matches(_SAID, lines)}
    mentions = (_mention(line, text) for line in lines if line.startswith("T"))
    relations = (_relation(line) for line in lines if line.startswith("R"))
    return Extraction(
        document_id,
        text,
        tuple(
            replace(
                mention,
                score=scores.get(mention.id),
                concepts=links.get(mention.id, ()),
                assertion=said.get(mention.id, "present"),
            )
            for mention in mentions
        ),
        tuple(
            replace(relation, assertion=said.get(relation.id, "present")) for relation in relations
        ),
    ).checked()


def _matches(pattern: re.Pattern[str], lines: Iterable[str]) -> Iterator[re.Match[str]]:
    return (found for line in lines if (found := pattern.match(line)))


def _link(identifier: str, name: str | None) -> tuple[ConceptLink]:
    return (ConceptLink(identifier, name or "", (), 1.0),)


def _mention(line: str, text: str) -> Mention:
    found = _MENTION.fullmatch(line)
    if found is None:
        shown = printable(line)
        raise DataError(f"expected 'T1', a tab, type and offsets, a tab, the text, got '{shown}'")
    name, kind, spans, surface = found.groups()
    pieces = [tuple(map(int, span.split(" "))) for span in spans.split(";")]
    if " ".join(text[start:end] for start, end in pieces) != surface:
        raise DataError(f"'{printable(surface)}' is not what stands at {printable(spans)}")
    start, end = pieces[0][0], pieces[-1][1]
    return Mention(name, start, end, text[start:end], kind)


def _relation(line: str) -> Relation:
    found = _RELATION.fullmatch(line)
    if found is None:
        raise DataError(f"expected 'R1', a tab, 'TYPE Arg1:T1 Arg2:T2', got '{printable(line)}'")
    name, kind, head, tail = found.groups()
    return Relation(name, head, tail, kind)
