"""The id by which a concept goes in the output, chosen among those that its record knows."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from keci.documents import ConceptLink, Extraction
from keci.errors import UsageError


def parse_vocabularies(text: str | None) -> tuple[str, ...]:
    """Read ``MESH,CHEBI``; raises UsageError where a name is empty or twice there."""
    if text is None:
        return ()
    names = tuple(name.strip().removesuffix(":").upper() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"expected vocabularies as MESH,CHEBI, got {text!r}")
    return names


def known_vocabularies(names: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    """The names as a knowledge base spells them; raises UsageError for one that it does not have.

    ``known`` are the vocabularies that the ids of its concepts are of.
    """
    spelled = {vocabulary.upper(): vocabulary for vocabulary in sorted(known)}
    for name in names:
        if name not in spelled:
            there = ", ".join(spelled.values()) or "none"
            raise UsageError(
                f"the knowledge base has no ids of the vocabulary {name!r}; there are {there}"
            )
    return tuple(spelled[name] for name in names)


def in_vocabularies(extraction: Extraction, vocabularies: Sequence[str]) -> Extraction:
    """The extraction with each concept by its id in the first vocabulary that has one.

    Its former id then stands among ``xrefs``; a concept that none of them has keeps its id.
    """
    if not vocabularies:
        return extraction
    mentions = tuple(
        replace(mention, concepts=tuple(_renamed(link, vocabularies) for link in mention.concepts))
        if mention.concepts
        else mention
        for mention in extraction.mentions
    )
    return replace(extraction, mentions=mentions)


def _renamed(link: ConceptLink, vocabularies: Sequence[str]) -> ConceptLink:
    known = (link.id, *link.xrefs)
    for vocabulary in vocabularies:
        chosen = next((name for name in known if name.startswith(f"{vocabulary}:")), None)
        if chosen is not None:
            others = tuple(name for name in known if name != chosen)
            return replace(link, id=chosen, xrefs=others)
    return link
