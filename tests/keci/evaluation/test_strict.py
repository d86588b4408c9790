"""The typed counts, by hand and against a plain restatement over lists."""

from hypothesis import given
from hypothesis import strategies as st

from keci.evaluation.strict import tally_mentions, tally_relations
from keci.evaluation.tally import Score
from keci.schema import RelationType, TaskSchema
from tests.keci.data.annotations import annotate

SCHEMA = TaskSchema(
    "toy", ("A", "B"), (RelationType("binds", symmetric=True), RelationType("causes"))
)
TEXT = "one two three"
ONE, TWO, THREE = (0, 3, "A"), (4, 7, "B"), (8, 13, "A")


def relation_score(gold, predicted):
    return tally_relations(SCHEMA, [(gold, predicted)], macro=False).score()


def test_span_and_type_must_match():
    gold = annotate(TEXT, [ONE, TWO, THREE])
    predicted = annotate(TEXT, [ONE, (4, 7, "A"), (8, 12, "A")])
    tally = tally_mentions(SCHEMA, [(gold, predicted)], macro=False)
    assert tally.score() == Score(1, 2, 2)
    assert tally.by_label() == {"A": Score(1, 2, 1), "B": Score(0, 0, 1)}


def test_a_repeated_span_counts_once_and_a_second_type_by_itself():
    gold = annotate(TEXT, [ONE, ONE, (0, 3, "B")])
    tally = tally_mentions(SCHEMA, [(gold, annotate(TEXT, [ONE]))], macro=False)
    assert tally.score() == Score(1, 0, 1)


def test_direction_matters_unless_the_type_is_symmetric():
    gold = annotate(TEXT, [ONE, TWO], [(0, 1, "causes"), (0, 1, "binds")])
    turned = annotate(TEXT, [TWO, ONE], [(0, 1, "causes"), (0, 1, "binds")])
    assert relation_score(gold, turned) == Score(1, 1, 1)
    assert relation_score(gold, gold) == Score(2, 0, 0)


def test_the_types_of_both_ends_must_match():
    gold = annotate(TEXT, [ONE, TWO], [(0, 1, "causes")])
    predicted = annotate(TEXT, [ONE, (4, 7, "A")], [(0, 1, "causes")])
    assert relation_score(gold, predicted) == Score(0, 1, 1)


def test_a_mention_with_itself_is_no_pair():
    looped = annotate(TEXT, [ONE], [(0, 0, "binds")])
    assert relation_score(looped, annotate(TEXT, [ONE])) == Score(0, 0, 0)


def test_types_outside_the_schema_count_and_no_prediction_is_all_missed():
    gold = annotate(TEXT, [ONE, (4, 7, "Z")])
    tally = tally_mentions(SCHEMA, [(gold, None)], macro=False)
    assert tally.labels == ("A", "B", "Z")
    assert tally.by_label() == {"A": Score(0, 0, 1), "Z": Score(0, 0, 1)}


SPANS = st.sampled_from([(0, 3), (4, 7), (8, 13), (0, 7)])
MENTIONS = st.lists(st.tuples(SPANS, st.sampled_from("ABZ")), max_size=5, unique=True)


@st.composite
def extractions(draw):
    mentions = [(*span, label) for span, label in draw(MENTIONS)]
    relations = []
    if mentions:
        ends = st.integers(0, len(mentions) - 1)
        types = st.sampled_from(["binds", "causes", "odd"])
        relations = draw(st.lists(st.tuples(ends, ends, types), max_size=6))
    return annotate(TEXT, mentions, relations)


def plain_relations(extraction):
    """Every relation as a list entry, a symmetric one turned so that the earlier span is first."""
    listed = []
    for relation in extraction.relations:
        ends = []
        for end in (relation.head, relation.tail):
            mention = next(item for item in extraction.mentions if item.id == end)
            ends.append((mention.start, mention.end, mention.type))
        if relation.type == "binds" and ends[1] < ends[0]:
            ends.reverse()
        entry = (relation.type, *ends)
        if relation.head != relation.tail and entry not in listed:
            listed.append(entry)
    return listed


@given(st.lists(st.tuples(extractions(), extractions()), max_size=4))
def test_counts_equal_a_plain_restatement(pairs):
    tp = fp = fn = 0
    for gold, predicted in pairs:
        wanted, given_ = plain_relations(gold), plain_relations(predicted)
        tp += sum(entry in wanted for entry in given_)
        fp += sum(entry not in wanted for entry in given_)
        fn += sum(entry not in given_ for entry in wanted)
    assert tally_relations(SCHEMA, pairs, macro=False).score() == Score(tp, fp, fn)
