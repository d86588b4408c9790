"""How fast are texts read, against another checkout of this repository?

``python -m benchmarks.reading --against FOLDER [--data DATA] [FILE ...]``

Each file is read as keci-extract reads it, in turn by this code and by that of the other checkout,
each in a process that stays; the time is the processor's. Printed is, for every file, megabytes a
second and the median over the rounds of each round's ratio: above 1, this code is faster. Without
files these are PubMed XML (NLM's sample where DATA has it, else made-up citations), a made-up
JATS article of a megabyte, and jsonl with as much text.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Self

from benchmarks.commands import MEGABYTE
from keci.cli.options import errors_told

HERE = Path(__file__).resolve().parent.parent
READER = """
import sys, time
try:
    from keci.formats.read import read_documents
except ImportError:
    from keci.corpus.readers import read_documents
for line in sys.stdin:
    start = time.process_time()
    count = sum(1 for document in read_documents([line.rstrip(chr(10))]))
    print(time.process_time() - start, count, flush=True)
"""
SHORTEST = 0.3
"""Seconds of one measurement; a small file is repeated inside one until it takes so long."""

_WORDS = [
    "the", "expression", "of", "p53", "&amp;", "MDM2", "was", "increased", "in", "patients",
    "with", "diabetes", "mellitus", "after", "treatment", "by", "5-fluorouracil", "(5-FU),",
    "whereas", "TNF-alpha", "levels", "human", "cells", "did", "not", "change;", "findings",
]  # fmt: skip


class Reader:
    """A process that reads files with the code of one checkout."""

    def __init__(self, checkout: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", READER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def seconds(self, path: Path) -> tuple[float, int]:
        """Processor time to read a file, and its records."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(path, file=self._process.stdin, flush=True)
        seconds, count = self._process.stdout.readline().split()
        return float(seconds), int(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured of a file; ``ratio`` is this code's speed over the other's."""

    file: str
    megabytes: float
    records: int
    mb_per_second: float
    ratio: float
    lowest: float
    highest: float


def compare(path: Path, this: Reader, other: Reader, rounds: int) -> Speed:
    """Read a file in turn by both, after a first reading that does not count."""
    first, records = this.seconds(path)
    other.seconds(path)
    repeats = max(1, round(SHORTEST / max(first, 1e-4)))
    size = path.stat().st_size / MEGABYTE
    times, ratios = [], []
    for number in range(rounds):
        order = (this, other) if number % 2 else (other, this)
        spent = {
            id(reader): sum(reader.seconds(path)[0] for _ in range(repeats)) for reader in order
        }
        times.append(spent[id(this)] / repeats)
        ratios.append(spent[id(other)] / spent[id(this)])
    return Speed(
        path.name,
        round(size, 2),
        records,
        round(size / median(times), 1),
        round(median(ratios), 3),
        round(min(ratios), 3),
        round(max(ratios), 3),
    )


def own_files(folder: Path, data: Path) -> Iterator[Path]:
    """The files that are read where none is named."""
    chance = Random(1)
    sample = data / "pubmed" / "pubmedsample18n0001.xml.gz"
    contents = {
        "pubmed.xml": gzip.decompress(sample.read_bytes()).decode()
        if sample.is_file()
        else _citations(chance),
        "jats.nxml": _article(chance),
        "texts.jsonl": _lines(chance),
    }
    for name, content in contents.items():
        path = folder / name
        path.write_text(content, encoding="utf-8")
        yield path


def _sentences(chance: Random, count: int) -> str:
    return " ".join(
        " ".join(chance.choices(_WORDS, k=chance.randint(12, 30))).capitalize() + "."
        for _ in range(count)
    )


def _citations(chance: Random) -> str:
    authors = "<Author><LastName>Doe</LastName><ForeName>Jo</ForeName></Author>" * 6
    headings = "<MeshHeading><DescriptorName UI='D1'>Humans</DescriptorName></MeshHeading>" * 12
    made = "".join(
        f"<PubmedArticle><MedlineCitation><PMID Version='1'>{number}</PMID><Article><Journal>"
        "<JournalIssue><PubDate><Year>1998</Year></PubDate></JournalIssue><Title>J. Made</Title>"
        f"</Journal><ArticleTitle>{_sentences(chance, 1)}</ArticleTitle><Abstract><AbstractText>"
        f"{_sentences(chance, 8)}</AbstractText></Abstract><AuthorList>{authors}</AuthorList>"
        f"</Article><MeshHeadingList>{headings}</MeshHeadingList></MedlineCitation></PubmedArticle>"
        for number in range(1, 501)
    )
    return f"<?xml version='1.0'?><PubmedArticleSet>{made}</PubmedArticleSet>"


def _article(chance: Random) -> str:
    def paragraph() -> str:
        cited = '<sup><xref ref-type="bibr" rid="b1">12</xref></sup>'
        figure = '(<xref ref-type="fig" rid="f1">Fig. 1</xref>)'
        return (
            f"<p>{_sentences(chance, 3)} In <italic>E. coli</italic>, Na<sup>+</sup> rose{cited} "
            f"as shown {figure}. {_sentences(chance, 2)}</p>"
        )

    sections = "".join(
        f"<sec><title>{_sentences(chance, 1)}</title>{''.join(paragraph() for _ in range(8))}"
        f"<fig><label>1</label><caption><p>{_sentences(chance, 2)}</p></caption></fig></sec>"
        for _ in range(90)
    )
    references = "<ref><mixed-citation>Doe J, J. Made 1998</mixed-citation></ref>" * 200
    return (
        "<article><front><article-meta><article-id pub-id-type='pmc'>1</article-id><title-group>"
        f"<article-title>{_sentences(chance, 1)}</article-title></title-group><abstract><p>"
        f"{_sentences(chance, 8)}</p></abstract></article-meta></front><body>{sections}</body>"
        f"<back><ref-list>{references}</ref-list></back></article>"
    )


def _lines(chance: Random) -> str:
    records = ({"id": str(number), "text": _sentences(chance, 9)} for number in range(1000))
    return "".join(f"{json.dumps(record)}\n" for record in records)


def measure(files: Sequence[Path], against: Path, rounds: int) -> list[Speed]:
    with Reader(HERE) as this, Reader(against) as other:
        return [compare(path.resolve(), this, other, rounds) for path in files]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--against", type=Path, required=True, help="the other checkout")
    parser.add_argument("--data", type=Path, default=HERE.parent / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=11)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = chosen.files or list(own_files(Path(folder), chosen.data))
        print("file megabytes records MB/s ratio lowest highest")
        for speed in measure(files, chosen.against.resolve(), chosen.rounds):
            print(
                speed.file,
                speed.megabytes,
                speed.records,
                speed.mb_per_second,
                speed.ratio,
                speed.lowest,
                speed.highest,
            )


if __name__ == "__main__":
    with errors_told():
        main()
