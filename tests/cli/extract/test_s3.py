"""A run from S3 into S3, killed at each of its uploads, by a server on this machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.extraction import contents, run

pytest.importorskip("s3fs", reason="needs keci[s3]")
server = pytest.importorskip("moto.server", reason="needs moto")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
SCRIPT = """
import os, signal, sys
from keci.cli.extract.command import main
from keci.corpus import records
from keci.stores import Store

records.RECORDS_AT_ONCE = 4
put, left = Store.put, int(sys.argv.pop(1))

def put_or_die(self, path, name):
    global left
    put(self, path, name)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

Store.put = put_or_die
main()
"""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, corpus: Path) -> Iterator[Any]:
    """A bucket with the corpus in it."""
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    _, port = running.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import s3fs

    files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    files.mkdir("texts")
    files.pipe("texts/in/in.jsonl", corpus.read_bytes())
    yield files
    running.stop()


@pytest.mark.usefixtures("_as_before", "_small_chunks")
def test_s3(bucket: Any, corpus: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    options = ("--part-records", "5", "--work-dir", str(tmp_path / "work"), *model)
    assert run(corpus, "--output-dir", tmp_path / "local", *options).exit_code == 1
    assert run(corpus, "--output-dir", "s3://texts/copy", *options).exit_code == 1
    local = contents(tmp_path / "local")
    assert _stored(bucket, "texts/copy") == local
    command = ("s3://texts/in", "--output-dir", "s3://texts/out", "--resume", *options)
    for number in range(len(local)):
        # What was stored at the last death is stored again, the next file for the first time.
        assert _run(min(number + 1, 2), *command) == -signal.SIGKILL
        assert ("manifest.json" in _stored(bucket, "texts/out")) == (number == len(local) - 1)
    assert run(*command).exit_code == 1
    stored = _stored(bucket, "texts/out")
    parts = {name for name in local if name.startswith("part-")}
    assert {name: stored[name] for name in parts} == {name: local[name] for name in parts}
    assert stored.keys() == local.keys()


def _run(puts_before_death: int, *arguments: str) -> int:
    command = [sys.executable, "-c", SCRIPT, str(puts_before_death), *arguments]
    done = subprocess.run(command, env=os.environ, capture_output=True, check=False)
    if done.returncode == 2:
        raise AssertionError(done.stderr.decode())
    return done.returncode


def _stored(files: Any, folder: str) -> dict[str, bytes]:
    return {name.rpartition("/")[2]: files.cat(name) for name in files.find(folder)}
