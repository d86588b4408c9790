"""KECI: biomedical entities and relations by knowledge-enhanced collective inference.

1. ``text``: words with exact offsets, word pieces, candidate spans, sentences.
2. ``knowledge``: the compiled knowledge base, the linker, the background graph of a text.
3. ``batch``: both as one ragged batch of named arrays; ``stages`` says what each tensor means.
4. ``model``: encoder, initial span graph, span GCN, concept GCN, fusion, final span graph (Eq 1-9).
5. ``decoding``, ``prediction``: scores to mentions and relations, documents in order.
6. ``pipeline``: ``load``, ``read``, ``write`` and ``evaluate``, for people and commands alike.
7. ``training`` makes models, ``export`` bundles them, ``runtime`` and ``corpus`` run them on text.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from keci.documents import ConceptLink, Document, Extraction, Failure, Mention, Relation
from keci.errors import KeciError
from keci.schema import RelationType, TaskSchema, load_schema

if TYPE_CHECKING:
    from keci.formats.frame import to_frame
    from keci.graph.networks import to_graph
    from keci.pipeline import LinkedMention, Pipeline, evaluate, load, read, write

    __version__: str

__all__ = [
    "ConceptLink",
    "Document",
    "Extraction",
    "Failure",
    "KeciError",
    "LinkedMention",
    "Mention",
    "Pipeline",
    "Relation",
    "RelationType",
    "TaskSchema",
    "__version__",
    "evaluate",
    "load",
    "load_schema",
    "read",
    "to_frame",
    "to_graph",
    "write",
]

_MODULES = {
    **dict.fromkeys(
        ("LinkedMention", "Pipeline", "evaluate", "load", "read", "write"), "keci.pipeline"
    ),
    "to_frame": "keci.formats.frame",
    "to_graph": "keci.graph.networks",
}


def __getattr__(name: str) -> Any:
    """What is imported when it is asked for, so that ``import keci`` takes no time."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("keci")
    raise AttributeError(f"module 'keci' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
