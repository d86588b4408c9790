"""The running of keci-extract in this process, and the reading of what it left."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner, Result

from keci.cli.extract.command import main

CHUNK_RECORDS = 4


def run(*arguments: str | Path, text: bytes | None = None) -> Result:
    result = CliRunner().invoke(main, [str(item) for item in arguments], input=text)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def records(path: Path) -> list[dict[str, Any]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [orjson.loads(line) for line in content.splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def standard_input(path: Path) -> Iterator[None]:
    """``path`` as what a shell redirects to this process."""
    before = os.dup(0)
    try:
        with path.open("rb") as file:
            os.dup2(file.fileno(), 0)
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)
