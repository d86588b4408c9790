"""Extractions with what their texts say of each mention and relation."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from keci.assertion.relations import (
    ASSERTION_WEIGHTS,
    SUBSTANCES,
    Ends,
    effect_and_substance,
    is_denied,
    said_from_near,
    said_of_ends,
)
from keci.assertion.rules import Rules, load_rules
from keci.assertion.scopes import Scope, find_scopes, said_by, said_of
from keci.documents import Assertion, Extraction, Mention, Relation
from keci.text.sentences import split_sentences

Spans = dict[int, dict[str, list[tuple[int, int]]]]
"""By where a sentence begins and by type: the spans, in order, of its mentions."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    start: int
    text: str
    scopes: tuple[Scope, ...]

    def offsets(self, mention: Mention) -> tuple[int, int]:
        return mention.start - self.start, mention.end - self.start


def marked(extraction: Extraction) -> Extraction:
    """The extraction with the assertion of each mention and relation, nothing else changed.

    Each sentence is read alone. A relation is negated where the text denies it or one of its ends,
    speculated where the text supposes it or one of its ends.

    >>> from keci.documents import Mention
    >>> found = Extraction("d", "There was no rash.", (Mention("T1", 13, 17, "rash", "effect"),))
    >>> marked(found).mentions[0].assertion
    'negated'
    """
    if not extraction.mentions:
        return extraction
    rules = load_rules()
    sentences = _sentences_of(extraction, rules)
    spans: Spans = defaultdict(lambda: defaultdict(list))
    for mention, sentence in zip(extraction.mentions, sentences, strict=True):
        insort(spans[sentence.start][mention.type], sentence.offsets(mention))
    mentions = tuple(
        replace(mention, assertion=_said_of_mention(mention, sentence, spans[sentence.start]))
        for mention, sentence in zip(extraction.mentions, sentences, strict=True)
    )
    known = {
        mention.id: (mention, sentence)
        for mention, sentence in zip(mentions, sentences, strict=True)
    }
    relations = tuple(
        replace(relation, assertion=_said_of_relation(relation, known, spans, rules))
        for relation in extraction.relations
    )
    return replace(extraction, mentions=mentions, relations=relations)


def _said_of_mention(
    mention: Mention, sentence: _Sentence, spans: Mapping[str, list[tuple[int, int]]]
) -> Assertion:
    span = sentence.offsets(mention)
    if mention.type not in SUBSTANCES:
        return said_of(*span, sentence.scopes)
    return said_by(said_from_near(*span, sentence.scopes, _others(spans, mention.type)))


def _others(spans: Mapping[str, list[tuple[int, int]]], kind: str) -> list[tuple[int, int]]:
    """The spans of a sentence's mentions of other types."""
    return [span for other, listed in spans.items() if other != kind for span in listed]


def _said_of_relation(
    relation: Relation,
    known: Mapping[str, tuple[Mention, _Sentence]],
    spans: Spans,
    rules: Rules,
) -> Assertion:
    (head, sentence), (tail, other) = known[relation.head], known[relation.tail]
    if sentence.start != other.start:
        return max(head.assertion, tail.assertion, key=ASSERTION_WEIGHTS.__getitem__)
    harm = effect_and_substance(relation.type, head, tail)
    first, second = harm or (head, tail)
    spans_of_ends = sentence.offsets(first), sentence.offsets(second)
    said = said_of_ends(
        sentence.text,
        Ends(*spans_of_ends),
        sentence.scopes,
        rules,
        harm=harm is not None,
        effects=_others(spans[sentence.start], second.type) if harm else (),
    )
    like = [spans[sentence.start][mention.type] for mention in (first, second)]
    ends = Ends.of(*spans_of_ends, sentence.text, like=like)
    return "negated" if is_denied(sentence.text, ends, rules, harm=harm is not None) else said


def _sentences_of(extraction: Extraction, rules: Rules) -> list[_Sentence]:
    """The sentence in which each mention begins."""
    spans = split_sentences(extraction.text)
    starts = [start for start, _ in spans]
    read: dict[int, _Sentence] = {}

    def sentence_at(offset: int) -> _Sentence:
        at = max(bisect_right(starts, offset) - 1, 0)
        if at not in read:
            start, end = spans[at] if spans else (0, len(extraction.text))
            text = extraction.text[start:end]
            read[at] = _Sentence(start, text, find_scopes(text, rules))
        return read[at]

    return [sentence_at(mention.start) for mention in extraction.mentions]
