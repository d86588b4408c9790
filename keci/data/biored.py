"""BioRED (Luo et al. 2022): relations of a document between concepts, in PubTator or BioC.

Novelty is not read.
"""

import logging

from keci.data.concepts import spread, unmentioned
from keci.data.gold import GoldDocument, Interaction
from keci.documents import Extraction
from keci.errors import DataError
from keci.formats.annotated import AnnotatedText
from keci.schema import TaskSchema

_LOGGER = logging.getLogger(__name__)


def read_document(text: AnnotatedText, schema: TaskSchema) -> GoldDocument:
    """An annotated document; relations of concepts without a mention are kept as interactions."""
    extraction = spread(text, schema)
    missing = unmentioned(text, extraction)
    if missing:
        message = "document %s: relations name identifiers that no mention has: %s"
        _LOGGER.warning(message, text.id, ", ".join(missing))
    interactions = dict.fromkeys(
        Interaction((row.head,), (row.tail,), row.type) for row in text.relations
    )
    return GoldDocument(extraction, tuple(interactions), extraction.id)


def read_predicted_document(text: AnnotatedText, schema: TaskSchema) -> Extraction:
    """A predicted document; raises DataError where a relation has a concept without a mention."""
    extraction = spread(text, schema)
    missing = unmentioned(text, extraction)
    if missing:
        raise DataError(f"relations name identifiers that no mention has: {', '.join(missing)}")
    return extraction
