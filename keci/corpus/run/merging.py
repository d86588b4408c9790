"""The outputs of all shards of a run, interleaved into what the whole run would have written."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from keci.corpus.records import Cursor, Record, Result, Shard, Withdrawal, chunks
from keci.corpus.run.finished import FinishedRun
from keci.corpus.run.layout import Layout
from keci.corpus.run.manifest import Manifest, differences
from keci.corpus.run.runs import open_run
from keci.documents import Extraction, Failure
from keci.errors import DataError, UsageError
from keci.files import Disk


def merge_shards(
    runs: Sequence[FinishedRun], layout: Layout, disk: Disk, *, overwrite: bool
) -> Manifest:
    """Write all shards' records, in the order of the corpus, as one run.

    Raises UsageError where the shards are not those of one run or results are in the way,
    DataError where one is damaged.
    """
    ordered = sorted(runs, key=lambda run: run.manifest.shard.number)
    first = ordered[0].manifest
    _check_shards(ordered)
    part_records = layout.part_records
    options = {**first.run["options"], "shard": str(Shard()), "part_records": part_records}
    output = open_run(layout, {**first.run, "options": options}, overwrite=overwrite, disk=disk)
    if isinstance(output, Manifest):
        raise TypeError("a run that is not resumed begins anew")
    with closing(output):
        results = _results(ordered, first.taken)
        for chunk in chunks(results, lambda result: result.record):
            output.add(chunk)
        end = Cursor(read=first.read, taken=first.taken, repeated=first.repeated)
        return output.finish(end)


def _check_shards(runs: Sequence[FinishedRun]) -> None:
    first = runs[0].manifest
    expected = [str(Shard(number, first.shard.of)) for number in range(1, first.shard.of + 1)]
    found = [str(run.manifest.shard) for run in runs]
    if found != expected:
        raise UsageError(f"expected the shards {', '.join(expected)}, got {', '.join(found)}")
    for run in runs[1:]:
        changes = list(differences(_comparable(first), _comparable(run.manifest)))
        if changes:
            listing = "\n  ".join(changes)
            raise UsageError(f"{run.output} is a shard of another run:\n  {listing}")


def _comparable(manifest: Manifest) -> Mapping[str, Any]:
    """What all shards of a run have in common."""
    options = {**manifest.run["options"], "shard": None, "part_records": None}
    counts = {"read": manifest.read, "taken": manifest.taken, "repeated": manifest.repeated}
    return {**manifest.run, "options": options, **counts}


def _results(runs: Sequence[FinishedRun], taken: int) -> Iterator[Result]:
    """One result for each record that the whole run takes, in order."""
    extractions = [run.extractions() for run in runs]
    set_aside = [_set_aside(run) for run in runs]
    awaited = [next(each, None) for each in set_aside]
    for ordinal in range(taken):
        shard = ordinal % len(runs)
        after = Cursor(read=ordinal + 1, taken=ordinal + 1)
        waiting = awaited[shard]
        if waiting and waiting[1] == ordinal:
            awaited[shard] = next(set_aside[shard], None)
            yield _kept_aside(waiting[0], after)
        else:
            yield _extracted(extractions[shard], runs[shard], after)
    if any(awaited) or any(next(each, None) for each in extractions):
        raise DataError("the shards hold more records than their manifests say")


def _extracted(extractions: Iterator[Extraction], run: FinishedRun, after: Cursor) -> Result:
    extraction = next(extractions, None)
    if extraction is None:
        raise DataError(f"{run.output} ends before its last record")
    return Result(Record("", 0, extraction.document, after), extraction)


def _kept_aside(outcome: Failure | Withdrawal, after: Cursor) -> Result:
    return Result(Record(outcome.source, outcome.position, outcome, after), outcome)


def _set_aside(run: FinishedRun) -> Iterator[tuple[Failure | Withdrawal, int]]:
    """What a run did not write, by ordinal."""
    kinds: list[Iterator[tuple[Failure | Withdrawal, int]]] = [run.failures(), run.withdrawn()]
    return heapq.merge(*kinds, key=lambda item: item[1])
