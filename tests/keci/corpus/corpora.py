"""Small corpora and an extractor without a model, for tests of what surrounds the model."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from keci.corpus.reader import CorpusReader
from keci.corpus.records import Chunk, Record, Result, Selection, Withdrawal
from keci.corpus.run.layout import Layout
from keci.corpus.run.manifest import Manifest, describe_inputs
from keci.corpus.run.runs import drive, open_run
from keci.documents import Document, Extraction, Failure, Mention, Relation
from keci.files import Disk
from keci.formats.limits import refused_document
from tests.keci.corpus.faults import sound_disk

CHUNK_RECORDS = 4
UNEXTRACTABLE = "unextractable"


def write_corpus(path: Path, count: int, *, first: int = 0, bad: Iterable[int] = ()) -> Path:
    """A jsonl file of texts with capitalised names; the lines numbered in ``bad`` are no json."""
    bad = set(bad)
    lines = [
        b"{bad" if number in bad else orjson.dumps({"id": f"d{number}", "text": text_of(number)})
        for number in range(first, first + count)
    ]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def write_update(path: Path, *, revised: Iterable[str], deleted: Iterable[str]) -> Path:
    """PubMed XML with citations of those ids, then a list of deleted ones."""
    citations = "".join(
        f"<PubmedArticle><MedlineCitation><PMID>{pmid}</PMID><Article><ArticleTitle>"
        f"Rash {path.stem}</ArticleTitle></Article></MedlineCitation></PubmedArticle>"
        for pmid in revised
    )
    listed = "".join(f"<PMID>{pmid}</PMID>" for pmid in deleted)
    deletion = f"<DeleteCitation>{listed}</DeleteCitation>" if listed else ""
    path.write_text(f"<PubmedArticleSet>{citations}{deletion}</PubmedArticleSet>")
    return path


def text_of(number: int) -> str:
    if number % 7 == 3:
        return ""
    if number % 11 == 5:
        return f"{UNEXTRACTABLE} {number}"
    return f"Rash{number} after α{'x' * (number % 5)} Abc\nand 𝔸 Pain."


def extract_names(records: Iterable[Record]) -> Iterator[Chunk]:
    """Each capitalised word is a mention, each two neighbours are related."""
    for chunk in small_chunks(records):
        yield [Result(record, _extract(record)) for record in chunk]


def small_chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    remaining = iter(records)
    while chunk := list(islice(remaining, CHUNK_RECORDS)):
        yield chunk


def _extract(record: Record) -> Extraction | Failure | Withdrawal:
    document = record.content
    if not isinstance(document, Document):
        return document
    if document.text.startswith(UNEXTRACTABLE):
        return refused_document(document, record.source, record.position, "cannot")
    return extraction_of(document)


def extraction_of(document: Document) -> Extraction:
    found = list(re.finditer(r"[A-Z]\w*", document.text))
    mentions = tuple(
        Mention(f"T{number}", *name.span(), name.group(), "Name", 1 / (number + 1))
        for number, name in enumerate(found, start=1)
    )
    relations = tuple(
        Relation(f"R{number}", f"T{number}", f"T{number + 1}", "next", 0.5)
        for number in range(1, len(found))
    )
    return Extraction(document.id, document.text, mentions, relations)


def description(reader: CorpusReader) -> dict[str, Any]:
    """A run's description with what the engine needs to know."""
    options = {"shard": str(reader.selection.shard), "limit": reader.selection.limit}
    return {"inputs": describe_inputs(reader.sources), "options": options}


def run_corpus(
    inputs: Iterable[Path],
    layout: Layout,
    *,
    selection: Selection | None = None,
    disk: Disk | None = None,
    stop_after: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> Manifest | None:
    """A run committed at every chunk, on a sound disk; None where it stops after so many."""
    reader = CorpusReader([str(path) for path in inputs], selection=selection)
    run = {**description(reader)}
    run["options"]["format"] = layout.format.name
    run["options"]["part_records"] = layout.part_records
    disk = disk or sound_disk()
    output = open_run(layout, run, resume=resume, overwrite=overwrite, disk=disk)
    if isinstance(output, Manifest):
        return output
    seen: list[Chunk] = []
    with closing(output):
        reader.take_census(layout.census, output.identity)
        complete = drive(
            extract_names(reader.read(output.state.cursor)),
            output,
            stop=lambda: len(seen) == stop_after,
            watch=seen.append,
            commit_seconds=0,
        )
        return output.finish(reader.cursor) if complete else None


def contents(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
