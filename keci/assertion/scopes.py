"""The scopes of triggers in a sentence, after NegEx and ConText.

A trigger speaks of what follows or precedes it, up to the next word that ends a clause. A longer
trigger hides the shorter ones inside it; a pseudo trigger only hides.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from keci.assertion.rules import (
    ENDS,
    NEGATES_AFTER,
    NEGATES_BEFORE,
    NEGATES_JUST_BEFORE,
    NEGATES_NEAR,
    PSEUDO,
    SUPPOSES_AFTER,
    SUPPOSES_BEFORE,
    Rules,
)
from keci.documents import Assertion

_FORWARD: dict[str, Assertion] = {
    NEGATES_AFTER: "negated",
    NEGATES_NEAR: "negated",
    SUPPOSES_AFTER: "speculated",
}
_BACKWARD: dict[str, Assertion] = {
    NEGATES_BEFORE: "negated",
    NEGATES_JUST_BEFORE: "negated",
    SUPPOSES_BEFORE: "speculated",
}


_FRONTED = re.compile(
    r"\W*(?:(?:even )?though|although|as|because|contrary to|despite|in contrast|in spite of|once|"
    r"since|unlike|when|whereas|while|whilst)\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r",(?!\s*(?:[\w-]+\s+){0,3}(?:and|or|nor)\b)(?!\s*(?:with|which|who|whose|whom|where|in|of)\b)"
)
"""A comma that neither goes on in a list nor begins a clause about the word before it."""

_FEW_WORDS = re.compile(r"(?:[^\w,]*\w+){0,7}")


@dataclass(frozen=True, slots=True)
class Trigger:
    """Where a trigger of a kind stands: a half-open span of the sentence's characters."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The characters ``start`` to ``end`` of which a trigger says something.

    The trigger stands at the start or, where ``backward``, at the end.
    """

    start: int
    end: int
    says: Assertion
    backward: bool = False

    @property
    def trigger_edge(self) -> int:
        """Where the trigger ends, or begins where it is read backward."""
        return self.end if self.backward else self.start

    def is_about_one_of(self, spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
        """Whether one of some spans lies between the trigger and another span."""
        first, last = (end, self.end) if self.backward else (self.start, start)
        return any(first <= span[0] and span[1] <= last for span in spans)

    def holds(self, start: int, end: int, *, within: int | None = None) -> bool:
        """Whether it speaks of a span, at most ``within`` characters from the trigger."""
        if not (self.start <= start and end <= self.end):
            return False
        gap = self.end - end if self.backward else start - self.start
        return within is None or gap <= within


def find_scopes(sentence: str, rules: Rules) -> tuple[Scope, ...]:
    """What the triggers of a sentence say of its stretches, in order.

    >>> from keci.assertion.rules import load_rules
    >>> find_scopes("No rash, but fever.", load_rules())
    (Scope(start=2, end=9, says='negated', backward=False),)
    """
    triggers = find_triggers(sentence, rules)
    ends = [trigger for trigger in triggers if trigger.kind == ENDS]
    ends = sorted([*ends, *_end_of_fronted(sentence)], key=lambda end: end.start)
    return tuple(_scopes(sentence, triggers, ends))


def _scopes(sentence: str, triggers: Sequence[Trigger], ends: Sequence[Trigger]) -> Iterator[Scope]:
    for trigger in triggers:
        if trigger.kind in _FORWARD:
            later = (end.start for end in ends if end.start >= trigger.end)
            end = min(later, default=len(sentence))
            if trigger.kind == NEGATES_NEAR:
                end = min(end, _near_end(sentence, trigger.end))
            yield Scope(trigger.end, end, _FORWARD[trigger.kind])
        elif trigger.kind in _BACKWARD:
            before = takewhile(lambda end, at=trigger: end.end <= at.start, ends)  # type: ignore[misc]
            start = max((end.end for end in before), default=0)
            if trigger.kind == NEGATES_JUST_BEFORE:
                start = max(start, sentence.rfind(",", 0, trigger.start) + 1)
            yield Scope(start, trigger.start, _BACKWARD[trigger.kind], backward=True)
    if sentence.rstrip().endswith("?"):
        yield Scope(0, len(sentence), "speculated")


def _end_of_fronted(sentence: str) -> list[Trigger]:
    """The comma behind a clause with which the sentence begins ("Although there was no rash,")."""
    if not _FRONTED.match(sentence):
        return []
    comma = _CLAUSE_END.search(sentence)
    return [Trigger(*comma.span(), ENDS)] if comma else []


def _near_end(sentence: str, start: int) -> int:
    """Where the few words that a near trigger speaks of end."""
    found = _FEW_WORDS.match(sentence, start)
    return found.end() if found else start


def find_triggers(sentence: str, rules: Rules) -> list[Trigger]:
    """The triggers by their start, less those that lie inside longer ones."""
    found = [
        Trigger(*match.span(), kind)
        for kind, pattern in rules.triggers.items()
        for match in pattern.finditer(sentence)
        if match.end() > match.start()
    ]
    found.sort(key=lambda item: (item.start - item.end, item.kind != PSEUDO, item.start, item.kind))
    kept: list[Trigger] = []
    for trigger in found:
        if not any(_inside(trigger, other) for other in kept):
            kept.append(trigger)
    return sorted(kept, key=lambda trigger: (trigger.start, trigger.end))


def _inside(trigger: Trigger, other: Trigger) -> bool:
    """Whether a trigger overlaps a longer one, which hides it."""
    return trigger.start < other.end and other.start < trigger.end


def speaking_of(
    start: int,
    end: int,
    scopes: Iterable[Scope],
    *,
    within: int | None = None,
    others: Sequence[tuple[int, int]] = (),
) -> list[Scope]:
    """The scopes that speak of a span.

    ``within`` leaves out triggers that are more characters away, ``others`` those that one of these
    spans stands nearer to: they are about that one.
    """
    return [
        scope
        for scope in scopes
        if scope.holds(start, end, within=within) and not scope.is_about_one_of(others, start, end)
    ]


def said_by(scopes: Iterable[Scope]) -> Assertion:
    """What scopes say together: that it is not so outweighs that it may be."""
    about = {scope.says for scope in scopes}
    if "negated" in about:
        return "negated"
    return "speculated" if "speculated" in about else "present"


def said_of(
    start: int, end: int, scopes: Sequence[Scope], *, within: int | None = None
) -> Assertion:
    """What the scopes say of a span; ``within`` as of ``speaking_of``."""
    return said_by(speaking_of(start, end, scopes, within=within))
