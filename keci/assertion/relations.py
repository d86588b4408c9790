"""What a sentence says of the relation of two mentions, beyond what it says of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from keci.assertion.rules import Rules
from keci.assertion.scopes import Scope, said_by, said_of, speaking_of
from keci.documents import Assertion, Mention

HARM = "Adverse-Effect"
"""The relation that says that a substance, the tail, has the head as its effect."""

RAISES = ("Positive_Correlation", "DiseaseOrPhenotypicFeature", "ChemicalEntity")
"""BioRED's relation that says the same of a disorder and a substance, whichever is the head."""

SUBSTANCES = frozenset({"Drug", "ChemicalEntity"})
"""Mentions that a trigger speaks of from near alone: "no rash was seen with penicillin"."""

_NEAR = 160
"""Characters around and between two mentions that are read as speaking of both."""

NEAR_TRIGGER = 24
"""Characters from a trigger to what it surely speaks of."""

_FAR = 2 * _NEAR
"""Characters before and behind a mention in which anything about it is looked for."""

_FARTHEST = 4 * _FAR
"""Characters from the first of two mentions to the end of the second, asides and names included."""

_CAUSE = re.compile(rf"(?:[^,;:]|[,:](?=\d)){{0,{_FAR}}}")
_JOINED = re.compile(
    r"\s*\(\s*|\s*\)?\s*(?:\([^()]*\)\s*)?(?:,|/|,?\s*(?:and|or)|,?\s*as\s+well\s+as)\s*"
)
_ASIDES = re.compile(r"\s*\([^()]*\)|,\s+(?:including|such\s+as|namely|e\.g\.,?)\s[^,;:()]*,")

Span = tuple[int, int]

ASSERTION_WEIGHTS: dict[Assertion, int] = {"present": 0, "speculated": 1, "negated": 2}
"""What outweighs what."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The spans of a relation's head and tail in a sentence, lists of names read as one name.

    ``others`` are all spans of the tail's type, the tail among them.
    """

    head: Span
    tail: Span
    others: Sequence[Span] = ()

    @classmethod
    def of(cls, head: Span, tail: Span, sentence: str, *, like: Sequence[Sequence[Span]]) -> "Ends":
        """The ends, with the lists that they are in: "rash, fever (3%) and chills", "rash (R)".

        Of the tail's list what stands towards the head counts: "compared with aspirin, warfarin
        caused bleeding" is no list. ``like`` has the spans, in order, of the sentence's mentions of
        the head's type, and of the tail's.
        """
        heads, tails = like
        start, end = _list_of(tail, tails, sentence)
        towards = (start, tail[1]) if head <= tail else (tail[0], end)
        return cls(_list_of(head, heads, sentence), towards, tails)

    @property
    def head_first(self) -> bool:
        return self.head <= self.tail

    @property
    def whole(self) -> Span:
        """From the beginning of the first to the end of the second."""
        return min(self.head[0], self.tail[0]), max(self.head[1], self.tail[1])

    @property
    def others_between(self) -> list[Span]:
        """The other spans of the tail's type that lie between both, in order."""
        first, second = sorted((self.head, self.tail))
        return [item for item in self.others if first[1] <= item[0] and item[1] <= second[0]]

    def between(self, sentence: str, rules: Rules) -> str:
        """The words from the first to the second, but for asides.

        Asides are other substances in passing, "not aspirin", and what a disorder that stands first
        is said to be due to.
        """
        first, second = sorted((self.head, self.tail))
        kept, at = [], first[1]
        for start, end in self.others_between:
            before = sentence[at:start]
            aside = rules.indication["in_passing"].search(before)
            if aside is None and self.head_first and at == first[1]:
                aside = rules.indication["named_cause"].search(before)
            if aside:
                kept.append(before[: aside.start()])
                at = end
        return _flowing("".join((*kept, sentence[at : second[0]])))


def _list_of(span: Span, others: Sequence[Span], sentence: str) -> Span:
    """From the first to the last name of the list that a name is in; ``others`` are in order."""
    start, end = span
    for other in others:
        if other[0] >= end and _JOINED.fullmatch(sentence, end, other[0]):
            end = other[1]
    for other in reversed(others):
        if other[1] <= start and _JOINED.fullmatch(sentence, other[1], start):
            start = other[0]
    return start, end


