"""What the relations of a model ``ade`` are in another corpus: BioRED's abstracts.

``python -m benchmarks.ade_on_biored Dev.PubTator --model ade --kb kb/open``: a relation that is
present with a score of at least ``LEAST_SCORE`` is what BioRED says of the concepts that its effect
and drug overlap; Positive_Correlation is right, "nothing" is a pair that BioRED does not relate or
an end that it does not annotate. BioRED relates concepts of an abstract and leaves out what is
well known, so that some of "nothing" is right too.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from keci.cli.options import errors_told, kb_option
from keci.cli.tables import print_table
from keci.data.datasets import load_dataset
from keci.data.gold import GoldDocument
from keci.documents import Extraction, Mention
from keci.pipeline import load
from keci.schema import load_schema

LEAST_SCORE = 0.5
RIGHT = "Positive_Correlation"
NOTHING = "nothing"
Kinds = Mapping[frozenset[str], str]


def kinds_found(gold: GoldDocument, found: Extraction) -> Iterator[str]:
    """What BioRED says of each relation of an abstract."""
    kinds: Kinds = {
        frozenset((*item.head_names, *item.tail_names)): item.type for item in gold.interactions
    }
    mentions = {mention.id: mention for mention in found.mentions}
    for relation in found.relations:
        if relation.assertion == "present" and (relation.score or 0) >= LEAST_SCORE:
            ends = mentions[relation.head], mentions[relation.tail]
            effects, drugs = (_groups(gold.extraction, end) for end in ends)
            said = [kinds.get(frozenset((one, other))) for one in effects for other in drugs]
            told = [kind for kind in said if kind]
            yield RIGHT if RIGHT in told else (told or [NOTHING])[0]


def _groups(gold: Extraction, end: Mention) -> set[str]:
    return {
        str(mention.group)
        for mention in gold.mentions
        if mention.start < end.end and end.start < mention.end
    }


@click.command()
@click.argument("abstracts", type=click.Path(path_type=Path, exists=True))
@click.option("--model", default="ade", show_default=True)
@kb_option
def main(abstracts: Path, model: str, kb: Path | None) -> None:
    """Print the counts for sentences and for whole abstracts."""
    documents = load_dataset(abstracts, load_schema("biored")).documents
    rows = []
    for unit in ("sentence", "document"):
        counts: Counter[str] = Counter()
        with load(model, kb=kb, unit=unit) as pipeline:
            found = pipeline.extract([item.extraction.document for item in documents])
            for gold, extraction in zip(documents, found, strict=True):
                if isinstance(extraction, Extraction):
                    counts.update(kinds_found(gold, extraction))
        total = sum(counts.values())
        others = [f"{name} {count}" for name, count in counts.most_common() if name != RIGHT]
        share = f"{counts[RIGHT] / total:.0%}" if total else "-"
        rows.append((unit, total, counts[RIGHT], share, ", ".join(others)))
    print_table("relations by unit", ("unit", "found", RIGHT, "share", "others"), rows)


if __name__ == "__main__":
    with errors_told():
        main()
