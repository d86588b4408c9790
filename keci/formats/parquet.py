"""Documents out of Parquet, and extractions as a table: the fields of the JSON lines, typed.

Needs pyarrow (the extra ``parquet``). Offsets count Unicode code points, as everywhere.
"""

import importlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Any, BinaryIO

import orjson

from keci.documents import Document, Extraction, Failure
from keci.errors import DataError, UsageError
from keci.formats.jsonl import identifier_in, text_of, unread_ids, without_text
from keci.formats.metadata import NAMES, citation
from keci.formats.stream import ContentStream, ReadOptions, spooled

ROWS_AT_ONCE = 1000
BYTES_AT_ONCE = 32 << 20
"""Rows are read that take about so much, 1 to ``ROWS_AT_ONCE``."""
MAGIC = b"PAR1"
_LARGE, _MOST_PACKED = 32 << 20, 200
"""Columns of a row group that are as large, and packed into so small a part, are no text."""


def read_parquet(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The rows in order, text and id from the columns that the fields of jsonl are called.

    A damaged table gives the rows before the damage, then one Failure.
    """
    position = 0
    try:
        for row in _input_rows(stream, options):
            position += 1
            yield _read_row(row, source, position, options)
    except (DataError, UsageError) as error:
        yield Failure(source, position + 1, "", str(error))


def _input_rows(stream: ContentStream, options: ReadOptions) -> Iterator[dict[str, Any]]:
    arrow, parquet = _arrow()
    with spooled(stream) as file:
        try:
            footer = parquet.read_metadata(file)
            names = footer.schema.to_arrow_schema().names
            fields = {options.text_field, *options.text_fields}
            texts = sorted(fields.intersection(names))
            if not texts:
                problem = f"no column is called {options.text_field!r}"
                raise without_text(problem, names, "column")
            if unread := unread_ids(names, options):
                stream.left_out[unread] += footer.num_rows
            told = {options.id_field, *(NAMES if options.metadata else ())}
            columns = [*texts, *sorted(told & set(names) - set(texts))]
            yield from _rows(parquet, file, footer, texts, columns)
        except (arrow.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
            raise DataError(f"not a Parquet table that can be read: {error}") from error


def _rows(
    parquet: Any, file: IO[bytes], footer: Any, texts: list[str], columns: list[str]
) -> Iterator[dict[str, Any]]:
    """The rows of all row groups; DataError at one whose columns are no text."""
    # A value that rows share is held once, in a dictionary of up to the group's size.
    shared = parquet.ParquetFile(file, metadata=footer, read_dictionary=texts)
    whole = parquet.ParquetFile(file, metadata=footer)
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        size = _unpacked_bytes(group, number, columns)
        rows = max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE * group.num_rows // max(size, 1)))
        where = {"row_groups": [number], "columns": columns, "use_threads": False}
        if size > _LARGE:
            for batch in whole.iter_batches(rows, **where):
                yield from batch.to_pylist()
        else:
            for batch in shared.iter_batches(rows, **where):
                for row in range(len(batch)):
                    yield {name: batch[name][row].as_py() for name in columns}


def _unpacked_bytes(group: Any, number: int, columns: list[str]) -> int:
    """What the columns of a row group take unpacked; DataError where that can be no text."""
    parts = [group.column(place) for place in range(group.num_columns)]
    parts = [part for part in parts if part.path_in_schema.partition(".")[0] in columns]
    size: int = sum(part.total_uncompressed_size for part in parts)
    packed = sum(part.total_compressed_size for part in parts)
    if size > _LARGE and size > _MOST_PACKED * packed:
        raise DataError(
            f"row group {number + 1} packs {size} bytes into {packed}: "
            f"more than {_MOST_PACKED} times as many"
        )
    return size


def _read_row(
    row: dict[str, Any], source: str, position: int, options: ReadOptions
) -> Document | Failure:
    document_id = ""
    try:
        document_id = identifier_in(row, options.id_field, f"{source}:{position}")
        told = {name: row.get(name) for name in NAMES if name not in options.text_fields}
        metadata = citation(**told) if options.metadata else None
        return Document(document_id, text_of(row, options), metadata)
    except DataError as error:
        return Failure(source, position, document_id, str(error))


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    """Write the table, ``ROWS_AT_ONCE`` rows a row group; raises UsageError without pyarrow."""
    arrow, parquet = _arrow()
    schema = _schema(arrow)
    remaining = iter(extractions)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while rows := list(map(_row, islice(remaining, ROWS_AT_ONCE))):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))


def read(file: BinaryIO) -> Iterator[Extraction]:
    """The rows in order; raises DataError on one that is no extraction, UsageError as above."""
    _, parquet = _arrow()
    table = parquet.ParquetFile(file)
    names = table.schema_arrow.names
    if not {"id", "text", "entities"}.issubset(names):
        raise DataError(f"expected the columns id, text, entities and relations, got {names}")
    for batch in table.iter_batches(batch_size=ROWS_AT_ONCE):
        for row in batch.to_pylist():
            metadata = row.get("metadata")
            yield Extraction.from_record(
                row
                | {"entities": list(map(_entity, row["entities"]))}
                | {"metadata": orjson.loads(metadata) if metadata else None}
            )


def _row(extraction: Extraction) -> dict[str, Any]:
    """The record; metadata, whose fields no schema can know, as JSON."""
    record = extraction.to_record()
    metadata = record.get("metadata")
    return record | {"metadata": orjson.dumps(metadata).decode() if metadata else None}


def _entity(row: dict[str, Any]) -> dict[str, Any]:
    concepts = row["concepts"] or []
    return row | {"concepts": [link | {"xrefs": link.get("xrefs") or []} for link in concepts]}


def _arrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install 'keci[parquet]'") from error


def _schema(arrow: Any) -> Any:
    """What each column holds; scores and weights are double, as in the JSON lines."""
    string, number = arrow.string(), arrow.float64()
    concept = [
        ("id", string),
        ("name", string),
        ("types", arrow.list_(string)),
        ("weight", number),
        ("xrefs", arrow.list_(string)),
    ]
    entity = [
        ("id", string), ("start", arrow.int64()), ("end", arrow.int64()), ("text", string),
        ("type", string), ("score", number), ("type_score", number), ("assertion", string),
        ("concepts", arrow.list_(arrow.struct(concept))),
        ("context_weight", number),
    ]  # fmt: skip
    relation = [
        ("id", string), ("head", string), ("tail", string), ("type", string), ("score", number),
        ("assertion", string),
    ]  # fmt: skip
    return arrow.schema([
        ("id", string), ("text", string), ("entities", arrow.list_(arrow.struct(entity))),
        ("relations", arrow.list_(arrow.struct(relation))), ("metadata", string),
    ])  # fmt: skip
