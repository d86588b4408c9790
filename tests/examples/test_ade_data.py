import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.ade_data.__main__ import FILLED, PATTERNS
from examples.ade_data.abstracts import labelled_texts
from examples.ade_data.joined import join, joined_texts
from examples.ade_data.names import plain_names, uncapitalised
from examples.ade_data.patterns import REPORTING, Names, fill, filled, read_patterns
from examples.ade_data.written import (
    WRITTEN,
    Line,
    as_written,
    read_written,
    with_other_names,
)
from keci.data.gold import GoldDocument, Interaction
from keci.documents import Extraction, Mention
from keci.text.sentences import split_sentences
from tests.strategies import extractions

NAMES = Names(
    ["aspirin", "interferon alpha", "lithium", "penicillin G"],
    ["skin rash", "coma", "liver failure", "seizures"],
    ["asthma", "gout", "headache", "hay fever"],
)


def related(extraction: Extraction) -> set[tuple[str, str]]:
    texts = {mention.id: mention.text for mention in extraction.mentions}
    return {(texts[item.head], texts[item.tail]) for item in extraction.relations}


def test_every_pattern_says_what_its_kind_says() -> None:
    patterns = read_patterns(*PATTERNS)
    sentences = [sentence for kind in patterns.values() for sentence in kind]
    assert len(sentences) == len(set(sentences)) >= 400
    for kind, group in patterns.items():
        for pattern in group:
            reports = "{E" in pattern
            assert reports == ("{D" in pattern) == (kind in REPORTING), pattern
            assert not re.sub(r"\{[DCEX]2?\}", "", pattern).count("{"), pattern
            slots = re.findall(r"\{\w+\}", pattern)
            assert len(slots) == len(set(slots)), pattern


def test_patterns_are_filled_exactly_and_always_the_same() -> None:
    patterns = read_patterns(*PATTERNS)
    times = {kind: 3 if kind in REPORTING else 2 for kind in patterns}
    assert FILLED.keys() == patterns.keys()
    made = list(filled(patterns, NAMES, times=times, seed=1))
    assert made == list(filled(patterns, NAMES, times=times, seed=1))
    assert made != list(filled(patterns, NAMES, times=times, seed=2))
    assert len({item.id for item in made}) == len(made)
    for extraction in made:
        assert "{" not in extraction.text
        assert len(split_sentences(extraction.text)) == 1 or "Medication:" in extraction.text
        for mention in extraction.mentions:
            assert extraction.text[mention.start : mention.end] == mention.text


def test_effects_are_related_to_the_drugs_that_cause_them() -> None:
    made = fill("{D} and {D2} caused {E} but no {X}; {C} did not.", NAMES, random.Random(1), "p")
    assert [mention.type for mention in made.mentions] == ["Drug", "Drug", "Adverse-Effect", "Drug"]
    causes, effect = made.mentions[:2], made.mentions[2]
    assert related(made) == {(effect.text, drug.text) for drug in causes}
    assert made.text[0].isupper()


@given(st.lists(extractions(), min_size=1, max_size=4))
def test_joined_texts_say_what_their_parts_say(parts: list[Extraction]) -> None:
    joined = join(parts, "joined")
    again = Extraction.from_record(joined.to_record())
    assert replace(again, relations=joined.relations) == joined
    expected = [mention.text for part in parts for mention in part.mentions]
    assert [mention.text for mention in joined.mentions] == expected
    assert len(joined.relations) == sum(len(part.relations) for part in parts)


def test_half_of_the_joined_texts_have_a_relation_even_where_few_sentences_have() -> None:
    chance = random.Random(1)
    sentences = [fill("{C} did not cause {X}.", NAMES, chance, f"n{turn}") for turn in range(40)]
    sentences.append(fill("{D} caused {E}.", NAMES, chance, "p"))
    made = list(joined_texts(sentences, count=100, most=4, seed=1))
    assert made == list(joined_texts(sentences, count=100, most=4, seed=1))
    assert 50 <= sum(bool(item.relations) for item in made) < 80
    assert {item.text.count(".") for item in made} == {2, 3, 4}
    assert not any(item.relations for item in joined_texts(sentences[:-1], count=9, most=4, seed=1))


TEXT = (
    "Lithium induced coma. Lithium was given for gout. Glucose was high. Nobody spoke. "
    "Lithium and asthma. Aspirin-induced tremor was seen."
)


