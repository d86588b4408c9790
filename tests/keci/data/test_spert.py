import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.data.spert import read_sentence, sentence_id
from keci.errors import DataError

TOKENS = ["Severe", "rash", "after", "β-blocker", "🧪", "use"]


def record(entities=(), relations=(), tokens=TOKENS):
    return {
        "tokens": list(tokens),
        "entities": [{"type": t, "start": s, "end": e} for s, e, t in entities],
        "relations": [{"type": t, "head": h, "tail": a} for h, a, t in relations],
    }


def test_tokens_become_text_and_entities_cover_characters():
    extraction = read_sentence(
        record([(0, 2, "Adverse-Effect"), (3, 4, "Drug")], [(0, 1, "Adverse-Effect")]), "7"
    )
    assert extraction.text == "Severe rash after β-blocker 🧪 use"
    assert [(m.text, m.type) for m in extraction.mentions] == [
        ("Severe rash", "Adverse-Effect"),
        ("β-blocker", "Drug"),
    ]
    assert [(r.head, r.tail) for r in extraction.relations] == [("T1", "T2")]


def test_repeated_annotations_are_taken_once_and_types_kept_apart():
    entities = [(1, 2, "Drug"), (1, 2, "Drug"), (1, 2, "Adverse-Effect"), (5, 6, "Drug")]
    relations = [(2, 0, "x"), (2, 1, "x"), (2, 3, "x")]
    extraction = read_sentence(record(entities, relations), "7")
    assert [m.type for m in extraction.mentions] == ["Drug", "Adverse-Effect", "Drug"]
    assert [(r.head, r.tail) for r in extraction.relations] == [("T2", "T1"), ("T2", "T3")]


@given(st.lists(st.text(max_size=6), min_size=1, max_size=8), st.data())
def test_every_run_of_tokens_is_found_again(tokens, data):
    first = data.draw(st.integers(0, len(tokens) - 1))
    end = data.draw(st.integers(first + 1, len(tokens)))
    covered = " ".join(tokens[first:end])
    if not covered:
        with pytest.raises(DataError, match="are empty"):
            read_sentence(record([(first, end, "Drug")], tokens=tokens), "7")
        return
    extraction = read_sentence(record([(first, end, "Drug")], tokens=tokens), "7")
    (mention,) = extraction.mentions
    assert extraction.text[mention.start : mention.end] == mention.text == covered


@pytest.mark.parametrize(
    ("entities", "relations", "message"),
    [
        ([(3, 3, "Drug")], [], "covers the tokens 3:3 of 6"),
        ([(5, 7, "Drug")], [], "covers the tokens 5:7 of 6"),
        ([(-1, 1, "Drug")], [], "covers the tokens -1:1 of 6"),
        ([(0, 1, "Drug")], [(0, 1, "x")], "'tail' is 1, but there are 1"),
        ([(0, 1, 5)], [], "'type' must be of type str, got int '5'"),
    ],
)
def test_a_bad_record_says_what_is_wrong(entities, relations, message):
    with pytest.raises(DataError, match=message):
        read_sentence(record(entities, relations), "7")


def test_a_sentence_is_called_what_the_data_set_calls_it():
    assert sentence_id({"orig_id": 83, "id": "x"}) == "83"
    assert sentence_id({"id": "x"}) == "x"
    assert sentence_id({"tokens": []}) is None
