from pathlib import Path

import pytest

from keci.corpus.reader import CorpusReader
from keci.corpus.records import Selection
from keci.corpus.retries import failures_file, read_positions
from keci.corpus.run.finished import open_finished
from keci.corpus.run.layout import file_layout
from keci.documents import Document, Failure
from keci.errors import DataError, UsageError
from keci.formats.stream import ReadOptions
from tests.keci.corpus.corpora import run_corpus, write_corpus


def test_failed_records_are_read_again(corpus: Path, output: Path, tmp_path: Path) -> None:
    write_corpus(corpus, 150)
    positions = read_positions(failures_file(output))
    manifest = run_corpus(
        [corpus], file_layout(tmp_path / "again", None), selection=Selection(positions=positions)
    )
    assert manifest
    assert (manifest.taken, manifest.written, manifest.failed) == (14, 2, 12)
    again = [item.id for item in open_finished(tmp_path / "again").extractions()]
    assert again == ["d1", "d100"]


def test_a_damaged_input_is_read_again_to_its_end(tmp_path: Path) -> None:
    import gzip

    plain = write_corpus(tmp_path / "plain", 4000).read_bytes()
    corpus = tmp_path / "in.jsonl.gz"
    stored = gzip.compress(plain)
    corpus.write_bytes(stored[: len(stored) // 2])
    first = run_corpus([corpus], file_layout(tmp_path / "first", None))
    corpus.write_bytes(stored)
    positions = read_positions(failures_file(tmp_path / "first"))
    again = run_corpus(
        [corpus], file_layout(tmp_path / "again", None), selection=Selection(positions=positions)
    )
    assert first
    assert again
    assert first.written + again.written + again.failed == 4000


def test_failures_keep_their_records(tmp_path: Path) -> None:
    """What failed is read again from the failures alone, in its own format, by its own id."""
    pubmed = (
        "<PubmedArticleSet><PubmedArticle><MedlineCitation/></PubmedArticle></PubmedArticleSet>"
    )
    inputs = {
        "a.jsonl": b'{"id": "x", "txt": "a"}\n{"id": "y", "text": "a\\u0000b"}\n{"text": "\xff"}\n',
        "b.xml": pubmed.encode(),
        "c.txt": b"caf\xe9",
        "d.pubtator": b"7|t|caf\xe9\n7|a|b\n\n8|t|A\nnonsense\n",
        "e.json": b'{"documents": [{"id": 5, "passages": [{"offset": 0, "text": "\\ud800"}]}]}',
    }
    paths = []
    for name, content in inputs.items():
        (tmp_path / name).write_bytes(content)
        paths.append(tmp_path / name)
    first = run_corpus(paths, file_layout(tmp_path / "out", None))
    assert first
    assert (first.written, first.failed) == (0, 8)
    for path in paths:
        path.unlink()
    failures = failures_file(tmp_path / "out")
    same = list(CorpusReader([str(failures)]).read())
    assert all(isinstance(record.content, Failure) for record in same)
    mending = ReadOptions(
        text_field="txt", invalid_utf8="replace", lone_surrogates="replace", nul="keep"
    )
    mended = [record.content for record in CorpusReader([str(failures)], options=mending).read()]
    assert mended[:2] == [Document("x", "a"), Document("y", "a\0b")]
    assert [type(item).__name__ for item in mended] == [
        "Document", "Document", "Failure", "Failure", "Document", "Document", "Failure", "Document",
    ]  # fmt: skip
    assert mended[4:6] == [Document("c.txt", "caf\ufffd"), Document("7", "caf\ufffd\nb")]
    assert mended[7] == Document("5", "\ufffd")
    bad_line = mended[6]
    assert isinstance(bad_line, Failure)
    assert (bad_line.source, bad_line.format) == (str(failures), "pubtator")
    assert bad_line.original == b"8|t|A\nnonsense"


def test_a_record_without_id_keeps_its_number(tmp_path: Path) -> None:
    corpus = tmp_path / "a.jsonl"
    corpus.write_bytes(b'{"text": "a"}\n{"text": "b\\u0000"}\n')
    run_corpus([corpus], file_layout(tmp_path / "out", None))
    reader = CorpusReader([str(failures_file(tmp_path / "out"))], options=ReadOptions(nul="keep"))
    assert [record.content for record in reader.read()] == [Document(f"{corpus}:2", "b\0")]


def test_large_records_are_not_kept(tmp_path: Path) -> None:
    corpus = tmp_path / "a.jsonl"
    corpus.write_bytes(b'{"txt": "%b"}\n' % (b"a " * 50_000))
    run_corpus([corpus], file_layout(tmp_path / "out", None))
    (record,) = CorpusReader([str(failures_file(tmp_path / "out"))]).read()
    assert isinstance(record.content, Failure)
    assert "the record was not kept; it failed then: line 1: the field" in record.content.reason


def test_without_failures_there_is_nothing_to_retry(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "in.jsonl", 2)
    run_corpus([corpus], file_layout(tmp_path / "out", None))
    with pytest.raises(UsageError, match="no record failed"):
        failures_file(tmp_path / "out")
    with pytest.raises(UsageError, match="no failures file"):
        read_positions(tmp_path / "absent.failures.jsonl")
    with pytest.raises(DataError, match="expected a failure"):
        read_positions(corpus)
