"""What a mention denotes in the graph: its best concept, else its normalised text."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from keci.documents import Mention

MIN_WEIGHT = 0.2
TEXT_PREFIX = "KECI"
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Node:
    """A concept, or a name that no concept stands for.

    ``type`` is the entity type of the mention; ``semantic_types`` and ``xrefs`` (its ids in other
    vocabularies) are the concept's.
    """

    id: str
    name: str
    type: str
    semantic_types: tuple[str, ...] = ()
    xrefs: tuple[str, ...] = ()

    @property
    def is_linked(self) -> bool:
        return not self.id.startswith(f"{TEXT_PREFIX}:")


def node_of(mention: Mention, min_weight: float = MIN_WEIGHT) -> Node:
    """The node that a mention counts for.

    It is the first concept where the text itself has at most 1 - ``min_weight`` of the attention,
    else the text without regard to case and white space, with the mention's type. A concept whose
    name the file did not tell is called by that text.

    >>> node_of(Mention("T1", 0, 11, "Severe rash", "effect")).id
    'KECI:effect=severe%20rash'
    """
    best = mention.concept
    if best is not None and _attention(mention) >= min_weight:
        return Node(best.id, best.name or _called(mention), mention.type, best.types, best.xrefs)
    name = _called(mention)
    local = f"{quote(mention.type, safe='')}={quote(name, safe='')}"
    return Node(f"{TEXT_PREFIX}:{local}", name, mention.type)


def _attention(mention: Mention) -> float:
    """What the model paid to concepts, those included that a format left out."""
    if mention.context_weight is None:
        return sum(link.weight for link in mention.concepts)
    return round(1 - mention.context_weight, 6)


def _called(mention: Mention) -> str:
    return _SPACE.sub(" ", mention.text).strip().casefold()
