"""Which of its candidate concepts a mention means, given its type and the species of the text.

The linker orders candidates by their names alone. A mention has a type too: concepts of semantic
types that such mentions have in training come first, and those of another semantic group are left
out. Among the concepts of a gene's mention those of the text's species come first, and a gene comes
before the heading of its product. Attention weights take no part: they tell what the model made use
of, and say little of which concept is meant (docs/decisions/meaning.md).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from keci.documents import ConceptLink, Extraction, Mention
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.base.vocabulary import GENE, GROUP_OF_TYPE
from keci.knowledge.linking.abbreviations import find_abbreviations
from keci.knowledge.linking.linker import Linker
from keci.knowledge.linking.normalise import normalise
from keci.knowledge.species import species_of_gene, species_of_text

_FAMILIES = "FPLX:"
_ORTHOLOGOUS = "orthologous_to"
_LEAST_SHARE = 0.05
_LEAST_GENES = 1 / 3
_LEAST_MENTIONS = 20

_THINGS = frozenset({"anatomy", "chemicals", "disorders", "genes", "living beings"})
"""Semantic groups apart: a disorder is no gene. What is outside them may be many a thing."""

Shares = Mapping[str, Mapping[str, float]]
"""By entity type the share of its mentions that have each semantic type."""


def semantic_types_of(
    extractions: Iterable[Extraction], linker: Linker
) -> dict[str, dict[str, float]]:
    """The semantic types that annotated mentions of each type have, by their first candidate.

    Shares below a twentieth are left out, and so are types with fewer than twenty mentions that the
    knowledge base has a name for.
    """
    linked: Counter[str] = Counter()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for extraction in extractions:
        first = {(start, end): concepts[0] for start, end, concepts in linker.link(extraction.text)}
        for mention in extraction.mentions:
            concept = first.get((mention.start, mention.end))
            if concept is not None:
                linked[mention.type] += 1
                counts[mention.type].update(linker.knowledge_base.types(concept))
    return {
        name: {
            code: round(count / linked[name], 3)
            for code, count in sorted(counts[name].items())
            if count >= _LEAST_SHARE * linked[name]
        }
        for name in sorted(linked)
        if linked[name] >= _LEAST_MENTIONS
    }


class Meanings:
    """Orders the candidates of each mention by how likely they are meant, the best first.

    ``shares`` are those of ``semantic_types_of``; without them candidates stay in the linker's
    order. Of concepts that are equally likely, one with an id in ``vocabularies`` comes first.
    """

    def __init__(
        self, base: KnowledgeBase, shares: Shares, vocabularies: Sequence[str] = ()
    ) -> None:
        self._base = base
        self._shares = shares
        self._groups = {name: _things(share) for name, share in shares.items()}
        self._genes = {name for name, share in shares.items() if share.get(GENE, 0) >= _LEAST_GENES}
        self._vocabularies = tuple(f"{name}:" for name in vocabularies)
        names = base.relation_names
        self._ortholog = names.index(_ORTHOLOGOUS) if _ORTHOLOGOUS in names else -1

    def ordered(self, extraction: Extraction) -> Extraction:
        """The extraction with the candidates of its mentions, best first."""
        linked = [mention for mention in extraction.mentions if mention.concepts]
        if not linked:
            return extraction
        has_genes = any(mention.type in self._genes for mention in linked)
        species = species_of_text(extraction.text) if has_genes else None
        explained = {
            extraction.text[found.short_start : found.short_end]: normalise(
                extraction.text[found.long_start : found.long_end]
            )
            for found in find_abbreviations(extraction.text)
        }
        mentions = tuple(
            replace(mention, concepts=self._order(mention, species, explained.get(mention.text)))
            if mention.concepts
            else mention
            for mention in extraction.mentions
        )
        return replace(extraction, mentions=mentions)

    def _order(
        self, mention: Mention, species: str | None, long_form: str | None
    ) -> tuple[ConceptLink, ...]:
        fitting = self._shares.get(mention.type)
        if fitting is None:
            return mention.concepts
        groups = self._groups[mention.type]
        concepts = [link for link in mention.concepts if _may_be(link, groups, fitting)]
        if not concepts:
            return ()
        of_genes = mention.type in self._genes
        meant = self._called(concepts, long_form)
        family = concepts[0] if of_genes and _is_family(concepts[0]) else None

        def rank(link: ConceptLink) -> tuple[bool, ...]:
            return (
                bool(meant) and link.name.casefold() not in meant,
                of_genes and link is not family and species_of_gene(link) != species,
                link is not family and of_genes != _is_gene(link),
                link is not family and not any(code in fitting for code in link.types),
                not of_genes
                and not any(name.startswith(self._vocabularies) for name in (link.id, *link.xrefs)),
            )

        ranked = sorted(concepts, key=rank)
        return (*self._orthologs(ranked, species), *ranked) if of_genes else tuple(ranked)

    def _called(self, concepts: Sequence[ConceptLink], long_form: str | None) -> frozenset[str]:
        """The preferred names of the concepts that a mention's long form names.

        A gene is named too by the name of what it is related to, the heading of its product, and by
        that of a gene of another species that shares its symbol.
        """
        if not long_form:
            return frozenset()
        known = {*self._base.candidates(long_form).tolist()}
        return frozenset(
            link.name.casefold()
            for link in concepts
            for index in (self._base.find(link.id),)
            if index is not None
            and (index in known or not known.isdisjoint(self._base.neighbours(index)[0].tolist()))
        )

    def _orthologs(self, concepts: Sequence[ConceptLink], species: str | None) -> list[ConceptLink]:
        """The gene of a species that the first gene of another corresponds to, where none is of it.

        It has the same symbol, or is related to the human gene. The model has not read it: its
        weight is 0.
        """
        known = [species_of_gene(link) for link in concepts]
        if species in known or not any(known) or _is_family(concepts[0]):
            return []
        first = concepts[next(place for place, found in enumerate(known) if found)]
        for index in (
            *self._related(first),
            *self._base.candidates(normalise(first.name)).tolist(),
        ):
            concept_id, name, types, xrefs = self._base.summary(index)
            link = ConceptLink(concept_id, name, types, 0.0, xrefs)
            if species_of_gene(link) == species:
                return [link]
        return []

    def _related(self, link: ConceptLink) -> list[int]:
        index = self._base.find(link.id)
        if index is None:
            return []
        tails, relations = self._base.neighbours(index)
        orthologs: list[int] = tails[relations == self._ortholog].tolist()
        return orthologs


def _things(types: Iterable[str]) -> frozenset[str]:
    """The groups of semantic types, as far as they exclude one another."""
    return _THINGS.intersection(GROUP_OF_TYPE.get(code, "") for code in types)


def _is_family(concept: ConceptLink) -> bool:
    """Whether it is one of FamPlex's families and complexes, which have genes of all species."""
    return any(name.startswith(_FAMILIES) for name in (concept.id, *concept.xrefs))


def _may_be(concept: ConceptLink, groups: frozenset[str], fitting: Mapping[str, float]) -> bool:
    """Whether a mention may denote it whose type has so fitting semantic types, of these groups."""
    things = _things(concept.types)
    return (not things or bool(things & groups)) and (GENE in fitting or not _is_gene(concept))


def _is_gene(concept: ConceptLink) -> bool:
    """Whether it is a gene, or the protein of one species."""
    return GENE in concept.types or species_of_gene(concept) is not None
