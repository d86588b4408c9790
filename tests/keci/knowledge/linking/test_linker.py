import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.knowledge.base.folder import write_folder
from keci.knowledge.base.records import ConceptRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory
from keci.knowledge.linking.linker import Linker
from keci.text.words import find_words


def linked(kb: KnowledgeBase, text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (text[start:end], tuple(kb.concept(index).id for index in concepts))
        for start, end, concepts in Linker(kb).link(text)
    ]


def spans(kb: KnowledgeBase, text: str) -> list[str]:
    return [surface for surface, _ in linked(kb, text)]


def test_offsets_are_those_of_the_original_text(small_kb: KnowledgeBase) -> None:
    text = "In  Parkinson’s  disease\tTNF\u2011α binds 𝛼 β\u2010catenin."
    assert spans(small_kb, text) == [
        "Parkinson’s  disease",
        "disease",
        "TNF",
        "TNF\u2011α",
        "β\u2010catenin",
        "catenin",
    ]


def test_a_lower_case_english_word_is_no_symbol(small_kb: KnowledgeBase) -> None:
    assert linked(small_kb, "a cat here") == [("cat", ("A:1",))]
    assert linked(small_kb, "Cat food") == [("Cat", ("A:1",))]
    assert linked(small_kb, "active CAT here") == [("CAT", ("G:1", "G:3", "A:1"))]


def test_a_text_in_capitals_has_no_symbols(small_kb: KnowledgeBase) -> None:
    assert linked(small_kb, "THE CAT ATE") == [("CAT", ("A:1",))]


def test_plurals_and_singulars_meet(small_kb: KnowledgeBase) -> None:
    assert spans(small_kb, "one protein kinase and protein kinases") == [
        "protein kinase",
        "protein kinases",
    ]
    assert linked(small_kb, "two cats") == [("cats", ("A:1",))]


def test_names_do_not_cross_punctuation_with_space(small_kb: KnowledgeBase) -> None:
    assert spans(small_kb, "necrosis. Factor; tumor. Necrosis factor") == ["necrosis", "Necrosis"]
    assert spans(small_kb, "IL - 2 and IL-2 and IL 2") == ["IL - 2", "IL-2", "IL 2"]


def test_nested_mentions_are_kept_in_order(small_kb: KnowledgeBase) -> None:
    assert spans(small_kb, "tumor necrosis factor alpha") == [
        "tumor necrosis factor",
        "tumor necrosis factor alpha",
        "necrosis",
    ]


def test_candidates_are_capped(small_kb: KnowledgeBase) -> None:
    mentions = Linker(small_kb, max_candidates=1).link("CAT")
    assert [mention.concepts for mention in mentions] == [(0,)]


def test_part_of_a_word_is_no_mention(small_kb: KnowledgeBase) -> None:
    assert spans(small_kb, "catalog scat necrosisx") == []


@pytest.mark.parametrize("text", ["", " ", "...", "\n", "12 34"])
def test_texts_without_names_have_no_mentions(small_kb: KnowledgeBase, text: str) -> None:
    assert Linker(small_kb).link(text) == ()


def test_answers_do_not_depend_on_what_was_linked_before(small_kb: KnowledgeBase) -> None:
    texts = ["a cat", "CAT", "TNF alpha", "THE CAT", "protein kinases", "Parkinson's disease"] * 3
    alone = {text: Linker(small_kb).link(text) for text in texts}
    shared = Linker(small_kb)
    random.Random(0).shuffle(texts)
    assert all(shared.link(text) == alone[text] for text in texts)


@given(
    st.lists(
        st.sampled_from(
            [
                "cat",
                "CAT",
                "TNF",
                "-",
                "α",
                "tumor",
                "necrosis",
                "factor",
                " ",
                "  ",
                "'",
                "s",
                ".",
                "β",
                "catenin",
                "kinases",
                "protein",
                "é",
                "\u0301",
                "😀",
            ]
        )
    ).map("".join)
)
def test_mentions_are_sorted_runs_of_whole_words(small_kb: KnowledgeBase, text: str) -> None:
    mentions = Linker(small_kb).link(text)
    starts, ends = (set(values.tolist()) for values in find_words(text))
    assert [m[:2] for m in mentions] == sorted({m[:2] for m in mentions})
    for mention in mentions:
        assert mention.start in starts
        assert mention.end in ends
        assert 0 < len(mention.concepts) <= 6
        assert len(set(mention.concepts)) == len(mention.concepts)


def test_two_processes_find_the_same_in_one_folder(small_kb: KnowledgeBase, tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    write_folder(small_kb.tables, folder, description=small_kb.manifest.description)
    text = "TNF alpha, CAT, cats and Parkinson's disease"
    code = (
        "import sys; from pathlib import Path; from keci.knowledge.linking.linker import Linker; "
        "from keci.knowledge.base.store import open_knowledge_base; "
        "print(Linker(open_knowledge_base(Path(sys.argv[1]))).link(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(folder), text]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate()[0].strip() for process in running]
    assert answers == [str(Linker(small_kb).link(text))] * 2


@pytest.mark.parametrize(
    "text",
    [
        "TUNF (tumor necrosis factor) rose. TUNF fell.",
        "quick tumor necrosis factor (qTUNF) rose. qTUNF fell.",
    ],
)
def test_short_forms_of_turned_and_longer_definitions(small_kb: KnowledgeBase, text: str) -> None:
    found = linked(small_kb, text)
    concepts = dict(found)
    shorts = [concept for surface, concept in found if surface.endswith("TUNF")]
    assert shorts == [concepts["tumor necrosis factor"]] * 2


def test_what_is_remembered_of_one_text_hides_no_name_in_another() -> None:
    """Behind the first word of both come the same characters: ``abc`` ``de``, ``ab`` ``cde``."""
    names = (ConceptRecord("A:1", "ab c", ("T109",)),)
    linker = Linker(knowledge_base_in_memory(names))
    linker.link("abc de")
    assert [mention[:2] for mention in linker.link("ab c de f")] == [(0, 4)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("XYE(2) rose", ["XYE(2)"]),
        ("by XYE(2+) and", ["XYE(2+)"]),
        ("a (123)Q dose", ["(123)Q"]),
        ("a rise (XYE2) of", ["XYE2"]),
        ("a rise (XYE(2)) of", ["XYE(2)"]),
        ("XYE(2 rose", ["XYE(2"]),
        ("XYE(2", ["XYE(2"]),
        ("Ca(2+) rose", ["Ca(2+)"]),
        ("ca 2 of them", []),
    ],
)
def test_what_is_raised_or_lowered_is_named_with_its_brackets(
    text: str, expected: list[str]
) -> None:
    names = ("XYE2", "(123)Q", "Ca2+")
    base = knowledge_base_in_memory(
        [ConceptRecord(f"A:{place}", name, ("T109",)) for place, name in enumerate(names)]
    )
    assert spans(base, text) == expected
