"""Whether a model takes for a finding what a sentence denies, excludes, treats or supposes.

Two hundred sentences written for this (data/polarity.jsonl), half of them with a real effect alone
or beside: none was trained on, nor a pattern of them (tests/benchmarks/test_polarity.py checks it).
``--sentences benchmarks/data/polarity_choice.jsonl`` reads those by which models are chosen.
A sentence is wrongly asserted where a relation is present with a score of at least ``LEAST_SCORE``
whose ends overlap no real pair of effect and drug; a real pair is found where such a relation
overlaps it. ``--types`` and ``--relations`` choose what of a model of more types is meant, as
``--types ChemicalEntity,DiseaseOrPhenotypicFeature --relations Positive_Correlation`` of biored.
A few sentences have other readings of what is real ("fatal"): these pairs count neither way.
``--against MODEL`` tells what changes from that model to this one, sentence by sentence.
"""

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path

import orjson

from keci.cli.extract.filtering import listed_names
from keci.cli.options import errors_told
from keci.cli.tables import print_table
from keci.corpus.extraction import CorpusExtractor
from keci.corpus.records import START, Record
from keci.documents import Document, Extraction, Mention
from keci.errors import DataError
from keci.fields import Fields
from keci.filters import Filter
from keci.opening import ModelOptions, open_model

SENTENCES = Path(__file__).with_name("data") / "polarity.jsonl"
CHOICE = SENTENCES.with_name("polarity_choice.jsonl")
"""240 more texts, longer and harder, by which models are compared before one is chosen."""
LEAST_SCORE = 0.5
EVERYTHING = Filter()
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a kind, with the texts of the effects and drugs that it really relates."""

    id: str
    kind: str
    text: str
    real: tuple[Pair, ...]
    accepted: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model made of a sentence: relations that are not real, and real pairs it found."""

    sentence: Sentence
    wrong: tuple[str, ...]
    found: int

    @property
    def missed(self) -> int:
        return len(self.sentence.real) - self.found


def read_sentences(path: Path) -> list[Sentence]:
    """The sentences of a file of JSON lines; DataError says which line is none."""
    lines = enumerate(path.read_bytes().splitlines(), start=1)
    return [_read(line, f"{path}, line {number}") for number, line in lines]


def _read(line: bytes, where: str) -> Sentence:
    try:
        return _sentence(Fields(orjson.loads(line), "the line"))
    except (DataError, orjson.JSONDecodeError) as error:
        raise DataError(
            f"{where}: expected an object with id, kind, text and real, a list of objects with"
            f" effect and drug: {error}"
        ) from error


def _sentence(fields: Fields) -> Sentence:
    real, accepted = (
        tuple((pair.text("effect"), pair.text("drug")) for pair in fields.inner_items(name))
        if name in fields
        else ()
        for name in ("real", "accepted")
    )
    return Sentence(fields.text("id"), fields.text("kind"), fields.text("text"), real, accepted)


def judge(sentence: Sentence, extraction: Extraction) -> Judgement:
    """Compare what a model found in a sentence with what is real."""
    mentions = {mention.id: mention for mention in extraction.mentions}
    asserted = [
        (mentions[relation.head], mentions[relation.tail])
        for relation in extraction.relations
        if relation.assertion == "present" and (relation.score or 0) >= LEAST_SCORE
    ]
    matched = [
        {pair for pair in sentence.real if _covers(pair, ends, sentence.text)} for ends in asserted
    ]
    accepted = sentence.accepted
    wrong = tuple(
        f"{head.text} ~ {tail.text}"
        for (head, tail), pairs in zip(asserted, matched, strict=True)
        if not pairs and not any(_covers(pair, (head, tail), sentence.text) for pair in accepted)
    )
    return Judgement(sentence, wrong, len(set().union(*matched)))


def _covers(pair: Pair, ends: tuple[Mention, Mention], text: str) -> bool:
    effect, drug = pair
    return any(
        _overlaps(effect, one, text) and _overlaps(drug, other, text)
        for one, other in (ends, ends[::-1])
    )


def _overlaps(name: str, mention: Mention, text: str) -> bool:
    return any(
        at.start() < mention.end and mention.start < at.end()
        for at in re.finditer(re.escape(name), text)
    )


def judged(
    extract: CorpusExtractor, sentences: Sequence[Sentence], kept: Filter = EVERYTHING
) -> list[Judgement]:
    """What a model makes of each sentence, by what is kept of its findings."""
    records = [
        Record("polarity", number, Document(sentence.id, sentence.text), START)
        for number, sentence in enumerate(sentences, start=1)
    ]
    extractions = [result.outcome for chunk in extract(records) for result in chunk]
    return [
        judge(sentence, kept(extraction))
        for sentence, extraction in zip(sentences, extractions, strict=True)
        if isinstance(extraction, Extraction)
    ]


