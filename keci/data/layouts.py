"""Layouts of annotation files: which one a file has, and its records."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path, PurePath
from typing import Any

import orjson

from keci.data import annotation_tools, brat, dygie, tagged
from keci.documents import Extraction
from keci.errors import DataError, UsageError
from keci.formats import bioc, parquet, pubtator, xmi
from keci.formats.detect import PUBTATOR_BEGINNING
from keci.formats.fields import shown
from keci.formats.json import parse_json
from keci.formats.jsonl import json_records
from keci.formats.stream import ContentStream, ReadOptions, Source

_BOM = b"\xef\xbb\xbf"
_WHITE_SPACE = b" \t\r\n"
_ZIP_MAGIC = b"PK\x03\x04"


class Layout(StrEnum):
    """A layout of annotated documents."""

    KECI = "KECI jsonl"
    BIORELEX = "BioRelEx json"
    SPERT = "SpERT json"
    PUBTATOR = "PubTator"
    BIOC = "BioC"
    BRAT = "brat"
    TAGGED = "CoNLL tags"
    DYGIE = "DyGIE json"
    BIGBIO = "BigBio jsonl"
    DOCCANO = "doccano jsonl"
    PRODIGY = "Prodigy jsonl"
    LABEL_STUDIO = "Label Studio json"
    PUBANNOTATION = "PubAnnotation json"
    XMI = "UIMA CAS XMI"


_READ = ", ".join(Layout)
_FOREIGN_HEADS = {
    b"ARROW1": "Arrow: write its rows as jsonl",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
    b"\xff\xfe": "UTF-16 text: write it as UTF-8",
    b"\xfe\xff": "UTF-16 text: write it as UTF-8",
    b"T1\t": "one annotation file of brat: give the folder that has its .txt as well",
    b"PMID-": "MEDLINE text, which has no annotation",
    b"TY  -": "RIS, which has no annotation",
}
_FOREIGN_SUFFIXES = {
    ".spacy": "spaCy's DocBin: write each document's text and spans as jsonl",
    ".csv": "a table: write each text with its mentions as jsonl",
    ".tsv": "a table that is not CoNLL: the last column must be a tag such as B-Drug",
    ".ann": "one annotation file of brat: give the folder that has its .txt as well",
    ".txt": "plain text, which has no annotation; of brat give the folder",
}
_FOREIGN_FIELDS = {
    "vertexSet": "DocRED json: write it as DyGIE or KECI jsonl",
    "entityMentions": "json of the New York Times corpus: write it as KECI jsonl",
    "paragraphs": "spaCy's or SQuAD's training json: write it as KECI jsonl",
    "subj_start": "TACRED json: write it as KECI jsonl",
    "h": "FewRel json: write it as KECI jsonl",
    "ents": "spaCy's displaCy json: rename 'ents' to 'label', [start, end, type] each",
    "cats": "categories of whole texts, which have no mentions",
    "messages": "conversations with a language model, which have no offsets",
    "instruction": "instructions for a language model, which have no offsets",
    "prompt": "instructions for a language model, which have no offsets",
}


def read_records(path: Path) -> tuple[Layout, list[Any]]:
    """The layout of a file or of a folder of brat or XMI, told by its content, and its records.

    A file without records counts as KECI jsonl. Raises UsageError where the file cannot be read,
    DataError where it has none of the layouts, by the name of what it is where that is known.
    """
    if path.is_dir():
        if xmi.is_unpacked(path):
            return Layout.XMI, list(xmi.folder_files(path))
        if not brat.is_brat_folder(path):
            raise UsageError(
                f"{path} is a folder without .ann files of brat or {xmi.TYPE_SYSTEM} of XMI"
            )
        return Layout.BRAT, list(brat.folder_documents(path))
    content = _read(path).removeprefix(_BOM)
    if content.startswith(_ZIP_MAGIC):
        if xmi.is_archive(io.BytesIO(content)):
            return Layout.XMI, list(xmi.read_archive(io.BytesIO(content)))
        return Layout.BRAT, list(brat.archive_documents(path))
    if content.startswith(parquet.MAGIC):
        return Layout.KECI, [item.to_record() for item in _rows(path, content)]
    try:
        return _parsed(path, content)
    except DataError as error:
        known = str(path) in str(error)
        raise error if known else DataError(f"{path}: {error}") from error


def _parsed(path: Path, content: bytes) -> tuple[Layout, list[Any]]:
    begins = content.lstrip()[:1]
    if begins == b"<":
        return Layout.BIOC, list(bioc.xml_documents(content))
    if PUBTATOR_BEGINNING.match(content):
        return Layout.PUBTATOR, list(pubtator.blocks(content.split(b"\n")))
    _refuse_foreign(path, content)
    if begins == b"[":
        records = _parse_array(path, content)
    elif begins == b"{" or not begins:
        records = _parse_object(content) or list(_parse_lines(path, content))
    elif tagged.is_conll(content):
        return Layout.TAGGED, list(tagged.sentences(content))
    elif tagged.has_no_types(content):
        raise DataError(f"{path} has tags without types (B, I, O): write them as B-Drug, I-Drug, O")
    else:
        raise DataError(
            f"{path} begins like none of the layouts that are read ({_READ}): {content[:60]!r}"
        )
    return _told(path, records)


def _told(path: Path, records: list[Any]) -> tuple[Layout, list[Any]]:
    if bioc.is_json_documents(records):
        return Layout.BIOC, list(bioc.json_documents(records))
    pairs = list(annotation_tools.spacy_pairs(records))
    if pairs:
        return Layout.DOCCANO, pairs
    layout = _layout_of(path, records)
    if layout is Layout.DYGIE:
        return layout, [part for record in records for part in dygie.sentences(record)]
    if layout is Layout.LABEL_STUDIO:
        return layout, [task for task in records if annotation_tools.is_annotated(task)]
    if layout is Layout.TAGGED:
        numbered = enumerate(records, start=1)
        return layout, [tagged.tagged_record(record, number) for number, record in numbered]
    return layout, records


def _layout_of(path: Path, records: Sequence[Any]) -> Layout:
    if not records:
        return Layout.KECI
    first = records[0]
    if isinstance(first, Mapping):
        objects = [record for record in records if isinstance(record, Mapping)]
        found = next((layout for layout, has in _SIGNS.items() if has(first, objects)), None)
        if found:
            return found
        for name, what in _FOREIGN_FIELDS.items():
            if name in first:
                raise DataError(f"{path} is {what}")
    raise DataError(
        f"{path}, record 1: expected an object with 'tokens' ({Layout.SPERT}), with 'interactions' "
        f"({Layout.BIORELEX}) or with 'id' and 'text' ({Layout.KECI}), or one of {_READ}; "
        f"got {shown(first)}"
    )


def _is_bigbio(record: Mapping[str, Any]) -> bool:
    passages = record.get("passages")
    if not isinstance(passages, list) or "entities" not in record:
        return False
    return all(isinstance(item, dict) and "offsets" in item for item in passages)


_SIGNS: Mapping[Layout, Callable[[Mapping[str, Any], Sequence[Any]], bool]] = {
    Layout.DYGIE: lambda first, _: "doc_key" in first and "sentences" in first,
    Layout.TAGGED: lambda first, _: (
        "tokens" in first and "entities" not in first
        and any(name in first for name in tagged.TAG_FIELDS)
    ),
    Layout.SPERT: lambda first, _: "tokens" in first and "spans" not in first,
    Layout.BIORELEX: lambda first, _: "interactions" in first,
    Layout.BIGBIO: lambda first, _: _is_bigbio(first),
    Layout.PUBANNOTATION: lambda _, records: any("denotations" in item for item in records),
    Layout.LABEL_STUDIO: lambda first, _: isinstance(first.get("data"), dict),
    Layout.PRODIGY: lambda first, _: "text" in first and "spans" in first,
    Layout.DOCCANO: lambda _, records: any(map(annotation_tools.is_doccano, records)),
    Layout.KECI: lambda first, _: "text" in first and "id" in first,
}  # fmt: skip


def _refuse_foreign(path: Path, content: bytes) -> None:
    """Raise DataError naming what a file is, where it is known and not read."""
    name = PurePath(path.name.removesuffix(".gz"))
    for head, what in _FOREIGN_HEADS.items():
        if content.lstrip(_WHITE_SPACE).startswith(head):
            raise DataError(f"{path} is {what}")
    is_json = content.lstrip()[:1] in (b"{", b"[", b"")
    is_tagged = tagged.is_conll(content) or tagged.has_no_types(content)
    if not is_json and not is_tagged and name.suffix in _FOREIGN_SUFFIXES:
        raise DataError(f"{path} is {_FOREIGN_SUFFIXES[name.suffix]}")


def _read(path: Path) -> bytes:
    """The content of a file, decompressed."""
    if not path.exists():
        raise UsageError(f"there is no file {path}")
    try:
        with Source(str(path)).open(ReadOptions()) as stream:
            return b"".join(iter(stream.read, b""))
    except DataError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _rows(path: Path, content: bytes) -> Iterator[Extraction]:
    try:
        yield from parquet.read(io.BytesIO(content))
    except (LookupError, TypeError, ValueError, OSError) as error:
        raise DataError(f"{path} is not a Parquet file of KECI's records: {error}") from error


def _parse_array(path: Path, content: bytes) -> list[Any]:
    try:
        records: list[Any] = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path} is not valid json: {error}") from error
    return records


def _parse_object(content: bytes) -> list[Any]:
    """The one object that is the whole file; nothing where there are several."""
    try:
        return [orjson.loads(content)]
    except orjson.JSONDecodeError:
        return []


def _parse_lines(path: Path, content: bytes) -> Iterator[Any]:
    """One object a line, or objects over several lines, as keci-extract reads them."""
    options = ReadOptions()
    stream = ContentStream(io.BytesIO(content), options)
    for number, record in json_records(stream, options.max_record_bytes):
        try:
            yield parse_json(record, options)
        except DataError as error:
            line = f", line {number}" if number else ""
            raise DataError(f"{path}{line}: {error}") from error
