"""Documents out of inputs: one stream in the order of the inputs, failures in their places.

| format | a record is | its id |
|---|---|---|
| jsonl | one JSON object a line | the field ``id_field`` |
| pubmed | one citation of PubMed XML | the PMID |
| bioc | one document of a BioC collection, XML or JSON | its id |
| jats | one article of PMC full text | the PMC id |
| pubtator | one title with its abstract | the PMID |
| medline | one citation of MEDLINE text (.nbib) | the PMID |
| csv, tsv | one row below the header | the column ``id_field`` |
| parquet | one row | the column ``id_field`` |
| text | the whole file | the file's name |
| brat | a document of a zip archive; by name alone, one .txt file | its name without suffix |
| failures | what an earlier run kept of a record that failed | the record's |

Each may be compressed (gzip, bzip2, xz, zstd), which the content shows, not the name.
"""

import glob
import io
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from keci.documents import Document, Extraction, Failure
from keci.errors import DataError, UsageError
from keci.formats.bioc import read_bioc
from keci.formats.brat import read_brat
from keci.formats.delimited import read_csv, read_tsv
from keci.formats.detect import FORMATS_BY_ROOT, detect_format, suffix
from keci.formats.failures import decode_failure
from keci.formats.jats import read_jats
from keci.formats.jsonl import read_jsonl, read_lines
from keci.formats.limits import DOCUMENT_FORMAT, checked_document
from keci.formats.medline import read_medline
from keci.formats.parquet import read_parquet
from keci.formats.plain import read_text
from keci.formats.pubmed import read_pubmed
from keci.formats.pubtator import read_pubtator
from keci.formats.stream import STDIN, ContentStream, Deletion, ReadOptions, Source, excerpt, kept
from keci.printable import LONGEST_MESSAGE, printable
from keci.stores import expand_url, is_url

AUTO = "auto"
Content = Document | Failure | Deletion
Reader = Callable[[ContentStream, str, ReadOptions], Iterator[Content]]