def abstract() -> GoldDocument:
    found = [
        Mention(f"T{number}", at.start(), at.end(), at[0], kind, group=at[0].lower())
        for kind, names in (
            ("ChemicalEntity", "Lithium|Glucose|Aspirin"),
            ("DiseaseOrPhenotypicFeature", "coma|gout|asthma|tremor"),
        )
        for number, at in enumerate(re.finditer(names, TEXT), start=1)
    ]
    mentions = tuple(replace(item, id=f"T{number}") for number, item in enumerate(found, start=1))
    interactions = (
        Interaction(("lithium",), ("coma",), "Positive_Correlation"),
        Interaction(("gout",), ("lithium",), "Negative_Correlation"),
        Interaction(("lithium",), ("asthma",), "Association"),
    )
    return GoldDocument(Extraction("d", TEXT, mentions), interactions, "d")


def test_sentences_of_abstracts_are_reports_negatives_or_left_out() -> None:
    made = list(labelled_texts([abstract()], lambda name: name != "Glucose", sentences=1))
    assert [(item.text, related(item)) for item in made] == [
        ("Lithium induced coma.", {("coma", "Lithium")}),
        ("Lithium was given for gout.", set()),
        ("Glucose was high.", set()),
    ]
    assert [len(item.mentions) for item in made] == [2, 1, 0]


def test_stretches_of_sentences_keep_what_each_says() -> None:
    made = list(labelled_texts([abstract()], lambda name: name != "Glucose", sentences=2))
    assert [item.text.count(".") for item in made] == [2, 2]
    assert related(made[0]) == {("coma", "Lithium")}


@pytest.mark.parametrize(
    ("name", "shown"), [("Aspirin", "aspirin"), ("ACTH", "ACTH"), ("5-FU", "5-FU"), ("a", "a")]
)
def test_names_stand_as_inside_a_sentence(name: str, shown: str) -> None:
    assert uncapitalised(name) == shown


def test_names_with_signs_or_many_words_are_left_out() -> None:
    words = ["cis - platin", "drug (a)", "one two three four", "abc", "lithium"]
    text = ". ".join(words)
    mentions = tuple(
        Mention(f"T{number}", text.index(word), text.index(word) + len(word), word, "Drug")
        for number, word in enumerate(words)
    )
    found = plain_names([Extraction("d", text, mentions)], ["Drug"], most_words=3)
    assert found == ["cis-platin", "lithium"]


def written(tmp_path: Path, text: str) -> list[Line]:
    (tmp_path / "w.txt").write_text(text, "utf-8")
    return list(read_written([tmp_path / "w.txt"]))


def test_marks_of_a_written_line_become_mentions(tmp_path: Path) -> None:
    (line,) = written(
        tmp_path, "# mixed\n[D:Lithium] brought [E:coma]; [C:aspirin] did no harm in gout.\n"
    )
    made = as_written(line)
    assert made.text == "Lithium brought coma; aspirin did no harm in gout."
    assert [made.text[item.start : item.end] for item in made.mentions] == [
        "Lithium", "coma", "aspirin",
    ]  # fmt: skip
    assert related(made) == {("coma", "Lithium")}
    assert (line.id, line.kind) == ("mixed-w-2", "mixed")


def test_a_written_line_is_said_of_other_names_too(tmp_path: Path) -> None:
    (line,) = written(tmp_path, "# reports\n[D:Xa] gave [E:rash]; [D:xa] was stopped.\n")
    made = with_other_names(line, NAMES, seed=1)
    first, effect, again = made.mentions
    assert first.text.lower() == again.text.lower() in [name.lower() for name in NAMES.drugs]
    assert first.text[0].isupper()
    assert effect.text in NAMES.effects
    assert made == with_other_names(line, NAMES, seed=1)
    assert related(made) == {(effect.text, first.text), (effect.text, again.text)}


def test_a_written_line_stands_under_its_kind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 1: expected a heading"):
        written(tmp_path, "[C:Lithium] was given.\n")


def test_what_is_written_says_what_its_kind_says() -> None:
    lines = list(read_written(sorted(WRITTEN.glob("*.txt"))))
    assert len(lines) == 6090
    assert len({re.sub(r"[\[\]]|[DCE]:", "", line.marked) for line in lines}) == len(lines)
    for line in lines:
        made = as_written(line)
        assert not set("[]") & set(made.text), line
        letters = set(re.findall(r"\[([DCE]):", line.marked))
        assert letters, line
        assert {"D", "E"} <= letters if line.kind in REPORTING else letters == {"C"}, line
        assert all(item.text == item.text.strip() for item in made.mentions), line
