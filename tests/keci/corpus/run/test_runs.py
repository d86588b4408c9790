"""Beginning, resuming and replacing runs; what a run leaves."""

from pathlib import Path

import orjson
import pytest

from keci.corpus.records import Selection, Shard
from keci.corpus.run.layout import Layout, file_layout, folder_layout
from keci.corpus.run.manifest import Manifest, read_manifest
from keci.documents import Extraction
from keci.errors import KeciError, UsageError
from tests.keci.corpus.corpora import (
    CHUNK_RECORDS,
    contents,
    extract_names,
    run_corpus,
    text_of,
    write_corpus,
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "in.jsonl", 20, bad=(1, 10))


def in_file(tmp_path: Path, form: str | None = None) -> Layout:
    return file_layout(tmp_path / "out.jsonl", form)


def in_folder(tmp_path: Path, part_records: int = 6) -> Layout:
    return folder_layout(tmp_path / "out", "jsonl", part_records)


def done(manifest: Manifest | None) -> Manifest:
    assert manifest
    return manifest


def test_one_file_with_its_failures_and_manifest(corpus: Path, tmp_path: Path) -> None:
    manifest = done(run_corpus([corpus], in_file(tmp_path)))
    assert (manifest.read, manifest.taken, manifest.written, manifest.failed) == (20, 20, 16, 4)
    names = {"in.jsonl", "out.jsonl", "out.jsonl.failures.jsonl", "out.jsonl.run.json"}
    assert {path.name for path in tmp_path.iterdir()} == names
    records = [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [Extraction.from_record(record).text for record in records] == [
        text_of(number) for number in range(20) if number not in (1, 5, 10, 16)
    ]
    failures = (tmp_path / "out.jsonl.failures.jsonl").read_bytes().splitlines()
    places = [(f["position"], f["ordinal"], f["id"]) for f in map(orjson.loads, failures)]
    assert places == [(2, 1, ""), (6, 5, "d5"), (11, 10, ""), (17, 16, "d16")]
    assert read_manifest(tmp_path / "out.jsonl.run.json") == manifest


def test_parts_close_at_ends_of_chunks(corpus: Path, tmp_path: Path) -> None:
    manifest = done(run_corpus([corpus], in_folder(tmp_path)))
    assert [(part.name, part.records) for part in manifest.parts] == [
        ("part-00001.jsonl", 6), ("part-00002.jsonl", 7), ("part-00003.jsonl", 3),
    ]  # fmt: skip
    assert CHUNK_RECORDS == 4
    names = [*(part.name for part in manifest.parts), "failures.jsonl", "manifest.json"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(names)


@pytest.mark.parametrize("stop_after", range(1, 6))
@pytest.mark.parametrize("kind", [in_file, in_folder])
def test_a_stopped_run_goes_on(corpus: Path, tmp_path: Path, kind: object, stop_after: int) -> None:
    make = in_file if kind is in_file else in_folder
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    for folder in (whole, stopped):
        folder.mkdir()
    expected = done(run_corpus([corpus], make(whole)))
    assert run_corpus([corpus], make(stopped), stop_after=stop_after) is None
    assert not make(stopped).manifest.exists()
    assert run_corpus([corpus], make(stopped), resume=True) == expected
    assert contents(make(stopped).folder) == contents(make(whole).folder)


def test_resuming_reads_nothing_twice(corpus: Path, tmp_path: Path) -> None:
    layout = in_file(tmp_path)
    assert run_corpus([corpus], layout, stop_after=2) is None
    assert len(layout.spool(1).read_bytes().splitlines()) == 6
    assert run_corpus([corpus], layout, stop_after=1, resume=True) is None
    assert len(layout.spool(1).read_bytes().splitlines()) == 9


def test_an_empty_corpus_gives_an_empty_file(tmp_path: Path) -> None:
    nothing = write_corpus(tmp_path / "nothing.jsonl", 0)
    manifest = done(run_corpus([nothing], in_file(tmp_path)))
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    assert [part.records for part in manifest.parts] == [0]
    assert done(run_corpus([nothing], in_folder(tmp_path))).parts == []


def test_resuming_a_finished_run_changes_nothing(corpus: Path, tmp_path: Path) -> None:
    for layout in (in_file(tmp_path), in_folder(tmp_path)):
        manifest = run_corpus([corpus], layout)
        before = contents(layout.folder) if layout.file is None else {}
        assert run_corpus([corpus], layout, resume=True) == manifest
        assert before == (contents(layout.folder) if layout.file is None else {})
        assert not layout.journal.exists()


def test_resume_begins_where_nothing_is(corpus: Path, tmp_path: Path) -> None:
    assert done(run_corpus([corpus], in_folder(tmp_path), resume=True)).written == 16


def test_another_run_is_not_resumed(corpus: Path, tmp_path: Path) -> None:
    layout = in_file(tmp_path)
    run_corpus([corpus], layout, stop_after=1)
    write_corpus(corpus, 21)
    with pytest.raises(UsageError) as caught:
        run_corpus([corpus], layout, resume=True, selection=Selection(limit=5))
    message = str(caught.value)
    for change in ("inputs[1].bytes: ", "inputs[1].sha256: ", "options.limit: None -> 5"):
        assert change in message
    assert "--overwrite" in message
    with pytest.raises(UsageError, match=r"inputs: 1 of them -> 2"):
        run_corpus([corpus, corpus], layout, resume=True)


def test_an_interrupted_run_is_not_thrown_away_silently(corpus: Path, tmp_path: Path) -> None:
    for layout in (in_file(tmp_path), in_folder(tmp_path)):
        run_corpus([corpus], layout, stop_after=2)
        before = contents(layout.folder)
        with pytest.raises(UsageError, match="interrupted after 8 records: --resume"):
            run_corpus([corpus], layout)
        assert contents(layout.folder) == before
        assert done(run_corpus([corpus], layout, overwrite=True)).written == 16


def test_a_finished_file_is_replaced_when_the_new_one_is_whole(
    corpus: Path, tmp_path: Path
) -> None:
    layout = in_file(tmp_path)
    run_corpus([corpus], layout)
    old = layout.part(1).read_bytes()
    other = write_corpus(tmp_path / "other.jsonl", 3)
    run_corpus([other], layout, stop_after=1)
    assert layout.part(1).read_bytes() == old
    assert done(run_corpus([other], layout, resume=True)).written == 3
    assert len(layout.part(1).read_bytes().splitlines()) == 3
    assert not layout.failures.exists(), "those of the first run are gone"


def test_a_folder_with_results_is_refused(corpus: Path, tmp_path: Path) -> None:
    layout = in_folder(tmp_path)
    run_corpus([corpus], layout)
    with pytest.raises(UsageError, match="holds the output of a run: --overwrite"):
        run_corpus([corpus], layout)
    small = in_folder(tmp_path, part_records=100)
    assert len(done(run_corpus([corpus], small, overwrite=True)).parts) == 1
    assert len(list(small.folder.glob("part-*"))) == 1


def test_a_folder_of_other_things_is_never_touched(corpus: Path, tmp_path: Path) -> None:
    layout = in_folder(tmp_path)
    (layout.folder / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"another's: thesis\.txt"):
        run_corpus([corpus], layout, overwrite=True)
    assert [path.name for path in layout.folder.iterdir()] == ["thesis.txt"]


def test_outputs_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        file_layout(tmp_path / "absent" / "out.jsonl", None)
    with pytest.raises(UsageError, match="it is a folder"):
        file_layout(tmp_path, None)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write to"):
        folder_layout(tmp_path / "file", None, 10)


def test_a_lost_record_is_noticed(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(records: object) -> object:
        return (chunk[:-1] for chunk in extract_names(records))  # type: ignore[arg-type]

    monkeypatch.setattr("tests.keci.corpus.corpora.extract_names", forgetful)
    with pytest.raises(KeciError, match="records were lost: 20 read, but 11 written, 4 failed"):
        run_corpus([corpus], in_file(tmp_path))
    assert not (tmp_path / "out.jsonl").exists()


def test_what_json_cannot_hold_is_a_failure(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tests.keci.corpus.corpora.extraction_of", lambda d: Extraction(d.id, "\ud800")
    )
    manifest = done(run_corpus([corpus], in_file(tmp_path)))
    assert (manifest.written, manifest.failed) == (0, 20)
    first = orjson.loads((tmp_path / "out.jsonl.failures.jsonl").read_bytes().splitlines()[0])
    assert (first["source"], first["position"], first["id"]) == (str(corpus), 1, "d0")


def test_shards_have_their_own_records(corpus: Path, tmp_path: Path) -> None:
    found = []
    for number in (1, 2, 3):
        layout = file_layout(tmp_path / f"{number}.jsonl", None)
        selection = Selection(shard=Shard(number, 3))
        manifest = done(run_corpus([corpus], layout, selection=selection))
        assert manifest.taken == 20
        assert manifest.taken_here == manifest.written + manifest.failed
        found += [orjson.loads(line)["id"] for line in layout.part(1).read_bytes().splitlines()]
    run_corpus([corpus], in_file(tmp_path))
    whole = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert sorted(found) == sorted(orjson.loads(line)["id"] for line in whole)
