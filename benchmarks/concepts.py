"""Whether the concepts that KECI names are those that BioRED's annotators meant.

``python -m benchmarks.concepts Dev.PubTator --model biored --kb kb/open``: of the annotated
mentions that the model finds, with their exact span, how many have a concept at all, the annotated
one first, and among their candidates. "by weight" takes the candidate of the highest attention
weight instead. Genes whose NCBI number the knowledge base lacks are those of other species than
man; of them it is asked only whether the first concept is no human gene. ``--vocabulary MESH`` lets
concepts with such an id go before equals, as ``keci-extract`` does.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from keci.cli.options import errors_told, kb_option
from keci.cli.tables import print_table
from keci.data.datasets import load_dataset
from keci.data.gold import GoldDocument
from keci.documents import ConceptLink, Extraction, Mention
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.choice import knowledge_base_for
from keci.knowledge.species import HUMAN, species_of_gene
from keci.pipeline import load
from keci.schema import load_schema

COLUMNS = ("mentions", "found", "with a concept", "first", "by weight", "any")
_TYPES = ("GeneOrGeneProduct", "DiseaseOrPhenotypicFeature", "ChemicalEntity", "CellLine")
_OTHERS = "genes of other species"


def numbers_of(concept: ConceptLink) -> set[str]:
    """The ids of a concept as BioRED writes them, without the vocabulary."""
    ids = (concept.id, *concept.xrefs)
    return {name.partition(":")[2].removeprefix("CVCL_") for name in ids}


def count(
    gold: GoldDocument, found: Extraction, human_genes: set[str], into: dict[str, Counter[str]]
) -> None:
    """Add the mentions of one abstract to the counts of each type."""
    by_place = {(mention.start, mention.end): mention for mention in found.mentions}
    for wanted in gold.extraction.mentions:
        if wanted.type not in _TYPES or not wanted.group:
            continue
        ids = {name.removeprefix("CVCL_") for name in wanted.group.split(",")}
        is_other = wanted.type == _TYPES[0] and ids.isdisjoint(human_genes)
        counts = into[_OTHERS if is_other else wanted.type]
        counts["mentions"] += 1
        mention = by_place.get((wanted.start, wanted.end))
        if mention:
            counts["found"] += 1
            _judge(mention, ids, counts, is_other=is_other)


def _judge(mention: Mention, ids: set[str], counts: Counter[str], *, is_other: bool) -> None:
    if not mention.concepts:
        return
    counts["with a concept"] += 1
    right = [
        species_of_gene(link) not in (None, HUMAN)
        if is_other
        else not ids.isdisjoint(numbers_of(link))
        for link in mention.concepts
    ]
    weights = [link.weight for link in mention.concepts]
    counts["first"] += right[0]
    counts["by weight"] += right[weights.index(max(weights))]
    counts["any"] += any(right)


def human_genes_of(base: KnowledgeBase) -> set[str]:
    """The NCBI numbers of the knowledge base's genes."""
    return {
        name.partition(":")[2]
        for index in range(len(base))
        for name in base.xrefs(index)
        if name.startswith("NCBIGENE:")
    }


def rows(counts: dict[str, Counter[str]]) -> Iterable[Sequence[object]]:
    for name in (_TYPES[0], _OTHERS, *_TYPES[1:]):
        yield name, *(counts[name][column] for column in COLUMNS)


@click.command()
@click.argument("abstracts", type=click.Path(path_type=Path, exists=True))
@click.option("--model", default="biored", show_default=True)
@click.option("--vocabulary", help="As of keci-extract.")
@kb_option
def main(abstracts: Path, model: str, vocabulary: str | None, kb: Path | None) -> None:
    """Print the counts by type."""
    documents = load_dataset(abstracts, load_schema("biored")).documents
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    human_genes = human_genes_of(knowledge_base_for(kb))
    with load(model, kb=kb, vocabulary=vocabulary) as pipeline:
        found = pipeline.extract([item.extraction.document for item in documents])
        for gold, extraction in zip(documents, found, strict=True):
            if isinstance(extraction, Extraction):
                count(gold, extraction, human_genes, counts)
    print_table("concepts of annotated mentions", ("type", *COLUMNS), list(rows(counts)))


if __name__ == "__main__":
    with errors_told():
        main()
