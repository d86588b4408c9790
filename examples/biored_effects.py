"""``python -m examples.biored_effects``: effects of drugs among the training data of ``biored``.

BioRED has few sentences that report, deny or suppose an adverse effect. Here a model of BioRED
reads texts in which drugs and the effects that they caused are marked: those written for ``ade``,
and sentences of ADE. What it finds is taken for the annotation, but for effects of drugs: of them
the marks decide. A marked pair is a Positive_Correlation, every other one between a drug and a
disorder is none, and what was marked and not found is a mention more. BioRED's own abstracts come
first.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from examples.ade_data.__main__ import split_ade
from examples.ade_data.patterns import DRUG
from examples.ade_data.written import WRITTEN, as_written, read_written
from keci import Pipeline, load, write
from keci.cli.options import errors_told, kb_option
from keci.data.datasets import load_dataset
from keci.documents import Extraction, Mention, Relation
from keci.schema import load_schema

CHEMICAL, DISORDER, CAUSES = "ChemicalEntity", "DiseaseOrPhenotypicFeature", "Positive_Correlation"
ADE_SEED, WRITTEN_SEED = 1, 7
Pair = frozenset[str]
_PART = click.IntRange(min=0)


def corrected(found: Extraction, marked: Extraction) -> Extraction:
    """What a model of BioRED found in a text, as the marks of drugs and effects have it."""
    places = _places(found.mentions, marked.mentions)
    mentions = {mention.id: mention for mention in (*found.mentions, *places.values())}
    marked_pairs = {frozenset((places[r.head].id, places[r.tail].id)) for r in marked.relations}
    real = {pair for pair in marked_pairs if len(pair) == 2}
    told = {_names(pair, mentions) for pair in real}
    drugs = {places[mention.id].id for mention in marked.mentions if mention.type == DRUG}

    def stays(relation: Relation) -> bool:
        pair = frozenset((relation.head, relation.tail))
        if pair in real:
            return False
        types = {mentions[name].type for name in pair}
        if relation.type == CAUSES and DISORDER in types and (CHEMICAL in types or pair & drugs):
            return _names(pair, mentions) in told
        return relation.assertion == "present"

    pairs = [(r.head, r.tail, r.type) for r in found.relations if stays(r)]
    pairs += [(head, tail, CAUSES) for head, tail in sorted(map(sorted, real))]
    return _annotated(marked, mentions.values(), pairs)


def _places(found: Sequence[Mention], marked: Sequence[Mention]) -> Mapping[str, Mention]:
    """The mention that stands for each marked one: one found there, of its type if any is."""
    places: dict[str, Mention] = {}
    for mark in marked:
        wanted = CHEMICAL if mark.type == DRUG else DISORDER
        known = (*found, *places.values())
        there = [item for item in known if item.start < mark.end and mark.start < item.end]
        alike = [item for item in there if item.type == wanted] or there
        new = Mention(f"new-{mark.id}", mark.start, mark.end, mark.text, wanted)
        places[mark.id] = max(alike, key=partial(_closeness, mark), default=new)
    return places


def _closeness(marked: Mention, found: Mention) -> tuple[int, int]:
    shared = min(found.end, marked.end) - max(found.start, marked.start)
    return shared, found.start - found.end


def _names(pair: Pair, mentions: Mapping[str, Mention]) -> frozenset[str]:
    return frozenset(mentions[name].text.lower() for name in pair)


def _annotated(
    text: Extraction, mentions: Iterable[Mention], pairs: Iterable[tuple[str, str, str]]
) -> Extraction:
    ordered = sorted(mentions, key=lambda mention: (mention.start, mention.end))
    ids = {mention.id: f"T{number}" for number, mention in enumerate(ordered, start=1)}
    return replace(
        text,
        mentions=tuple(
            Mention(ids[item.id], item.start, item.end, item.text, item.type) for item in ordered
        ),
        relations=tuple(
            Relation(f"R{number}", ids[head], ids[tail], kind)
            for number, (head, tail, kind) in enumerate(pairs, start=1)
        ),
    )


def read_and_corrected(pipeline: Pipeline, texts: Sequence[Extraction]) -> Iterator[Extraction]:
    """The texts as the pipeline's model and their marks have them."""
    for text, found in zip(texts, pipeline.extract(text.text for text in texts), strict=True):
        if isinstance(found, Extraction):
            yield corrected(found, text)


def _shuffled(texts: Sequence[Extraction], seed: int) -> list[Extraction]:
    shuffled = list(texts)
    random.Random(seed).shuffle(shuffled)
    return shuffled


@click.command()
@click.argument("biored", type=click.Path(path_type=Path, exists=True))
@click.argument("ade", type=click.Path(path_type=Path, exists=True))
@kb_option
@click.option("--model", default="biored", show_default=True, help="Who reads the texts.")
@click.option(
    "--written",
    type=_PART,
    nargs=2,
    default=(0, 2000),
    show_default=True,
    help="Which of the written texts.",
)
@click.option(
    "--sentences",
    type=_PART,
    nargs=2,
    default=(0, 1000),
    show_default=True,
    help="Which sentences of ADE.",
)
@click.option(
    "--first",
    multiple=True,
    metavar="NAME",
    help="A file of the written texts that is taken whole; the others are shuffled.",
)
@click.option("--output", required=True, type=click.Path(path_type=Path), help="KECI jsonl.")
def main(
    biored: Path,
    ade: Path,
    kb: Path | None,
    model: str,
    written: tuple[int, int],
    sentences: tuple[int, int],
    first: tuple[str, ...],
    output: Path,
) -> None:
    """Write BIORED's abstracts, and texts of ADE's training part and of the folder written.

    Texts are shuffled once; a first number and an end say which of them are taken.
    """
    abstracts = [item.extraction for item in load_dataset(biored, load_schema("biored")).documents]
    whole = [WRITTEN / f"{name}.txt" for name in first]
    others = [path for path in sorted(WRITTEN.glob("*.txt")) if path not in whole]
    texts = [as_written(line) for line in read_written(whole)]
    texts += _shuffled([as_written(line) for line in read_written(others)], WRITTEN_SEED)[
        slice(*written)
    ]
    texts += _shuffled(split_ade(ade)[0], ADE_SEED)[slice(*sentences)]
    with load(model, kb=kb) as pipeline:
        told = list(read_and_corrected(pipeline, texts))
    write([*abstracts, *told], output)
    kinds = Counter(relation.type for text in told for relation in text.relations)
    click.echo(f"{len(abstracts)} abstracts and {len(told)} texts: {dict(kinds.most_common())}")


if __name__ == "__main__":
    with errors_told():
        main()