def read_failures(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The records that an earlier run's failures kept, read once more in their own format."""
    position = 0
    try:
        for line in read_lines(stream, options.max_record_bytes):
            if line and not line.isspace():
                position += 1
                yield _read_again(line, source, position, options)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _read_again(
    line: bytes, source: str, position: int, options: ReadOptions
) -> Document | Failure:
    try:
        failure, _ = decode_failure(line)
    except DataError as error:
        return Failure(source, position, "", str(error), excerpt(line), kept(line))
    content = _read_original(failure, options)
    if isinstance(content, Document):
        is_numbered = content.id == f"{failure.source}:1"
        number = f"{failure.source}:{failure.position}"
        document_id = failure.id or (number if is_numbered else content.id)
        return replace(content, id=document_id)
    form = failure.format if content.original else ""
    return replace(content, source=source, position=position, format=form)


def _read_original(failure: Failure, options: ReadOptions) -> Document | Failure:
    if not failure.original:
        return replace(failure, reason=f"the record was not kept; it failed then: {failure.reason}")
    if failure.format == DOCUMENT_FORMAT:
        return _kept_document(failure)
    read = READERS.get(failure.format)
    if read is None:
        return replace(failure, reason=f"the record has the unknown format {failure.format!r}")
    stream = ContentStream(io.BufferedReader(io.BytesIO(failure.original)), options)
    contents = read(stream, failure.source, options)
    records = (content for content in contents if not isinstance(content, Deletion))
    return next(records, failure)


def _kept_document(failure: Failure) -> Document | Failure:
    try:
        extraction = Extraction.from_record(orjson.loads(failure.original))
    except (orjson.JSONDecodeError, DataError, AttributeError) as error:
        return replace(failure, reason=f"the kept document cannot be read: {error}")
    return extraction.document


READERS: dict[str, Reader] = {
    "jsonl": read_jsonl,
    "pubmed": read_pubmed,
    "bioc": read_bioc,
    "jats": read_jats,
    "pubtator": read_pubtator,
    "medline": read_medline,
    "csv": read_csv,
    "tsv": read_tsv,
    "parquet": read_parquet,
    "text": read_text,
    "brat": read_brat,
    "failures": read_failures,
}
INPUT_FORMATS = (AUTO, *READERS)


def read_documents(
    inputs: Sequence[str],
    *,
    input_format: str = AUTO,
    text_field: str = "text",
    id_field: str = "id",
) -> Iterator[Document | Failure]:
    """The documents of all inputs, in order: files, folders, patterns, ``-`` for standard input.

    Every input is looked at before the first record comes. Raises UsageError for a missing,
    unreadable or unknown one; what goes wrong later becomes a Failure and reading goes on.
    """
    options = ReadOptions(text_field=text_field, id_field=id_field)
    sources = find_sources(inputs, input_format, options)
    return _read_records(sources, input_format, options)


def without_failures(records: Iterable[Document | Failure]) -> Iterator[Document]:
    """The documents; raises DataError at the first failure."""
    for record in records:
        if isinstance(record, Failure):
            raise DataError(f"{record.source}, record {record.position}: {record.reason}")
        yield record


def _read_records(
    sources: Sequence[Source], input_format: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    for source in sources:
        for content in read_source(source, input_format=input_format, options=options):
            if not isinstance(content, Deletion):
                yield content


def find_sources(inputs: Sequence[str], input_format: str, options: ReadOptions) -> list[Source]:
    """The files behind the inputs, each looked at; raises UsageError as ``read_documents`` does.

    An input of no known format is refused here if all are; beside others it becomes a Failure.
    """
    if input_format not in INPUT_FORMATS:
        known = ", ".join(INPUT_FORMATS)
        raise UsageError(f"unknown input format {input_format!r}; known are {known}")
    sources = [Source(path) for path in expand_inputs(inputs)]
    if not sources:
        raise UsageError("expected at least one input, got none")
    if sum(source.is_stdin for source in sources) > 1:
        raise UsageError("standard input (-) can be read only once")
    refusals = []
    for source in sources:
        source.check()
        if input_format == AUTO and source.is_regular:
            with source.open(options) as stream:
                refusals += _refusal(stream, source, options)
    if len(refusals) == len(sources):
        raise refusals[0]
    return sources


def _refusal(stream: ContentStream, source: Source, options: ReadOptions) -> list[UsageError]:
    try:
        detect_format(stream.head, source.name, options.text_fields)
    except UsageError as error:
        return [error]
    return []


def read_source(
    source: Source,
    *,
    input_format: str,
    options: ReadOptions,
    watch: Callable[[ContentStream, str], object] | None = None,
) -> Iterator[Content]:
    """The records of one input, in order, with what it says of earlier ones.

    ``watch`` is given its stream and format before the first.
    """
    try:
        stream = source.open(options)
    except DataError as error:
        yield Failure(source.name, 1, "", str(error))
        return
    with stream:
        try:
            name = input_format
            if name == AUTO:
                name = detect_format(stream.head, source.name, options.text_fields)
                stream.relay.formats = FORMATS_BY_ROOT
        except UsageError as error:
            yield Failure(source.name, 1, "", str(error), excerpt(stream.head))
            return
        if watch:
            watch(stream, name)
        yield from read_stream(stream, source.name, name, options)


def read_stream(
    stream: ContentStream, source: str, format_name: str, options: ReadOptions
) -> Iterator[Content]:
    """What an input holds; documents beyond the limits are Failures.

    XML of another format behind that of the first is read in its own.
    """
    relay = stream.relay
    while format_name:
        others = (root for root, name in relay.formats.items() if name != format_name)
        relay.roots, relay.next_root = frozenset(others), ""
        position = relay.position
        for content in READERS[format_name](stream, source, options):
            if isinstance(content, Document):
                position += 1
                yield checked_document(content, source, position, options)
            elif isinstance(content, Failure):
                position += 1
                form = content.format or (format_name if content.original else "")
                reason = printable(content.reason, LONGEST_MESSAGE)
                yield replace(content, format=form, reason=reason)
            else:
                yield content
        relay.position = position
        format_name = relay.formats.get(relay.next_root, "")


SUFFIXES_IN_FOLDERS = frozenset(
    [".csv", ".json", ".jsonl", ".medline", ".nbib", ".ndjson", ".nxml", ".parquet", ".pubtator",
     ".tsv", ".txt", ".xml"]
)  # fmt: skip
_log = logging.getLogger(__name__)


def expand_inputs(inputs: Sequence[str]) -> list[str]:
    """The files in the order of the inputs, those of a folder or pattern sorted by name.

    A folder is searched to the bottom for names that end like a format (a compression suffix may
    follow); hidden files and folders are passed over. Raises UsageError where an input has no file.
    """
    paths: list[str] = []
    for given in inputs:
        try:
            paths += _expand(given)
        except OSError as error:
            name = printable(given)
            raise UsageError(f"cannot read the input {name}: {error.strerror or error}") from error
    return paths


def _expand(given: str) -> list[str]:
    if given == STDIN:
        return [given]
    if is_url(given):
        return _expand_url(given)
    path = Path(given)
    if path.is_dir():
        return _files_in(path)
    if path.exists() or not glob.has_magic(given):
        return [given]
    matches = sorted(match for match in glob.glob(given, recursive=True) if Path(match).is_file())
    if not matches:
        raise UsageError(f"no file matches the input {printable(given)}")
    return matches


def _expand_url(given: str) -> list[str]:
    found = expand_url(given)
    if found == [given]:
        return found
    if glob.has_magic(given):
        if not found:
            raise UsageError(f"no file matches the input {printable(given)}")
        return found
    return _readable(given, found)


def _files_in(folder: Path) -> list[str]:
    return _readable(str(folder), [str(path) for path in sorted(_visible_files(folder))])


def _readable(folder: str, files: Sequence[str]) -> list[str]:
    """Those of a folder's files whose names end like a format."""
    chosen = [name for name in files if suffix(Path(name).name) in SUFFIXES_IN_FOLDERS]
    if not chosen:
        endings = ", ".join(sorted(SUFFIXES_IN_FOLDERS))
        raise UsageError(
            f"the folder {printable(folder)} has no file that ends in one of {endings}"
        )
    if len(chosen) < len(files):
        _log.warning("%s: %d files of other kinds are left out", folder, len(files) - len(chosen))
    return chosen


def _visible_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not is_hidden and path.is_file():
            yield path
