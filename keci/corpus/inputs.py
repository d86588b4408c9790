"""Which records a run reads: the inputs, their format, limits, and the choice among them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keci.corpus.identity import KEEP, LATEST, REPEATED_IDS, REVISIONS, IdRules
from keci.corpus.reader import CorpusReader
from keci.corpus.records import Sample, Selection, Shard
from keci.corpus.retries import FailedPositions, failures_file, read_positions
from keci.corpus.run.manifest import file_facts
from keci.errors import UsageError
from keci.formats.limits import limit_names, with_limits
from keci.formats.read import AUTO, INPUT_FORMATS
from keci.formats.stream import ReadOptions, Source
from keci.options import Options, option

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions(Options):
    """Which records are read."""

    inputs: tuple[str, ...] = ()
    input_format: str = option(AUTO, "Format of the inputs.", choices=INPUT_FORMATS)
    text_field: str = option("text", "Field or column of the text; several as title,abstract.")
    id_field: str = option("id", "Field or column of the id.")
    without_metadata: bool = option(
        False, "Leave title, journal, year and the like out of the records.", "--no-metadata"
    )
    revisions: str = option(
        LATEST,
        "Of PubMed citations that come again or are deleted later in INPUT, read the latest only.",
        choices=REVISIONS,
    )
    repeated_ids: str = option(
        KEEP,
        "Records whose id came before: keep them, name them ID~2, or let them fail.",
        choices=REPEATED_IDS,
    )
    limits: tuple[str, ...] = option(
        (),
        "Set a limit against hostile input, as max_record_bytes=1000000; a wrong name lists all.",
        "--set",
        metavar="NAME=VALUE",
    )
    limit: int | None = option(None, "Take so many records at most.", least=1)
    sample: str | None = option(
        None,
        "Take this share of them, as 0.05 or 5%; or write only the N records with the least "
        "certain finding, that one first.",
        metavar="SHARE|uncertain N",
    )
    shard: str = option(
        "1/1", "Take every Nth of those, from the Kth.", metavar="K/N", shown_default=False
    )
    retried: Path | None = option(
        None,
        "Take the records that failed in an earlier run; without INPUT, from where it read them.",
        "--retry-failures",
        metavar="OUT",
        exists="path",
    )

    def open(self) -> CorpusReader:
        """Raises UsageError where inputs or choices make no sense."""
        inputs, positions = self._inputs_and_positions()
        if not inputs:
            raise UsageError("expected at least one INPUT: a file, a folder, a pattern or -")
        return CorpusReader(
            inputs,
            input_format=self.input_format,
            options=self.read_options,
            selection=Selection(
                self.limit, self.sampled.share or 1.0, Shard.parse(self.shard), positions
            ),
            rules=IdRules(self.revisions, self.repeated_ids),
        )

    @property
    def read_options(self) -> ReadOptions:
        options = ReadOptions(
            text_field=self.text_field,
            id_field=self.id_field,
            metadata=not self.without_metadata,
        )
        return with_limits(options, self.limits)

    def to_record(self) -> Mapping[str, Any]:
        """What decides about the bytes of the output, as a run's manifest has it."""
        read = self.read_options
        retried = file_facts(failures_file(self.retried), 0).sha256 if self.retried else None
        return {
            "input_format": self.input_format,
            "text_field": self.text_field,
            "id_field": self.id_field,
            "metadata": not self.without_metadata,
            "limits": {name: getattr(read, name) for name in limit_names()},
            "revisions": self.revisions,
            "repeated_ids": self.repeated_ids,
            "limit": self.limit,
            "sample": self.sampled.share,
            "shard": str(Shard.parse(self.shard)),
            "retried": retried,
        }

    @property
    def sampled(self) -> Sample:
        """Raises UsageError where ``sample`` says nothing that can be chosen by."""
        return Sample.parse(self.sample) if self.sample else Sample()

    def _inputs_and_positions(
        self,
    ) -> tuple[Sequence[str], Mapping[str, FailedPositions] | None]:
        """What is read, and which records of it where not all.

        Failures are tried again where they were read, and where these inputs are no longer there,
        from what was kept of them.
        """
        if self.retried is None:
            return self.inputs, None
        failures = failures_file(self.retried)
        positions = read_positions(failures)
        if self.inputs or all(Source(name).is_there for name in positions):
            return self.inputs or tuple(positions), positions
        _LOGGER.info("not all inputs are there: the records are read from %s", failures)
        return (str(failures),), None