def rows(judgements: Iterable[Judgement]) -> list[Mapping[str, object]]:
    """The counts of each kind, and of all together."""
    by_kind: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        by_kind.setdefault(judgement.sentence.kind, []).append(judgement)
    everything = [item for group in by_kind.values() for item in group]
    return [_row(kind, group) for kind, group in [*by_kind.items(), ("all", everything)]]


def changes(
    before: Sequence[Judgement], after: Sequence[Judgement]
) -> Iterator[tuple[str, int, int, float]]:
    """Sentences that are better and worse of ``after``, with p of a sign test, by what is judged.

    Both are judgements of the same sentences in one order.
    """
    pairs = list(zip(before, after, strict=True))
    wrong = [int(bool(old.wrong)) - int(bool(new.wrong)) for old, new in pairs]
    found = [new.found - old.found for old, new in pairs]
    for judged_by, gains in (("wrongly asserted", wrong), ("real ones found", found)):
        better, worse = (sum(sign * gain > 0 for gain in gains) for sign in (1, -1))
        yield judged_by, better, worse, sign_test(better, worse)


def sign_test(better: int, worse: int) -> float:
    """The exact two-sided p of so many changes either way, were both as likely."""
    count = better + worse
    tail = sum(comb(count, fewer) for fewer in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / (1 << count))


def _row(kind: str, group: Sequence[Judgement]) -> Mapping[str, object]:
    return {
        "kind": kind,
        "sentences": len(group),
        "wrongly asserted": sum(bool(item.wrong) for item in group),
        "real": sum(len(item.sentence.real) for item in group),
        "found": sum(item.found for item in group),
    }


def _shown(row: Mapping[str, object]) -> tuple[str, ...]:
    count, wrong, real, found = (
        int(str(row[name])) for name in ("sentences", "wrongly asserted", "real", "found")
    )
    wrong_share = f"{wrong} ({wrong / count:.0%})"
    found_share = f"{found} of {real} ({found / real:.0%})" if real else "-"
    return str(row["kind"]), str(count), wrong_share, found_share


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.polarity", description=__doc__)
    parser.add_argument("--model", default="ade", help="shipped model, bundle or training run")
    parser.add_argument("--against", help="another model, to be compared with")
    parser.add_argument("--kb", type=Path, help="knowledge base folder")
    parser.add_argument("--no-kb", action="store_true", help="without a knowledge base")
    parser.add_argument("--unit", choices=("sentence", "document"), default="sentence")
    for name in ("--types", "--relations"):
        parser.add_argument(name, type=listed_names, default=(), help="those that count; else all")
    parser.add_argument("--sentences", type=Path, nargs="+", default=[SENTENCES], help="other sets")
    parser.add_argument("--show", action="store_true", help="list what is wrong or missed")
    parser.add_argument("--json", type=Path, help="write the counts here")
    return parser.parse_args()


def main() -> None:
    options = _arguments()
    sentences = [item for path in options.sentences for item in read_sentences(path)]
    judgements = _judged_by(options.model, sentences, options)
    counts = rows(judgements)
    columns = ("kind", "sentences", "wrongly asserted", "real ones found")
    print_table(f"{options.model}, by {options.unit}", columns, map(_shown, counts))
    if options.show:
        for item in judgements:
            if item.wrong or item.missed:
                print(f"{item.sentence.id}: {item.sentence.text}")
                print(f"    wrong: {'; '.join(item.wrong) or '-'}   missed: {item.missed}")
    if options.against:
        others = _judged_by(options.against, sentences, options)
        print_table(
            f"from {options.against} to {options.model}, sentences",
            ("of", "better", "worse", "p of a sign test"),
            [
                (name, str(better), str(worse), f"{p:.4f}")
                for name, better, worse, p in changes(others, judgements)
            ],
        )
    if options.json:
        options.json.write_bytes(orjson.dumps(counts, option=orjson.OPT_INDENT_2))


def _judged_by(
    model: str, sentences: Sequence[Sentence], options: argparse.Namespace
) -> list[Judgement]:
    predictor = open_model(
        ModelOptions(model=model, kb=options.kb, without_kb=options.no_kb),
        reads_runs=True,
        needs_base=True,
    ).predictor
    kept = Filter(types=options.types, relations=options.relations)
    kept.check(predictor.schema)
    return judged(CorpusExtractor(predictor, unit=options.unit), sentences, kept)


if __name__ == "__main__":
    with errors_told():
        main()
