"""A made-up knowledge base, for machines that have no real one.

Its names are strings of syllables; types and relations are those of biomedical vocabularies, so
that a model trained with another base knows them.
"""

import random
from collections.abc import Iterator

from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory

CONCEPTS = 4000
AMBIGUITY = 3
"""Every so many concepts share a name with another one."""

_TYPES = ("T047", "T033", "T121", "T109", "T116", "T028", "T023", "T025", "T046", "T191")
_RELATIONS = ("isa", "related_to", "part_of", "causes")
_STARTS = ("ace", "ben", "car", "dol", "eti", "flu", "gly", "hepa", "iso", "keto", "lipo", "meth")
_MIDDLES = ("bro", "cy", "dra", "fen", "lo", "mi", "no", "pra", "ri", "sta", "thi", "xa", "zo")
_ENDS = ("amide", "azole", "emia", "ine", "itis", "ol", "oma", "one", "opathy", "osis", "ase", "in")


def made_base(seed: int = 1) -> KnowledgeBase:
    """CONCEPTS concepts with two names each and five relations; the same for the same seed."""
    chance = random.Random(seed)
    names = [_name(chance) for _ in range(CONCEPTS)]
    concepts = [
        ConceptRecord(
            f"X:{number}",
            name,
            (chance.choice(_TYPES),),
            synonyms=(names[number - 1] if number % AMBIGUITY == 0 else _name(chance),),
        )
        for number, name in enumerate(names)
    ]
    return knowledge_base_in_memory(concepts, list(_relations(chance)), name="made")


def _name(chance: random.Random) -> str:
    word = chance.choice(_STARTS) + chance.choice(_MIDDLES) + chance.choice(_ENDS)
    if chance.random() < 0.3:
        return f"{chance.choice(_STARTS)}{chance.choice(_ENDS)} {word}"
    return chance.choice((word, word, f"{chance.choice(_MIDDLES)}{word}"))


def _relations(chance: random.Random) -> Iterator[RelationRecord]:
    for number in range(CONCEPTS):
        for _ in range(5):
            tail = chance.randrange(CONCEPTS)
            if tail != number:
                yield RelationRecord(f"X:{number}", f"X:{tail}", chance.choice(_RELATIONS))
