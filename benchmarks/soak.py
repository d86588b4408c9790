"""Does keci-extract keep its memory and its counts over a long run?

``python -m benchmarks.soak --folder EMPTY --documents 200000 --minutes 120 -- --model ade --no-kb``

What follows ``--`` are options of keci-extract. It is fed through a pipe, as fast as it reads, with
made-up documents or, with ``--corpus``, those of files over and over; after so many documents or
minutes the pipe ends and the run finishes. Its own metrics tell records and resident memory every
few seconds. Printed: memory's slope over the last half of the run, and whether the output's counts
are exact and ``keci-extract verify`` is content. The exit code is 1 where something is not so.
"""

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import IO

import numpy as np
import orjson

from benchmarks.commands import MEGABYTE, PROGRAM, parse_before_options
from keci.cli.options import errors_told
from keci.corpus.reader import CorpusReader
from keci.documents import Document

SAMPLE_SECONDS = 2.0
DRUGS = ("amoxicillin", "lithium", "warfarin", "methotrexate", "insulin", "heparin", "phenytoin")
EFFECTS = ("rash", "acute renal failure", "hepatotoxicity", "nausea", "seizures", "neutropenia")
SENTENCES = (
    "A {age}-year-old patient developed {effect} after {days} days of {drug}.",
    "Treatment with {drug} was stopped because of {effect}, and {other} was given instead.",
    "We report a case of {effect} associated with {drug} and {other} in a man of {age}.",
    "Serum levels were {days} mmol/l and returned to normal.",
    "Both {drug} and {other} are known to cause {effect} (n = {age}).",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a run's metrics said at some moment; ``rss`` in bytes."""

    seconds: float
    records: int
    rss: int


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome; the slope is in megabytes per 10,000 documents."""

    documents: int
    hours: float
    documents_per_second: float
    rss_mb_at_half: float
    rss_mb_at_end: float
    peak_rss_mb: float
    slope_mb: float
    counts_are_exact: bool
    is_verified: bool


def made_documents(seed: int, most_sentences: int) -> Iterator[Document]:
    """Documents without end, no two alike."""
    chance = random.Random(seed)
    for number in count():
        sentences = (
            chance.choice(SENTENCES).format(
                age=chance.randint(1, 99),
                days=chance.randint(1, 10_000),
                drug=chance.choice(DRUGS),
                other=chance.choice(DRUGS),
                effect=chance.choice(EFFECTS),
            )
            for _ in range(chance.randint(1, most_sentences))
        )
        yield Document(f"made-{number}", " ".join(sentences))


def repeated_documents(inputs: Sequence[str]) -> Iterator[Document]:
    """The documents of files, over and over, each time with other ids."""
    for turn in count():
        for record in CorpusReader(inputs).read():
            if isinstance(record.content, Document):
                yield Document(f"{record.content.id}#{turn}", record.content.text)


def feed(documents: Iterator[Document], pipe: IO[bytes], *, most: int, seconds: float) -> int:
    """Write documents to a pipe until there are so many or time is up; their number."""
    deadline = time.monotonic() + seconds
    fed = 0
    with pipe:
        for document in documents:
            if fed == most or time.monotonic() >= deadline:
                break
            pipe.write(orjson.dumps(asdict(document), option=orjson.OPT_APPEND_NEWLINE))
            fed += 1
    return fed


def sample(metrics: Path, process: subprocess.Popen[bytes], samples: list[Sample]) -> None:
    """Collect what the metrics say until the process ends."""
    while process.poll() is None:
        time.sleep(SAMPLE_SECONDS)
        record = json.loads(metrics.read_bytes()) if metrics.is_file() else None
        if record and (not samples or record["seconds"] > samples[-1].seconds):
            rss = record["memory"]["rss_bytes"]
            samples.append(Sample(record["seconds"], record["records"], rss))


def slope(samples: Sequence[Sample]) -> float:
    """Megabytes per 10,000 documents, by least squares over the last half of the documents."""
    half = [item for item in samples if item.records >= samples[-1].records / 2]
    if len({item.records for item in half}) < 2:
        return float("nan")
    records = np.array([item.records for item in half], dtype=float)
    sizes = np.array([item.rss for item in half], dtype=float) / MEGABYTE
    return float(np.polyfit(records, sizes, 1)[0] * 10_000)


def soak(documents: Iterator[Document], chosen: argparse.Namespace, options: list[str]) -> Report:
    """Raises SystemExit where the run fails."""
    folder: Path = chosen.folder
    output, metrics = folder / "out", folder / "metrics.json"
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-c", PROGRAM, "-", "--output-dir", str(output),
        "--metrics", str(metrics), *options,
    ]  # fmt: skip
    samples: list[Sample] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        watcher = threading.Thread(target=sample, args=(metrics, process, samples))
        watcher.start()
        assert process.stdin
        fed = feed(documents, process.stdin, most=chosen.documents, seconds=60 * chosen.minutes)
        code = process.wait()
        watcher.join()
    if code > 1 or not samples:
        sys.exit(f"keci-extract ended with exit code {code} after {len(samples)} samples")
    return report(fed, samples, output, metrics)


def report(fed: int, samples: list[Sample], output: Path, metrics: Path) -> Report:
    counts = json.loads((output / "manifest.json").read_bytes())["records"]
    kept = counts["written"] + counts["failed"] + counts["superseded"] + counts["deleted"]
    last = json.loads(metrics.read_bytes())
    verify = [sys.executable, "-c", PROGRAM, "verify", str(output)]
    half = next(item for item in samples if item.records >= samples[-1].records / 2)
    return Report(
        documents=fed,
        hours=round(last["seconds"] / 3600, 3),
        documents_per_second=round(fed / last["seconds"], 2),
        rss_mb_at_half=round(half.rss / MEGABYTE, 1),
        rss_mb_at_end=round(samples[-1].rss / MEGABYTE, 1),
        peak_rss_mb=round(last["memory"]["peak_rss_bytes"] / MEGABYTE, 1),
        slope_mb=round(slope(samples), 3),
        counts_are_exact=fed == counts["read"] == kept,
        is_verified=subprocess.run(verify, check=False, stdout=sys.stderr).returncode == 0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--corpus", nargs="+", metavar="INPUT", help="files to take texts from")
    parser.add_argument("--sentences", type=int, default=4, help="of a made-up document at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most-slope", type=float, default=2.0, help="MB per 10,000 documents")
    chosen, options = parse_before_options(parser)
    documents = (
        repeated_documents(chosen.corpus)
        if chosen.corpus
        else made_documents(chosen.seed, chosen.sentences)
    )
    found = soak(documents, chosen, options)
    print(json.dumps(asdict(found)))
    is_flat = found.slope_mb <= chosen.most_slope
    sys.exit(not (found.counts_are_exact and found.is_verified and is_flat))


if __name__ == "__main__":
    with errors_told():
        main()
