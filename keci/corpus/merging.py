"""The outputs of all shards of a run, interleaved into what the whole run would have written."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from keci.corpus.durable import Disk
from keci.corpus.finished import FinishedRun
from keci.corpus.layout import Layout
from keci.corpus.manifest import Manifest, differences
from keci.corpus.records import Cursor, Record, Result, Shard, chunks
from keci.corpus.runs import open_run
from keci.documents import Extraction, Failure
from keci.errors import DataError, UsageError


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
        for chunk in chunks(results, lambda result: result.record.characters):
            output.add(chunk)
        return output.finish(Cursor(read=first.read, taken=first.taken))


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
    return {**manifest.run, "options": options, "read": manifest.read, "taken": manifest.taken}


def _results(runs: Sequence[FinishedRun], taken: int) -> Iterator[Result]:
    """One result for each record that the whole run takes, in order."""
    extractions = [run.extractions() for run in runs]
    failures = [run.failures() for run in runs]
    awaited = [next(each, None) for each in failures]
    for ordinal in range(taken):
        place = ordinal % len(runs)
        after = Cursor(read=ordinal + 1, taken=ordinal + 1)
        failed = awaited[place]
        if failed and failed[1] == ordinal:
            awaited[place] = next(failures[place], None)
            yield _failed(failed[0], after)
        else:
            yield _extracted(extractions[place], runs[place], after)
    if any(awaited) or any(next(each, None) for each in extractions):
        raise DataError("the shards hold more records than their manifests say")


def _extracted(extractions: Iterator[Extraction], run: FinishedRun, after: Cursor) -> Result:
    extraction = next(extractions, None)
    if extraction is None:
        raise DataError(f"{run.output} ends before its last record")
    return Result(Record("", 0, extraction.document, after), extraction)


def _failed(failure: Failure, after: Cursor) -> Result:
    return Result(Record(failure.source, failure.position, failure, after), failure)
