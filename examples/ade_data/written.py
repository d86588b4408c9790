"""Texts written one by one for the training of ``ade``, their mentions marked in the line.

A file of ``written/`` has a text a line under headings that say its kind (``# negated``).
``[D:amoxicillin]`` is a drug that causes every effect of the line, ``[E:rash]`` such an effect,
``[C:ibuprofen]`` any other drug.
"""

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from examples.ade_data.patterns import TYPES, Names, new_name, relations_of
from keci.documents import Extraction, Mention

WRITTEN = Path(__file__).with_name("written")
_MARK = re.compile(r"\[([DCE]):([^\[\]]+)\]")


@dataclass(frozen=True, slots=True)
class Line:
    """A marked text with its kind and an id that says where it stands."""

    id: str
    kind: str
    marked: str


def read_written(paths: Iterable[Path]) -> Iterator[Line]:
    """The lines of files, in their order; ValueError where a line stands under no kind."""
    for path in paths:
        kind = ""
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if line.startswith("# "):
                kind = line[2:].strip()
            elif line.strip():
                if not kind:
                    raise ValueError(f"{path}, line {number}: expected a heading '# KIND' before")
                yield Line(f"{kind}-{path.stem}-{number}", kind, line.strip())


def as_written(line: Line) -> Extraction:
    """The text with its mentions; every effect is related to every drug D."""
    return _extraction(line, line.id, {})


def with_other_names(line: Line, names: Names, *, seed: int) -> Extraction:
    """The same text about other drugs and effects, so that the wording decides and not the names.

    A name that stands twice is exchanged for the same one.
    """
    chance = random.Random(f"{seed}:{line.id}")
    used: set[str] = set()
    others: dict[str, str] = {}
    for letter, name in _MARK.findall(line.marked):
        if name.lower() not in others:
            others[name.lower()] = new_name(names.of(letter), chance, used)
    return _extraction(line, f"{line.id}-other", others)


def _extraction(line: Line, document_id: str, others: Mapping[str, str]) -> Extraction:
    text, last = "", 0
    mentions: list[Mention] = []
    letters: list[str] = []
    for mark in _MARK.finditer(line.marked):
        letter, name = mark.groups()
        text += line.marked[last : mark.start()]
        shown = others.get(name.lower(), name)
        if shown is not name and not text:
            shown = shown[:1].upper() + shown[1:]
        span = len(text), len(text) + len(shown)
        mentions.append(Mention(f"T{len(mentions) + 1}", *span, shown, TYPES[letter]))
        letters.append(letter)
        text += shown
        last = mark.end()
    text += line.marked[last:]
    return Extraction(document_id, text, tuple(mentions), tuple(relations_of(mentions, letters)))
