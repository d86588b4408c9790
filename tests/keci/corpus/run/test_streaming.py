import os
import threading
from pathlib import Path

import orjson
import pytest

from keci.corpus.quarantine import Quarantine
from keci.corpus.reader import CorpusReader
from keci.corpus.records import Chunk
from keci.corpus.run.streaming import StreamOutput, is_stream
from keci.documents import Extraction
from keci.errors import UsageError
from keci.formats.write import Format
from tests.keci.corpus.corpora import extract_names, write_corpus


def stream(
    tmp_path: Path, path: str, *, stop_after: int = 100, failures: str | None = None
) -> StreamOutput:
    reader = CorpusReader([str(write_corpus(tmp_path / "in.jsonl", 20, bad=(1,)))])
    output = StreamOutput(path, Format("jsonl"), Quarantine(failures))
    seen: list[Chunk] = []
    output.write(
        extract_names(reader.read()), stop=lambda: len(seen) >= stop_after, watch=seen.append
    )
    return output


def test_standard_output_gets_every_record(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    output = stream(tmp_path, "-", failures=str(tmp_path / "failures.jsonl"))
    lines = capsysbinary.readouterr().out.splitlines()
    assert (len(lines), output.written, output.failed) == (17, 17, 3)
    assert output.is_complete
    assert len((tmp_path / "failures.jsonl").read_bytes().splitlines()) == 3


def test_a_stopped_stream_is_not_complete(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    output = stream(tmp_path, "-", stop_after=2)
    assert len(capsysbinary.readouterr().out.splitlines()) == output.written == 6
    assert not output.is_complete


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    stream(tmp_path, str(pipe))
    reader.join()
    assert len(received[0].splitlines()) == 17


def test_what_utf8_has_not_is_a_failure(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tests.keci.corpus.corpora.extraction_of",
        lambda document: Extraction(document.id, "\ud800" if document.id == "d0" else "a"),
    )
    output = stream(tmp_path, "-")
    lines = map(orjson.loads, capsysbinary.readouterr().out.splitlines())
    assert "d0" not in [line["id"] for line in lines]
    assert (output.written, output.failed) == (16, 4)


def test_files_and_folders_are_no_streams(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert is_stream("-")
    assert is_stream(os.devnull)
    assert not any(map(is_stream, (str(tmp_path), f"{tmp_path}/file", f"{tmp_path}/absent")))
    with pytest.raises(UsageError, match="cannot write to"):
        stream(tmp_path, str(tmp_path))
