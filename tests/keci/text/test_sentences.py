import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.text.sentences import BLOCK, LOOKAHEAD, split_sentences

ANY_CHARACTER = st.characters(codec=None)
PROSE_PIECES = st.sampled_from(
    ["Aspirin", "E. coli", " ", ". ", ".", "? ", "\n", "\n\n", "\r\n\r\n", "(p < 0.05)", '"', ")",
     "i.v.", "3.5", "mg", "\u2029", "\U0001f9ec", "\x00", "\ud800", "\u0391\u0308", "\u00a0", "!?"]
)  # fmt: skip


def sentences_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def assert_exact_cover(text: str) -> None:
    spans = split_sentences(text)
    covered = 0
    for start, end in spans:
        assert text[covered:start].strip() == ""
        assert start < end
        assert text[start:end] == text[start:end].strip()
        covered = end
    assert text[covered:].strip() == ""


@given(st.text(ANY_CHARACTER))
def test_any_string_is_covered_exactly(text: str) -> None:
    assert_exact_cover(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("It binds kappa B.", "The cells were fixed."),
        ("It is of type I.", "These results agree."),
        ("They had hepatitis C.", "We saw 5 of them."),
        ("She had a rash.", "Dr. Smith saw it."),
        ("There were infections.", "E. coli was found."),
        ("It took 24 h.", "Cells were washed."),
        ("It took 60 min.", "Strikingly, the cells grew."),
        ("They had CF.", "To treat it, we tried 5 drugs."),
        ("They had MS.", "The women were treated."),
        ("It makes NO.", "These cells do not."),
        ("As shown by Doe et al. in 5 min.", "However, it failed."),
        ("She had a rash.", "p53 was found."),
        ("It was degraded.", "mRNA of both was seen."),
        ("The cells died.", "5-FU was given."),
        ("The tumour was of grade A.", "Patients were treated."),
        ("They lack vitamin D.", "Patients, however, had no pain."),
        ("They had hepatitis B.", "Smokers were left out."),
        ("It was in groups A and B.", "PCR was negative."),
        ("It was kept at 4 degrees C.", "Washing took 5 min."),
        ("They had MS.", "Women were treated."),
        ("They had CF.", "Tobramycin was inhaled."),
    ],
)
def test_a_symbol_a_unit_or_a_title_hides_no_boundary(first: str, second: str) -> None:
    assert sentences_of(f"{first} {second}") == [first, second]


WORDS_TAKEN_FOR_ABBREVIATIONS = (
    "rash", "chest", "cancer", "mass", "leg", "hand", "sleep", "glaucoma", "rhinitis", "fibroids",
    "effusion", "arteritis", "intestine", "life", "week", "month", "AD", "RA", "PCR", "found",
)  # fmt: skip


@pytest.mark.parametrize("opener", ["Aspirin", "Warfarin", "Patients", "Cisplatin"])
@pytest.mark.parametrize("word", WORDS_TAKEN_FOR_ABBREVIATIONS)
def test_a_sentence_ends_behind_a_plain_word(word: str, opener: str) -> None:
    sentences = [f"There was no {word}.", f"{opener} caused fever."]
    assert sentences_of(" ".join(sentences)) == sentences


@pytest.mark.parametrize(
    "text",
    [
        "We saw it in Jan. 2020 and Sept. 2021.",
        "It is in vol. 3, no. 5, pp. 2-4, as seen by Dr. Doe.",
        "It was seen by J. Smith in E. coli.",
        "It was placebo vs. Aspirin.",
        "It is in Fig. 2 B.",
        "It was given by Dr. Doe.",
        "It was given by W. Greene there.",
        "It is due to S. aureus.",
        "It was written by A. Smith in 1990.",
        "It is as found by group A. Smith et al. saw it.",
        "It is a swab with C. Albicans from us.",
        "It was reviewed by A. B. Smith in E. coli and S. aureus.",
        "We thank surgeon A. Smith there.",
        "It is a strain of species C. Albicans there.",
        "They reported A. Smith to us.",
    ],
)
def test_names_and_abbreviations_end_no_sentence(text: str) -> None:
    assert sentences_of(text) == [text]


@given(st.lists(PROSE_PIECES).map("".join))
def test_any_prose_is_covered_exactly(text: str) -> None:
    assert_exact_cover(text)


