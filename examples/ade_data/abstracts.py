"""Sentences of BioRED's abstracts that name a chemical, labelled as ADE labels.

BioRED relates concepts of a whole abstract, ADE mentions of a sentence. A sentence with a chemical
and a disease that BioRED says to be positively correlated is a report where it says so in words as
well; it is left out where it does not, as are sentences with a mere association and those that
blame something for what BioRED has no relation of. All others report nothing: drugs that treat,
that are measured, or that merely stand beside a disease.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from examples.ade_data.patterns import DRUG, EFFECT
from keci.data.gold import GoldDocument
from keci.documents import Extraction, Mention, Relation
from keci.text.sentences import split_sentences

CHEMICAL, DISEASE = "ChemicalEntity", "DiseaseOrPhenotypicFeature"
CAUSES, ASSOCIATED = "Positive_Correlation", "Association"
_CAUSAL = re.compile(
    r"\b(?:induc|caus|associated with|after|follow|due to|toxic|produc|develop|result|led to|"
    r"lead(?:s|ing)? to|secondary|trigger|precipitat|provok|related|side effect|adverse|"
    r"complicat|overdose|withdrawal|intoxicat)|-(?:induced|associated|related)",
    re.IGNORECASE,
)
_BLAMING = re.compile(r"-induced|\b(?:induced|caused) by\b", re.IGNORECASE)
IsDrug = Callable[[str], bool]
Span = tuple[int, int]
_NOTHING_TO_SAY = None


def labelled_texts(
    documents: Iterable[GoldDocument], is_drug: IsDrug, *, sentences: int
) -> Iterator[Extraction]:
    """Stretches of so many consecutive sentences of which at least one names a chemical."""
    for document in documents:
        text = document.extraction.text
        ends = split_sentences(text)
        judged = {span: _judge(document, span, is_drug) for span in ends}
        for first in range(0, len(ends) - sentences + 1, sentences):
            spans = ends[first : first + sentences]
            parts = [part for span in spans if (part := judged[span]) is not None]
            if len(parts) == sentences and any(has_chemical for has_chemical, _, _ in parts):
                start, end = spans[0][0], spans[-1][1]
                yield _cut(document, (start, end), [part[1:] for part in parts])


Labelled = tuple[bool, Sequence[tuple[Span, str]], Sequence[tuple[Span, Span]]]


def _judge(document: GoldDocument, span: Span, is_drug: IsDrug) -> Labelled | None:
    """Whether a sentence has a chemical, its labelled spans and related pairs; None if unclear."""
    inside = [m for m in document.extraction.mentions if span[0] <= m.start and m.end <= span[1]]
    chemicals = [mention for mention in inside if mention.type == CHEMICAL]
    diseases = [mention for mention in inside if mention.type == DISEASE]
    kinds = {
        frozenset((*item.head_names, *item.tail_names)): item.type for item in document.interactions
    }
    pairs = [
        (disease, chemical, kinds.get(frozenset((str(disease.group), str(chemical.group)))))
        for disease in diseases
        for chemical in chemicals
    ]
    related = [(disease, chemical) for disease, chemical, kind in pairs if kind == CAUSES]
    text = document.extraction.text[span[0] : span[1]]
    is_said = _CAUSAL.search(text)
    blamed = pairs and not related and _BLAMING.search(text)
    unclear = any(kind == ASSOCIATED for _, _, kind in pairs) or (related and not is_said) or blamed
    if unclear or any(not is_drug(chemical.text) for _, chemical in related):
        return _NOTHING_TO_SAY
    drugs = [item for item in chemicals if is_drug(item.text)]
    labels = {_span(item): DRUG for item in drugs} | {_span(item): EFFECT for item, _ in related}
    ends = [(_span(disease), _span(chemical)) for disease, chemical in related]
    return bool(chemicals), sorted(labels.items()), sorted(set(ends))


def _span(mention: Mention) -> Span:
    return mention.start, mention.end


def _cut(
    document: GoldDocument,
    span: Span,
    parts: Sequence[tuple[Sequence[tuple[Span, str]], Sequence[tuple[Span, Span]]]],
) -> Extraction:
    start, end = span
    text = document.extraction.text
    labels = sorted(item for spans, _ in parts for item in spans)
    ids = {place: f"T{number}" for number, (place, _) in enumerate(labels, start=1)}
    mentions = tuple(
        Mention(ids[place], place[0] - start, place[1] - start, text[place[0] : place[1]], kind)
        for place, kind in labels
    )
    ends = sorted(pair for _, pairs in parts for pair in pairs)
    relations = tuple(
        Relation(f"R{number}", ids[effect], ids[drug], EFFECT)
        for number, (effect, drug) in enumerate(ends, start=1)
    )
    return Extraction(f"biored-{document.id}-{start}-{end}", text[start:end], mentions, relations)
