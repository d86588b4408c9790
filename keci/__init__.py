"""KECI: biomedical entities and relations by knowledge-enhanced collective inference.

1. ``text``: words with exact offsets, word pieces, candidate spans, sentences.
2. ``knowledge``: the compiled knowledge base, the linker, the background graph of a text.
3. ``batch``: both as one ragged batch of named arrays; ``stages`` says what each tensor means.
4. ``model``: encoder, initial span graph, span GCN, concept GCN, fusion, final span graph (Eq 1-9).
5. ``decoding``, ``prediction``: scores to mentions and relations, documents in order.
6. ``training`` makes models, ``export`` bundles them, ``runtime`` and ``corpus`` run them on text.
"""

from keci.documents import ConceptLink, Document, Extraction, Failure, Mention, Relation
from keci.errors import KeciError
from keci.schema import RelationType, TaskSchema, load_schema

__all__ = [
    "ConceptLink",
    "Document",
    "Extraction",
    "Failure",
    "KeciError",
    "Mention",
    "Relation",
    "RelationType",
    "TaskSchema",
    "load_schema",
]