@given(st.lists(PROSE_PIECES, min_size=1, max_size=5).map("".join), st.integers(0, 2))
def test_texts_longer_than_a_block_are_covered_exactly(unit: str, extra: int) -> None:
    assert_exact_cover(unit * (1 + (BLOCK + extra) // len(unit)))


@given(st.lists(PROSE_PIECES).map("".join))
def test_the_same_text_gives_the_same_spans(text: str) -> None:
    first = split_sentences(text)
    split_sentences("An unrelated text. It has two sentences.")
    assert split_sentences(text) == first


@pytest.mark.parametrize(
    "lines",
    [
        ["Rash in a child", "Amoxicillin was given for pneumonia to a boy of three years."],
        ["Absence of rash in treated patients", "Aspirin caused fever."],
        ["- no fever", "- vancomycin caused red man syndrome", "- no rash"],
        ["1. No fever", "2. Vancomycin caused red man syndrome", "3. No rash"],
    ],
)
def test_a_line_that_was_not_full_ends_a_sentence(lines: list[str]) -> None:
    assert sentences_of("\n".join(lines)) == lines
    assert sentences_of("\r\n".join(lines)) == lines


@pytest.mark.parametrize(
    "text",
    [
        "The boy, who was seen in these days, first by another and then by\nDoe, took amoxicillin",
        "The boy was given a dose of\namoxicillin for pneumonia, which he had had since his birth",
        "The boy was given, in short,\nAmoxicillin and all else that we thought of in these days",
    ],
)
def test_a_line_that_was_wrapped_ends_none(text: str) -> None:
    assert sentences_of(text) == [text]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u2029", "\t \u00a0"])
def test_white_space_has_no_sentences(text: str) -> None:
    assert split_sentences(text) == ()


@pytest.mark.parametrize(
    "sentences",
    [
        ["Growth of E. coli was slow.", "It was given i.v. in all cases.", "See Fig. 2 for doses."],
        ["The rate fell (p < 0.05).", "The mean was 3.5 mg/kg vs. 4.1 mg/kg.", "S. aureus grew."],
        ["Levels rose.", "p53 binds MDM2.", "mTOR is inhibited.", "c-Myc is not."],
        ["BACKGROUND: Aspirin helps.", "METHODS: We gave 10 mg b.i.d. for 5 days.", "RESULTS: No."],
        ["Smith et al. found none.", "Was it (cf. Figs. 1 and 2) real?", "Yes!"],
        ["The strain (S. aureus subsp. aureus) grew.", "The wt. strain did not."],
    ],
)
def test_biomedical_abbreviations_do_not_end_sentences(sentences: list[str]) -> None:
    assert sentences_of(" ".join(sentences)) == sentences


def test_an_ordinary_lowercase_word_does_not_begin_a_sentence() -> None:
    assert len(sentences_of("It was kept at 4 deg. overnight, then used.")) == 1


@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\n \t\n", "\n\n\n", "\u2029"])
def test_a_blank_line_ends_a_sentence(gap: str) -> None:
    assert sentences_of(f"A title without a stop{gap}and its text") == [
        "A title without a stop",
        "and its text",
    ]


def test_offsets_count_code_points() -> None:
    text = "\U0001f9ec binds.  \U0001f9ec\u0391\u0308 does not."
    assert split_sentences(text) == ((0, 8), (10, 23))


def test_block_seams_do_not_show() -> None:
    sentence = "The kinase binds its substrate (Fig. 2) at 3.5 nM in E. coli cells."
    count = 5 * BLOCK // len(sentence)
    assert sentences_of(" ".join([sentence] * count)) == [sentence] * count


def test_a_sentence_longer_than_a_block_stays_whole() -> None:
    long = "The list is " + "alpha, " * (2 * BLOCK // 7) + "omega."
    assert len(long) > BLOCK + LOOKAHEAD
    assert sentences_of(f"It begins. {long} It ends.") == ["It begins.", long, "It ends."]


@pytest.mark.parametrize("unit", [").", '."', "a", ". ", "? ", "\n ", "Dr. ", "(", "x.\n"])
def test_time_is_linear_in_the_text(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    started = time.process_time()
    assert_exact_cover(text)
    assert time.process_time() - started < 5