def effect_and_substance(kind: str, head: Mention, tail: Mention) -> tuple[Mention, Mention] | None:
    """The ends of a relation of harm, the effect first; None of any other relation."""
    if kind == HARM:
        return head, tail
    for effect, substance in ((head, tail), (tail, head)):
        if (kind, effect.type, substance.type) == RAISES:
            return effect, substance
    return None


def said_of_ends(
    sentence: str,
    ends: Ends,
    scopes: Sequence[Scope],
    rules: Rules,
    *,
    harm: bool,
    effects: Sequence[Span] = (),
) -> Assertion:
    """What triggers say of a relation's ends.

    What is one name already ("penicillin-induced rash") is presupposed, unless a trigger is near:
    "might prevent penicillin-induced rash" does not doubt the rash. Of the substance that harms a
    trigger speaks only from near, where it denies ("the rash was due to penicillin, not to
    aspirin") or stands between both; not where it is about another one of the ``effects``: "rash
    without fever on penicillin".
    """
    if rules.unrelated["fused"].search(ends.between(sentence, rules)):
        return said_of(*ends.whole, scopes, within=NEAR_TRIGGER)
    of_head = said_of(*ends.head, scopes)
    if harm:
        about_tail = said_from_near(*ends.tail, scopes, effects)
        of_tail = said_by(s for s in about_tail if s.says == "negated" or _is_between(s, ends))
    else:
        of_tail = said_of(*ends.tail, scopes)
    return max(of_head, of_tail, key=ASSERTION_WEIGHTS.__getitem__)


def said_from_near(
    start: int, end: int, scopes: Sequence[Scope], effects: Sequence[Span]
) -> list[Scope]:
    """The scopes that speak of a substance: from near, and of no effect that is nearer."""
    return speaking_of(start, end, scopes, within=NEAR_TRIGGER, others=effects)


def _is_between(scope: Scope, ends: Ends) -> bool:
    """Whether a scope's trigger stands between both ends: "was possibly due to penicillin"."""
    first, second = sorted((ends.head, ends.tail))
    return first[1] <= scope.trigger_edge <= second[0]


def is_denied(sentence: str, ends: Ends, rules: Rules, *, harm: bool) -> bool:
    """Whether the sentence says that the mentions are unrelated, or related in another way.

    ``harm`` says that the head is called an effect of the tail: the rules of indication are read.
    """
    begin, end = ends.whole
    if end - begin > _FARTHEST:
        return False
    between = ends.between(sentence, rules)
    if len(between) > _NEAR:
        return False
    if rules.unrelated["between"].search(between):
        return True
    return harm and (
        _is_other(sentence, ends, between, rules) or _is_elsewhere(sentence, ends, rules)
    )


def _is_elsewhere(sentence: str, ends: Ends, rules: Rules) -> bool:
    """Whether the sentence names another cause, or tells of the time before the substance."""
    unrelated = rules.unrelated
    before_effect = _before(sentence, ends.head)
    if _any(before_effect, unrelated["before_the_drug"], unrelated["as_with_placebo"]):
        return True
    if unrelated["not_blamed"].search(_before(sentence, ends.tail)):
        return True
    after = sentence[ends.head[1] : ends.head[1] + _FAR].partition(";")[0]
    if unrelated["after_effect"].search(_flowing(after)):
        return True
    found = unrelated["cause_found"].search(after)
    if found and not _names_a_drug(sentence, ends, _cause(sentence, ends, found), rules):
        return True
    return _is_the_cause(sentence, ends, rules) or _has_another(sentence, ends, rules)


def _cause(sentence: str, ends: Ends, found: re.Match[str]) -> Span:
    """The characters behind the words that tell the cause of the head."""
    begin = ends.head[1] + found.end()
    cause = _CAUSE.match(sentence, begin)
    return begin, cause.end() if cause else begin


def _is_the_cause(sentence: str, ends: Ends, rules: Rules) -> bool:
    """Whether the head is itself a cause that was found for something, the tail named before."""
    begin, end = _lead(ends)
    named = rules.unrelated["is_the_cause"].search(sentence, begin, end)
    if named is None or rules.unrelated["any_drug"].search(sentence, *ends.head):
        return False
    return ends.tail[1] <= named.start()


