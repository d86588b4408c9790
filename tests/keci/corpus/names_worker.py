"""``python -m tests.keci.corpus.names_worker``: a worker process without a model, for tests.

A text that begins with DIE ends it, one with WAIT takes half a second, and whatever settings say
under "error" or "bug" is raised on opening.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from keci.corpus.records import Chunk, Record
from keci.corpus.workers.worker import work
from keci.documents import Document
from keci.errors import UsageError
from tests.keci.corpus.corpora import extract_names

DIE, WAIT = "Die", "Wait"


class NamesExtractor:
    """Finds what ``extract_names`` does; begins a chunk before it finishes the one before."""

    def each(
        self, given: Iterable[Sequence[Record]], is_at_hand: Callable[[], bool] = lambda: True
    ) -> Iterator[Chunk]:
        begun: list[Sequence[Record]] = []
        for chunk in given:
            begun.append(chunk)
            while len(begun) > 1 or (begun and not is_at_hand()):
                yield _extract(begun.pop(0))
        yield from map(_extract, begun)


def _extract(chunk: Sequence[Record]) -> Chunk:
    for record in chunk:
        assert isinstance(record.content, Document)
        if record.content.text.startswith(DIE):
            os.kill(os.getpid(), signal.SIGKILL)
        if record.content.text.startswith(WAIT):
            time.sleep(0.5)
    return [result for part in extract_names(chunk) for result in part]


def open_names(settings: Mapping[str, Any]) -> tuple[NamesExtractor, Mapping[str, Any]]:
    if "error" in settings:
        raise UsageError(settings["error"])
    if "bug" in settings:
        raise RuntimeError(settings["bug"])
    print("what is printed goes to standard error")
    return NamesExtractor(), {"opened": settings["number"]}


if __name__ == "__main__":
    work(open_names)
