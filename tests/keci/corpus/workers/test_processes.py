"""Extraction by worker processes: the same results in the same order, and no process left."""

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keci.corpus import records as corpus_records
from keci.corpus.reader import CorpusReader
from keci.corpus.records import Chunk, Record, Result
from keci.corpus.workers.processes import ProcessExtractor, WorkerProcess
from keci.documents import Document
from keci.errors import UsageError, WorkerError
from tests.keci.corpus.corpora import CHUNK_RECORDS, extract_names, write_corpus
from tests.keci.corpus.names_worker import DIE, WAIT

COMMAND = (sys.executable, "-m", "tests.keci.corpus.names_worker")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_records, "RECORDS_AT_ONCE", CHUNK_RECORDS)


def extractor(processes: int, **settings: Any) -> ProcessExtractor:
    return ProcessExtractor(
        lambda number: WorkerProcess(COMMAND, {"number": number, **settings}), processes
    )


def results(chunks: Iterable[Chunk]) -> list[Result]:
    return [result for chunk in chunks for result in chunk]


def texts(*given: str) -> Iterator[Record]:
    for number, text in enumerate(given):
        cursor = corpus_records.Cursor(position=number + 1, taken=number + 1)
        yield Record("test", number + 1, Document(f"d{number}", text), cursor)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_are_those_of_one_process(corpus: Path, processes: int) -> None:
    extract = extractor(processes)
    assert extract.description == {"opened": 0}
    found = results(extract(CorpusReader([str(corpus)]).read()))
    assert found == results(extract_names(CorpusReader([str(corpus)]).read()))
    started = extract.process_ids
    assert len(started) == processes
    assert extract.records_waiting == 0
    extract.close()
    assert not any(map(is_running, started))


def test_an_empty_corpus_has_no_results() -> None:
    assert list(extractor(2)([])) == []


def test_a_short_corpus_is_one_process_s(tmp_path: Path) -> None:
    extract = extractor(8)
    corpus = write_corpus(tmp_path / "short.jsonl", CHUNK_RECORDS)
    assert len(list(extract(CorpusReader([str(corpus)]).read()))) == 1
    assert len(extract.process_ids) == 1


def test_order_is_kept_where_a_process_is_slow() -> None:
    given = [f"{WAIT} A" if number == 0 else f"Text{number}" for number in range(60)]
    found = results(extractor(2)(texts(*given)))
    assert [result.record.position for result in found] == list(range(1, 61))


def test_few_chunks_are_held_back(tmp_path: Path) -> None:
    extract = extractor(2)
    corpus = write_corpus(tmp_path / "in.jsonl", 200)
    chunks = extract(CorpusReader([str(corpus)]).read())
    for _ in chunks:
        assert extract.records_waiting <= 8 * CHUNK_RECORDS


def test_what_cannot_be_opened_is_told_as_there() -> None:
    extract = extractor(2, error="no such model")
    try:
        with pytest.raises(UsageError, match="no such model"):
            assert extract.description
    finally:
        extract.stop()


def test_a_process_that_ends_ends_the_run() -> None:
    extract = extractor(2)
    given = ["Abc", "Rash"] * 6 + [DIE] + ["Pain"] * 40
    chunks, found = extract(texts(*given)), list[Result]()
    with pytest.raises(WorkerError, match=f"ended by signal {signal.SIGKILL.value} before"):
        found.extend(result for chunk in chunks for result in chunk)
    assert len(found) == 12
    assert not any(map(is_running, extract.process_ids))


def test_a_bug_in_a_process_keeps_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    extract = extractor(2, bug="unforeseen")
    with pytest.raises(WorkerError, match="ended with exit code 1"):
        assert extract.description
    extract.stop()
    complaint = capfd.readouterr().err
    assert complaint.rstrip().endswith("RuntimeError: unforeseen")
    assert "Fatal" not in complaint


def test_a_command_that_is_none_is_told() -> None:
    worker = WorkerProcess((sys.executable, "-c", "raise SystemExit(3)"), {})
    with pytest.raises(WorkerError, match="ended with exit code 3"):
        assert worker.description
    worker.stop()


def test_a_process_that_cannot_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"cannot be started: .*No such file"):
        WorkerProcess((str(tmp_path / "absent"),), {})


def test_a_run_that_is_left_leaves_no_process(corpus: Path) -> None:
    extract = extractor(2)
    chunks = extract(CorpusReader([str(corpus)]).read())
    next(chunks)
    assert any(map(is_running, extract.process_ids))
    chunks.close()  # type: ignore[attr-defined]  # a generator
    assert not any(map(is_running, extract.process_ids))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_signals_are_the_run_s_to_answer() -> None:
    worker = WorkerProcess(COMMAND, {"number": 0})
    assert worker.description
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(worker.id, number)
    worker.begin([Document("d", "Abc")])
    assert len(worker.outcomes([Document("d", "Abc")])) == 1
    worker.stop()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_processes_end_with_the_one_that_they_work_for() -> None:
    script = (
        "import os; from tests.keci.corpus.workers.test_processes import extractor;"
        "e = extractor(1); e.description; print(e.process_ids[0], flush=True); os._exit(0)"
    )
    with os.popen(f"{sys.executable} -c '{script}'") as run:
        process = int(run.read())
    deadline = time.monotonic() + 30
    while _state(process) not in ("", "Z") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _state(process) in ("", "Z")


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
