"""The inputs of a run as one stream of records, which can be entered where an earlier run ended."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from keci.corpus.census import REPEATED, Census, Fate, SeenIds
from keci.corpus.identity import (
    UNCHECKED,
    IdRules,
    Judge,
    judge_as_read,
    judge_by_census,
    take_census,
)
from keci.corpus.records import START, Cursor, Record, Selection, Withdrawal
from keci.corpus.scan import CorpusScan, Sighting
from keci.documents import Document, Failure
from keci.formats.read import AUTO, find_sources
from keci.formats.stream import Deletion, ReadOptions


class CorpusReader:
    """Reads the selected records of all inputs in order.

    ``total_bytes`` is what the inputs hold as they are stored, None where one has no known size (a
    pipe); ``bytes_read`` and ``cursor`` say how far reading has come.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        *,
        input_format: str = AUTO,
        options: ReadOptions | None = None,
        selection: Selection | None = None,
        rules: IdRules | None = None,
    ) -> None:
        """Raises UsageError for an input that is missing, unreadable or of no known format."""
        self.input_format = input_format
        self.options = options or ReadOptions()
        self.selection = selection or Selection()
        self.rules = rules or IdRules()
        self.sources = find_sources(inputs, input_format, self.options)
        self.cursor = START
        self._scan = self._new_scan()
        self.total_bytes = self._scan.total_bytes
        self._census: Census | None = None

    @property
    def bytes_read(self) -> int:
        return self._scan.bytes_read

    @property
    def formats(self) -> Mapping[str, str]:
        """The format that each input was read as."""
        return self._scan.formats

    @property
    def left_out(self) -> Mapping[str, int]:
        """What the readers passed over that a person sees, by kind, in the inputs that are read."""
        return {kind: count for kind, count in sorted(self._scan.left_out.items()) if count}

    @property
    def can_be_read_again(self) -> bool:
        return all(source.is_regular for source in self.sources)

    def take_census(self, path: Path | None = None, about: str = "") -> None:
        """Find out about ids before reading; at ``path`` the result stays for another process.

        ``read`` does it without a path. Raises KeciError where there is no room for it.
        """
        if self._census is None and self.rules.needs_census and self.can_be_read_again:
            self._census = take_census(self._new_scan(), self.rules, path, about)

    def read(self, start: Cursor = START) -> Iterator[Record]:
        """The records after ``start`` that belong to the selection's shard.

        Raises DataError at the end of an input that is not as it was when the reader was made.
        """
        self.cursor = start
        shard = self.selection.shard
        with ExitStack() as stack:
            judge = self._judge(start, stack)
            for sighting in self._scan.read(start):
                fate = judge(sighting) if judge else None
                content = sighting.content
                if isinstance(content, Deletion):
                    continue
                is_repeated = sighting.is_taken and fate is not None and fate.kind == REPEATED
                repeated = self.cursor.repeated + is_repeated
                self.cursor = replace(sighting.after, repeated=repeated)
                if sighting.is_taken and shard.has(self.cursor.taken - 1):
                    outcome = self._outcome(sighting, fate) if fate else content
                    position, stored = self.cursor.position, self.bytes_read
                    yield Record(sighting.source, position, outcome, self.cursor, stored)

    def _outcome(self, sighting: Sighting, fate: Fate) -> Document | Failure | Withdrawal:
        return self.rules.content(sighting, fate, self.sources[fate.input].name)

    def _judge(self, start: Cursor, stack: ExitStack) -> Judge | None:
        if not self.can_be_read_again:
            is_checked = self.rules.repeated != UNCHECKED
            return judge_as_read(stack.enter_context(closing(SeenIds()))) if is_checked else None
        self.take_census()
        census, self._census = self._census, None
        if census is None:
            return None
        return judge_by_census(stack.enter_context(census), start.read)

    def _new_scan(self) -> CorpusScan:
        return CorpusScan(
            self.sources,
            input_format=self.input_format,
            options=self.options,
            selection=self.selection,
        )
