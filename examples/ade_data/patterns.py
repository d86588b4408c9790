"""Sentences made by filling patterns with the drugs, effects and disorders of annotated data."""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keci.documents import Extraction, Mention, Relation

DRUG, EFFECT = "Drug", "Adverse-Effect"
REPORTING = ("reports", "mixed", "speculated")
"""The kinds of patterns in which something is related."""

_SLOT = re.compile(r"\{([DCEX])\d?\}")
TYPES = {"D": DRUG, "C": DRUG, "E": EFFECT}


@dataclass(frozen=True, slots=True)
class Names:
    """What fills the slots: drugs (D, C), effects (E) and disorders (X)."""

    drugs: Sequence[str]
    effects: Sequence[str]
    disorders: Sequence[str]

    def of(self, slot: str) -> Sequence[str]:
        return {"D": self.drugs, "C": self.drugs, "E": self.effects, "X": self.disorders}[slot]


def read_patterns(*paths: Path) -> dict[str, tuple[str, ...]]:
    """The patterns of each kind, those of all the files together."""
    found: dict[str, tuple[str, ...]] = {}
    for path in paths:
        for kind, content in tomllib.loads(path.read_text("utf-8")).items():
            found[kind] = (*found.get(kind, ()), *content["sentences"])
    return found


def filled(
    patterns: Mapping[str, Sequence[str]],
    names: Names,
    *,
    times: Mapping[str, int],
    seed: int,
) -> Iterator[Extraction]:
    """Every pattern filled as often as its kind says; the same names for the same seed."""
    for kind, sentences in patterns.items():
        for number, pattern in enumerate(sentences):
            chance = random.Random(f"{seed}:{kind}:{pattern}")
            for turn in range(times[kind]):
                yield fill(pattern, names, chance, f"{kind}-{number}-{turn}")


def fill(pattern: str, names: Names, chance: random.Random, document_id: str) -> Extraction:
    """One sentence: a name for each slot, no name twice; every effect is related to every D."""
    text = ""
    mentions: list[Mention] = []
    used: set[str] = set()
    letters = []
    last = 0
    for slot in _SLOT.finditer(pattern):
        text += pattern[last : slot.start()]
        name = new_name(names.of(slot[1]), chance, used)
        shown = name if text.strip() else name[:1].upper() + name[1:]
        if slot[1] in TYPES:
            span = len(text), len(text) + len(shown)
            mentions.append(Mention(f"T{len(mentions) + 1}", *span, shown, TYPES[slot[1]]))
            letters.append(slot[1])
        text += shown
        last = slot.end()
    text += pattern[last:]
    return Extraction(document_id, text, tuple(mentions), tuple(relations_of(mentions, letters)))


def relations_of(mentions: Sequence[Mention], letters: Sequence[str]) -> Iterator[Relation]:
    of = {
        wanted: [item for item, letter in zip(mentions, letters, strict=True) if letter == wanted]
        for wanted in "DE"
    }
    pairs = ((effect.id, drug.id) for effect in of["E"] for drug in of["D"])
    for number, (effect, drug) in enumerate(pairs, start=1):
        yield Relation(f"R{number}", effect, drug, EFFECT)


def new_name(names: Sequence[str], chance: random.Random, used: set[str]) -> str:
    """A name that shares no word with those used in the sentence already."""
    while True:
        name = chance.choice(names)
        words = set(name.lower().split())
        if not words & used:
            used |= words
            return name
