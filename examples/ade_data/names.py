"""Names of drugs, effects and disorders out of annotated data, as prose has them."""

import re
from collections.abc import Collection, Iterable

from keci.documents import Extraction
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.linking.linker import Linker

DISORDERS = frozenset([
    "T019", "T020", "T033", "T037", "T046", "T047", "T048", "T184", "T190", "T191",
])  # fmt: skip
DRUGS = frozenset(["T121", "T195"])
_BODY = frozenset(["T114", "T116", "T123", "T125", "T126", "T129", "T196"])
_OF_THE_BODY = frozenset([
    "alcohol", "cholesterol", "creatinine", "galactose", "glucose", "homogentisic", "lactate",
    "malondialdehyde", "nitric", "norepinephrine", "salt", "urea", "uric", "water",
])  # fmt: skip
"""Words of substances that the knowledge base calls pharmacologic and a reader does not."""

_JOINED = re.compile(r"(?<=\w) - (?=\w)")
_PLAIN = re.compile(r"[A-Za-z][\w' -]*")


class Judge:
    """What the knowledge base says of a name."""

    def __init__(self, base: KnowledgeBase) -> None:
        self.base = base
        self._linker = Linker(base)

    def types(self, name: str) -> frozenset[str]:
        """The semantic types of the concepts that the whole name may denote."""
        concepts = [
            concept
            for mention in self._linker.link(name)
            if (mention.start, mention.end) == (0, len(name))
            for concept in mention.concepts
        ]
        return frozenset(code for concept in concepts for code in self.base.summary(concept)[2])

    def is_disorder(self, name: str) -> bool:
        return bool(self.types(name) & DISORDERS)

    def is_drug(self, name: str) -> bool:
        """Whether a chemical is surely a medicine: pharmacologic, and no substance of the body."""
        types = self.types(name)
        foreign = bool(types & DRUGS) and not types & _BODY
        return foreign and not _OF_THE_BODY & set(name.lower().split())


def plain_names(
    documents: Iterable[Extraction], types: Collection[str], *, most_words: int
) -> list[str]:
    """The distinct names of mentions, short and without signs, sorted."""
    found = {
        _JOINED.sub("-", mention.text)
        for document in documents
        for mention in document.mentions
        if mention.type in types
    }
    return sorted(
        name
        for name in found
        if len(name) > 3 and len(name.split()) <= most_words and _PLAIN.fullmatch(name)
    )


def uncapitalised(name: str) -> str:
    """The name as it stands inside a sentence, unless it begins with an abbreviation or a name."""
    return name if name[1:] != name[1:].lower() else name[:1].lower() + name[1:]
