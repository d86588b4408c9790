"""KECI's models as they are run: keci-extract with one process and one thread."""

import sys
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.commands import PROGRAM
from benchmarks.peers.measure import Command, Files
from keci.documents import Extraction


@dataclass(frozen=True, slots=True)
class Keci:
    """A shipped model or a bundle, and the knowledge base that it reads."""

    model: str
    kb: Path
    name: str

    def prediction(self, files: Files) -> Command:
        """Read the sentences, each as a text of its own."""
        command: tuple[str | Path, ...] = (
            sys.executable, "-c", PROGRAM, files.sentences, "--output", files.output,
            "--overwrite", "--quiet", "--no-metadata", "--model", self.model, "--kb", self.kb,
            "--threads", "1", "--processes", "1",
        )  # fmt: skip
        return Command(command)

    def extractions(self, files: Files) -> list[Extraction]:
        """What it predicted."""
        return [Extraction.from_record(orjson.loads(line)) for line in files.output.open("rb")]