def _has_another(sentence: str, ends: Ends, rules: Rules) -> bool:
    """Whether the subject of what the head is due to is neither a substance nor called one."""
    begin, end = _lead(ends)
    named = rules.unrelated["causes_it"].search(sentence, begin, end)
    if named is None or not ends.head_first:
        return False
    return not _names_a_drug(sentence, ends, (begin, named.start()), rules)


def _lead(ends: Ends) -> Span:
    """The characters before the head in which anything about it is looked for."""
    return max(ends.head[0] - _FAR, 0), ends.head[0]


def _names_a_drug(sentence: str, ends: Ends, within: Span, rules: Rules) -> bool:
    """Whether a substance, or what is called one, begins within some characters."""
    begin, end = within
    is_a_drug = any(begin <= start < end for start, _ in ends.others)
    return is_a_drug or bool(rules.unrelated["any_drug"].search(sentence, begin, end))


def _is_other(sentence: str, ends: Ends, between: str, rules: Rules) -> bool:
    """Whether the head is a disorder that the patient has anyway, or that the tail is given for."""
    if ends.head_first:
        return _effect_first(sentence, ends, between, rules)
    unrelated, indication = rules.unrelated, rules.indication
    before = _before(sentence, ends.tail)
    is_taken_away = _is_taken_away(before, between, rules)
    if indication["accused"].search(between) or (is_taken_away and ends.others_between):
        return False
    if indication["drug_first"].search(between):
        return True
    if indication["relieves"].search(between) and not is_taken_away:
        return True
    is_given = _any(between, indication["given_and"]) or _any(before, indication["put_in"])
    if is_given and indication["goes_away"].search(_behind(sentence, ends.head)):
        return True
    for tried, what_for in (("is_tried", "tried_for"), ("who_gets", "because_of")):
        if indication[tried].search(before) and indication[what_for].search(between):
            return True
    brought_along = [unrelated["effect_of_the_patient"]]
    if not _any(before, indication["begun"], indication["exposed"]):
        brought_along.append(unrelated["admitted_with"])
    if indication["blames"].search(between):
        return False
    return _any(between, *brought_along) or bool(indication["in_spite"].search(before))


def _effect_first(sentence: str, ends: Ends, between: str, rules: Rules) -> bool:
    unrelated, indication = rules.unrelated, rules.indication
    before = _before(sentence, ends.head)
    after = _behind(sentence, ends.tail)
    is_taken_away = _is_taken_away(_before(sentence, ends.tail), after, rules)
    if is_taken_away or indication["recurs"].search(between):
        return False
    if _any(between, unrelated["effect_first"], indication["effect_first"]):
        return True
    if indication["goes"].search(between) and indication["is_given"].search(after):
        return True
    if indication["reaction_to"].search(between):
        return False
    brought_along = [unrelated["effect_of_the_patient"]]
    if not indication["exposed"].search(between):
        brought_along.append(unrelated["admitted_with"])
    return not indication["blames"].search(between) and _any(
        before, *brought_along, indication["before_effect"]
    )


def _is_taken_away(before: str, behind: str, rules: Rules) -> bool:
    """Whether what stands before or behind a substance says that it is stopped or reduced."""
    indication = rules.indication
    return bool(indication["withdrawn"].search(before) or indication["taken_away"].search(behind))


def _behind(sentence: str, span: Span) -> str:
    """What stands behind a span, from near."""
    return _flowing(sentence[span[1] : span[1] + _NEAR])


def _flowing(text: str) -> str:
    """The text without asides: "(33.3% versus 5.9%)", ", including fever,"."""
    return _ASIDES.sub("", text)


def _any(text: str, *patterns: re.Pattern[str]) -> bool:
    return any(pattern.search(text) for pattern in patterns)


def _before(sentence: str, span: Span) -> str:
    """What stands before a span; a mark for what is too far, so that it does not look like all."""
    start = max(span[0] - _FAR, 0)
    return f"{_CUT if start else ''}{_flowing(sentence[start : span[0]])}"


_CUT = "…"
