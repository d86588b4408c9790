"""The BioRelEx rules, by hand and against a plain restatement over the json records."""

from hypothesis import given
from hypothesis import strategies as st

from keci.data.biorelex import read_predicted_sentence, read_sentence
from keci.evaluation.biorelex import tally_interactions, tally_mentions
from keci.evaluation.tally import Score
from tests.keci.data.annotations import annotate, entity, sentence

TEXT = "Fos and cFos bind Jun, and Fos avoids Maf."
FOS = entity("protein", Fos=[(0, 3), (27, 30)], cFos=[(8, 12)], AP1=[])
JUN = entity("protein", Jun=[(18, 21)])
MAF = entity("chemical", Maf=[(38, 41)])
GOLD = read_sentence(sentence(TEXT, [FOS, JUN, MAF], [(0, 1, 1), (0, 2, -1)]))

FIRST_FOS, C_FOS, JUN_SPAN, MAF_SPAN = (0, 3, "x"), (8, 12, "x"), (18, 21, "x"), (38, 41, "x")
PREDICTED_MENTIONS = [FIRST_FOS, C_FOS, JUN_SPAN, MAF_SPAN]


def interactions(relations, **more):
    predicted = annotate(TEXT, PREDICTED_MENTIONS, relations, **more)
    return tally_interactions([(GOLD, predicted)], skip_missing=True).score()


def test_mentions_match_by_span_whatever_the_type():
    predicted = annotate(TEXT, [FIRST_FOS, (8, 11, "protein"), JUN_SPAN])
    assert tally_mentions([(GOLD, predicted)], skip_missing=True).score() == Score(2, 1, 3)


def test_an_interaction_is_found_when_all_its_name_pairs_are():
    assert interactions([(0, 2, "bind"), (1, 2, "bind")]) == Score(1, 0, 1)


def test_a_part_of_the_name_pairs_is_neither_found_nor_wrong():
    assert interactions([(0, 2, "bind")]) == Score(0, 0, 2)


def test_labels_and_direction_do_not_matter():
    assert interactions([(2, 0, "no-bind"), (2, 1, "unclear")]) == Score(1, 0, 1)


def test_each_name_pair_that_gold_lacks_is_wrong_once():
    relations = [(2, 3, "bind"), (3, 2, "no-bind"), (0, 1, "bind")]
    assert interactions(relations) == Score(0, 2, 2)


def test_groups_give_the_names_of_an_entity():
    groups = ["f", "f", "j", "m"]
    assert interactions([(0, 2, "bind")], groups=groups) == Score(1, 0, 1)
    assert interactions([(0, 2, "bind"), (1, 3, "bind")], groups=groups) == Score(2, 0, 0)


def test_repeated_gold_interactions_each_count():
    repeated = read_sentence(sentence(TEXT, [FOS, JUN, MAF], [(1, 2, 1), (2, 1, -1)]))
    predicted = annotate(TEXT, PREDICTED_MENTIONS, [(2, 3, "bind")])
    tally = tally_interactions([(repeated, predicted)], skip_missing=True)
    assert tally.score() == Score(2, 0, 0)


def test_an_entity_of_one_mention_may_interact_with_itself():
    record = sentence(TEXT, [JUN, MAF], [(0, 0, 1)])
    gold, predicted = read_sentence(record), read_predicted_sentence(record, None)
    assert tally_interactions([(gold, predicted)], skip_missing=True).score() == Score(1, 0, 0)
    silent = annotate(TEXT, [JUN_SPAN])
    assert tally_interactions([(gold, silent)], skip_missing=True).score() == Score(0, 0, 1)


def test_two_mentions_of_one_text_are_a_self_interaction():
    jun = entity("protein", Fos=[(0, 3), (27, 30)])
    gold = read_sentence(sentence(TEXT, [jun], [(0, 0, 1)]))
    predicted = annotate(TEXT, [FIRST_FOS, (27, 30, "x")], [(0, 1, "bind")])
    assert tally_interactions([(gold, predicted)], skip_missing=True).score() == Score(1, 0, 0)


def test_a_sentence_without_prediction_is_skipped_or_all_missed():
    pairs = [(GOLD, None)]
    assert tally_mentions(pairs, skip_missing=True).score() == Score(0, 0, 0)
    assert tally_mentions(pairs, skip_missing=False).score() == Score(0, 0, 5)
    assert tally_interactions(pairs, skip_missing=True).score() == Score(0, 0, 0)
    assert tally_interactions(pairs, skip_missing=False).score() == Score(0, 0, 2)


def plain_counts(gold, predicted):
    """The rules over the json records themselves: (mentions, interactions) as tp, fp, fn."""
    wanted, given_ = plain_mentions(gold), plain_mentions(predicted)
    predicted_pairs = []
    for item in predicted["interactions"]:
        predicted_pairs += plain_pairs(predicted, item)
    found, matched = 0, []
    for item in gold["interactions"]:
        pairs = plain_pairs(gold, item)
        matched += pairs
        found += all(pair in predicted_pairs for pair in pairs)
    wrong = {frozenset(pair) for pair in predicted_pairs if pair not in matched}
    return (
        Score(len(wanted & given_), len(given_ - wanted), len(wanted - given_)),
        Score(found, len(wrong), len(gold["interactions"]) - found),
    )


def plain_mentions(record):
    mentions = set()
    for item in record["entities"]:
        for name, details in item["names"].items():
            if details["is_mentioned"]:
                mentions |= {(name, *span) for span in details["mentions"]}
    return mentions


def plain_pairs(record, interaction):
    """All pairs of names of the two entities, a name with itself as a set of one."""
    heads, tails = (
        [name for name, details in entity_names(record, end) if details["is_mentioned"]]
        for end in interaction["participants"]
    )
    return [frozenset((head, tail)) for head in heads for tail in tails]


def entity_names(record, position):
    return record["entities"][position]["names"].items()


# Each name has its own places, so that a span belongs to one name, and each entity its own names:
# entities without groups of their own cannot be told apart by name otherwise.
PLACES = {"Fos": [(0, 3), (27, 30)], "cFos": [(8, 12)], "Jun": [(18, 21)], "Maf": [(38, 41)]}


@st.composite
def sentences(draw):
    owner = draw(st.fixed_dictionaries({name: st.integers(0, 2) for name in PLACES}))
    entities = []
    for position in range(3):
        names = [name for name in PLACES if owner[name] == position]
        kept = {name: draw(st.lists(st.sampled_from(PLACES[name]), unique=True)) for name in names}
        entities.append(entity(draw(st.sampled_from(["protein", "gene"])), **kept))
    named = [place for place, item in enumerate(entities) if plain_mentions({"entities": [item]})]
    chosen = []
    if named:
        ends = st.sampled_from(named)
        chosen = draw(st.lists(st.tuples(ends, ends, st.sampled_from([1, 0, -1])), max_size=5))
    return sentence(TEXT, entities, chosen)


@given(sentences(), sentences())
def test_counts_equal_a_plain_restatement(gold, predicted):
    pairs = [(read_sentence(gold), read_predicted_sentence(predicted, None))]
    mentions, found = plain_counts(gold, predicted)
    assert tally_mentions(pairs, skip_missing=True).score() == mentions
    assert tally_interactions(pairs, skip_missing=True).score() == found
