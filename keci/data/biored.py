"""BioRED (Luo et al. 2022): relations of a document between concepts, in PubTator or BioC.

Novelty is not read.
"""

from keci.data.concepts import concept_interactions, spread, unmentioned
from keci.data.gold import GoldDocument, Interaction, entity_interactions
from keci.documents import Extraction
from keci.errors import DataError
from keci.formats.annotated import AnnotatedText, Remark
from keci.schema import TaskSchema


def read_document(text: AnnotatedText, schema: TaskSchema) -> GoldDocument:
    """An annotated document; relations of concepts without a mention are kept as interactions."""
    extraction = spread(text, schema)
    missing = frozenset(unmentioned(text, extraction))
    lost = tuple(
        Remark(
            "relations name identifiers that no mention has",
            f"{row.type} of {row.head} and {row.tail} in {text.id}",
            "relation",
        )
        for row in text.relations
        if not missing.isdisjoint((row.head, row.tail))
    )
    stated = (Interaction((row.head,), (row.tail,), row.type) for row in text.relations)
    linked = concept_interactions(extraction) if text.links else ()
    interactions = tuple(dict.fromkeys((*stated, *linked)))
    if schema.metric == "biorelex":
        interactions = entity_interactions(extraction)
    return GoldDocument(extraction, interactions, extraction.id, (*text.remarks, *lost))


def read_predicted_document(text: AnnotatedText, schema: TaskSchema) -> Extraction:
    """A predicted document; raises DataError where a relation has a concept without a mention."""
    lost = next((remark for remark in text.remarks if remark.lost), None)
    if lost:
        raise DataError(f"{lost.reason}: {lost.example}")
    extraction = spread(text, schema)
    missing = unmentioned(text, extraction)
    if missing:
        raise DataError(f"relations name identifiers that no mention has: {', '.join(missing)}")
    return extraction
