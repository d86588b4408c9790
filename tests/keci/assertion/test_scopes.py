from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from keci.assertion.rules import load_rules
from keci.assertion.scopes import Scope, find_scopes, find_triggers, said_of

RULES = load_rules()
WORDS = st.sampled_from(
    ["no", "not", "rash", "but", ",", ";", "may", "was", "excluded", "if", "without", "doubt", "é"]
)
SENTENCES = st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=30)


@given(SENTENCES)
def test_triggers_are_apart_and_inside(sentence: str) -> None:
    triggers = find_triggers(sentence, RULES)
    for trigger in triggers:
        assert 0 <= trigger.start < trigger.end <= len(sentence)
    for one, other in pairwise(triggers):
        assert one.end <= other.start


@given(SENTENCES)
def test_scopes_lie_inside_the_sentence(sentence: str) -> None:
    for scope in find_scopes(sentence, RULES):
        assert 0 <= scope.start <= scope.end <= len(sentence)


def test_a_scope_ends_where_the_clause_does() -> None:
    text = "no rash or fever, but pain"
    assert find_scopes(text, RULES) == (Scope(2, text.index(", but") + 2, "negated"),)


def test_a_near_trigger_speaks_of_a_few_words() -> None:
    (scope,) = find_scopes("without rash, fever came", RULES)
    assert (scope.start, scope.end) == (7, 12)


def test_denial_outweighs_supposition() -> None:
    scopes = (Scope(0, 9, "speculated"), Scope(0, 9, "negated"))
    assert said_of(2, 4, scopes) == "negated"
    assert said_of(2, 4, scopes[:1]) == "speculated"
    assert said_of(8, 12, scopes) == "present"
    assert said_of(0, 1, ()) == "present"


def test_no_rule_matches_nothing() -> None:
    for part in (RULES.triggers, RULES.unrelated, RULES.indication):
        for kind, pattern in part.items():
            assert not pattern.search(""), kind
            assert not pattern.search("word"), kind
