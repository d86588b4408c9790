"""The sentences of benchmarks.polarity, and the counting."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.polarity import (
    CHOICE,
    SENTENCES,
    Sentence,
    changes,
    judge,
    read_sentences,
    rows,
    sign_test,
)
from examples.ade_data.__main__ import CONTRASTS, PATTERNS
from examples.ade_data.patterns import read_patterns
from examples.ade_data.written import WRITTEN, Line, as_written, read_written
from keci.documents import Assertion, Extraction, Mention, Relation
from keci.errors import DataError

RUN = 4
"""So many words in a row make a sentence look like a pattern."""


def runs(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return zip(*(words[first:] for first in range(RUN)), strict=False)


def unmarked(line: Line) -> str:
    return as_written(line).text


def test_there_are_two_hundred_and_half_have_a_real_effect() -> None:
    sentences = read_sentences(SENTENCES)
    assert len({sentence.text for sentence in sentences}) == len(sentences) == 200
    assert sum(bool(sentence.real) for sentence in sentences) == 100
    assert min(Counter(sentence.kind for sentence in sentences).values()) >= 15
    for sentence in sentences:
        for name in (name for pair in sentence.real for name in pair):
            assert name in sentence.text, sentence


@pytest.mark.parametrize(
    "line",
    [
        b"no JSON",
        b"[1]",
        b'{"id": "a", "kind": "reports"}',
        b'{"id": "a", "kind": "reports", "text": 5, "real": []}',
        b'{"id": "a", "kind": "reports", "text": "t", "real": [["rash", "abc"]]}',
    ],
)
def test_a_line_that_is_no_sentence_is_told(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "own.jsonl").write_bytes(
        b'{"id": "b", "kind": "reports", "text": "t", "real": []}\n' + line
    )
    with pytest.raises(DataError, match=r"own\.jsonl, line 2: expected an object with id"):
        read_sentences(tmp_path / "own.jsonl")


def test_none_is_made_like_a_pattern_of_the_training_data() -> None:
    patterns = [
        pattern for group in read_patterns(*PATTERNS, CONTRASTS).values() for pattern in group
    ]
    known = {run for text in patterns for part in re.split(r"\{\w+\}", text) for run in runs(part)}
    known |= {run for line in read_written(WRITTEN.glob("*.txt")) for run in runs(unmarked(line))}
    alike = [item.text for item in read_sentences(SENTENCES) if known.intersection(runs(item.text))]
    assert not alike


def test_the_texts_for_choosing_are_not_trained_on() -> None:
    chosen_by = {item.text.lower() for item in read_sentences(CHOICE)}
    assert len(chosen_by) == 240
    assert not chosen_by & {unmarked(line).lower() for line in read_written(WRITTEN.glob("*.txt"))}


SENTENCE = Sentence("s", "negated", "Abc caused rash but no fever.", (("rash", "Abc"),))


def found(effect: str, score: float, assertion: Assertion = "present") -> Extraction:
    text = SENTENCE.text
    start = text.index(effect)
    mentions = (
        Mention("T1", 0, 3, "Abc", "Drug"),
        Mention("T2", start, start + len(effect), effect, "Adverse-Effect"),
    )
    relations = (Relation("R1", "T2", "T1", "Adverse-Effect", score, assertion),)
    return Extraction("s", text, mentions, relations)


def test_real_ones_are_found_and_others_wrongly_asserted() -> None:
    assert judge(SENTENCE, found("rash", 0.5)).found == 1
    assert judge(SENTENCE, found("caused rash", 0.9)).found == 1
    assert judge(SENTENCE, found("rash", 0.49)).missed == 1
    assert judge(SENTENCE, found("rash", 0.9, "negated")).missed == 1
    turned = found("rash", 0.9)
    (relation,) = turned.relations
    relation = replace(relation, head=relation.tail, tail=relation.head)
    assert judge(SENTENCE, replace(turned, relations=(relation,))).found == 1
    wrong = judge(SENTENCE, found("fever", 0.9))
    assert (wrong.wrong, wrong.missed) == (("fever ~ Abc",), 1)
    assert judge(SENTENCE, found("fever", 0.9, "negated")).wrong == ()


def test_another_reading_of_what_is_real_counts_neither_way() -> None:
    sentence = replace(SENTENCE, accepted=(("fever", "Abc"),))
    judgement = judge(sentence, found("fever", 0.9))
    assert (judgement.wrong, judgement.found) == ((), 0)


def test_counts_are_given_by_kind_and_together() -> None:
    judgements = [judge(SENTENCE, found("rash", 0.9)), judge(SENTENCE, found("fever", 0.9))]
    kind, everything = rows(judgements)
    assert kind == {
        "kind": "negated", "sentences": 2, "wrongly asserted": 1, "real": 2, "found": 1,
    }  # fmt: skip
    assert everything == {**kind, "kind": "all"}


def test_changes_are_counted_sentence_by_sentence() -> None:
    nothing = judge(SENTENCE, replace(found("rash", 0.9), relations=()))
    right, wrong = judge(SENTENCE, found("rash", 0.9)), judge(SENTENCE, found("fever", 0.9))
    before = [nothing, nothing, wrong, right, wrong, right]
    after = [right, right, right, nothing, nothing, right]
    assert list(changes(before, after)) == [
        ("wrongly asserted", 2, 0, 0.5),
        ("real ones found", 3, 1, 0.625),
    ]


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_sign_test_counts_the_outcomes_that_are_as_unlikely(better: int, worse: int) -> None:
    total, margin = better + worse, abs(better - worse)
    outcomes = Counter({0: 1})
    for _ in range(total):
        outcomes = Counter(
            {
                balance: outcomes[balance - 1] + outcomes[balance + 1]
                for balance in range(-total, total + 1)
            }
        )
    as_unlikely = sum(ways for balance, ways in outcomes.items() if abs(balance) >= margin)
    assert sign_test(better, worse) == pytest.approx(as_unlikely / 2**total)
