"""The records of an earlier run that failed, to be read once more."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keci.corpus.run.layout import manifest_path
from keci.corpus.run.manifest import read_manifest
from keci.documents import Failure
from keci.errors import UsageError
from keci.formats.failures import decode_failure

FAILURES_SUFFIX = "failures.jsonl"


@dataclass(frozen=True, slots=True)
class FailedPositions:
    """Ordinals of records in a source, and the one from which on nothing could be read."""

    single: frozenset[int]
    rest: int | None

    def __contains__(self, position: object) -> bool:
        if not isinstance(position, int):
            return False
        return position in self.single or (self.rest is not None and position >= self.rest)


def failures_file(output: Path) -> Path:
    """The failures of a finished run, by its output, or the failures file itself.

    Raises UsageError where the run has none, DataError where it is not finished.
    """
    if output.name.endswith(FAILURES_SUFFIX):
        return output
    manifest = manifest_path(output)
    failures = read_manifest(manifest).failures
    if failures is None:
        raise UsageError(f"{output}: no record failed in that run")
    return manifest.with_name(failures.name)


def read_positions(path: Path) -> Mapping[str, FailedPositions]:
    """Where the failures of a file were, by source, in their order.

    A failure without id and excerpt is a damaged input: it stands for all records after it. Raises
    UsageError where there is no such file, DataError where it holds something else.
    """
    single: dict[str, set[int]] = defaultdict(set)
    rest: dict[str, int] = {}
    if not path.is_file():
        raise UsageError(f"there is no failures file {path}")
    with path.open("rb") as lines:
        for line in lines:
            failure, _ = decode_failure(line)
            single[failure.source].add(failure.position)
            if _ends_its_source(failure):
                rest[failure.source] = failure.position
    return {
        source: FailedPositions(frozenset(positions), rest.get(source))
        for source, positions in single.items()
    }


def _ends_its_source(failure: Failure) -> bool:
    return not failure.id and not failure.excerpt
