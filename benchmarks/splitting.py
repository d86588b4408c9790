"""Where are sentences cut that are known to be sentences?

``python -m benchmarks.splitting [--data DATA] [--against CHECKOUT]``: sentences of a corpus are
shuffled and joined by single spaces, eight at a time, so that the joins are the borders that are
right. Printed is, for every corpus, the precision and recall of the offsets where a sentence begins
within such a text, by this code and by that of another checkout. A corpus may hold two sentences
as one, and a sentence that begins in lower case was cut by its corpus; both lower what can be had.

BioRelEx and ADE are sentences of abstracts, BC2GM and BioNLP's (GENIA's) of MEDLINE. ADE's tokens
stand apart (``10 mg .``); ner/ has joined tokens again, and what it made of decimals (``0. 05``) is
mended first.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.coverage import DATA, Gold, read_ade, read_biorelex, read_ner
from keci.cli.options import errors_told

HERE = Path(__file__).resolve().parent.parent
JOINED = 8
"""Sentences of a text."""

_DECIMAL = re.compile(r"(?<=\d)([.,]) (?=\d)")
ENDS = (".", "?", "!", '."', ".)", ". ")
SPLITTER = """
import json, sys
from keci.text.sentences import split_sentences
for line in sys.stdin:
    print(json.dumps([start for start, _ in split_sentences(json.loads(line))][1:]))
"""
CORPORA: dict[str, tuple[str, Callable[[Path], Iterator[tuple[str, Gold]]]]] = {
    "BioRelEx": ("biorelex/train.json", read_biorelex),
    "ADE": ("ade/train.json", read_ade),
    "BC2GM": ("ner/BC2GM.jsonl.gz", read_ner),
    "BioNLP13GE (GENIA)": ("ner/BioNLP13GE.jsonl.gz", read_ner),
}


@dataclass(frozen=True, slots=True)
class Score:
    """Borders that are right, that were found, and that are both."""

    gold: int
    found: int
    right: int

    def shown(self) -> str:
        precision, recall = self.right / max(self.found, 1), self.right / max(self.gold, 1)
        return f"{100 * precision:.2f} {100 * recall:.2f}"


def joined(sentences: Iterable[str], seed: int) -> Iterator[tuple[str, list[int]]]:
    """Texts of ``JOINED`` sentences each, with the offsets where all but the first begin."""
    chosen = sorted({each.strip() for each in sentences if each.rstrip().endswith(ENDS)})
    Random(seed).shuffle(chosen)
    for first in range(0, len(chosen), JOINED):
        group = chosen[first : first + JOINED]
        starts, offset = [], 0
        for sentence in group[:-1]:
            offset += len(sentence) + 1
            starts.append(offset)
        yield " ".join(group), starts


def splits_of(texts: list[str], checkout: Path) -> list[list[int]]:
    """The offsets where ``checkout`` begins a sentence within each of the texts."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", SPLITTER],
        input="".join(f"{json.dumps(text)}\n" for text in texts),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def score(gold: list[list[int]], found: list[list[int]]) -> Score:
    """Count the borders of all texts."""
    right = sum(len(set(each) & set(other)) for each, other in zip(gold, found, strict=True))
    return Score(sum(map(len, gold)), sum(map(len, found)), right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with biorelex/, ade/, ner/")
    parser.add_argument("--against", type=Path, help="another checkout, to be compared with")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the sentences")
    options = parser.parse_args()
    checkouts = [HERE, *([options.against.resolve()] if options.against else [])]
    print(
        "corpus: borders; precision and recall of this code", "and the other" * len(checkouts[1:])
    )
    for name, (file, reader) in CORPORA.items():
        if not (options.data / file).is_file():
            print(f"{name}: skipped, {options.data / file} is not there")
            continue
        sentences = (_DECIMAL.sub(r"\1", text) for text, _ in reader(options.data / file))
        texts, gold = zip(*joined(sentences, options.seed), strict=True)
        scores = [score(list(gold), splits_of(list(texts), each)) for each in checkouts]
        print(f"{name}: {scores[0].gold};", "; ".join(each.shown() for each in scores), flush=True)


if __name__ == "__main__":
    with errors_told():
        main()
