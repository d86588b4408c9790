from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from keci.corpus.assembly import reassemble
from keci.documents import Document, Extraction, Mention, Relation
from keci.text.windows import TextUnit, WindowBudget, text_units

DOCUMENT = Document("d", "Aspirin caused nausea. Ibuprofen did not.")


def mention(name: str, text: str, surface: str, *, score: float | None = None) -> Mention:
    start = text.index(surface)
    return Mention(name, start, start + len(surface), surface, "Any", score)


def test_offsets_are_shifted_and_ids_run_on_in_text_order() -> None:
    first, second = TextUnit(0, "Aspirin caused nausea."), TextUnit(23, "Ibuprofen did not.")
    aspirin = mention("T2", first.text, "Aspirin", score=0.5)
    nausea = mention("T1", first.text, "nausea")
    ibuprofen = mention("T1", second.text, "Ibuprofen")
    whole = reassemble(
        DOCUMENT,
        (first, second),
        (
            Extraction(
                "d", first.text, (nausea, aspirin), (Relation("R1", "T1", "T2", "by", 0.3),)
            ),
            Extraction("d", second.text, (ibuprofen,)),
        ),
    )
    assert whole == Extraction(
        "d",
        DOCUMENT.text,
        (
            replace(aspirin, id="T1"),
            replace(nausea, id="T2"),
            replace(ibuprofen, id="T3", start=23, end=32),
        ),
        (Relation("R1", "T2", "T1", "by", 0.3),),
    )


def test_what_two_windows_found_is_kept_once_with_the_higher_score() -> None:
    left, right = TextUnit(0, DOCUMENT.text[:22]), TextUnit(8, DOCUMENT.text[8:])
    extractions = []
    for unit, score in ((left, 0.4), (right, 0.6)):
        nausea = mention("T1", unit.text, "nausea", score=score)
        caused = mention("T2", unit.text, "caused", score=1 - score)
        relation = Relation("R1", "T1", "T2", "by", score)
        extractions.append(Extraction("d", unit.text, (nausea, caused), (relation,)))
    whole = reassemble(DOCUMENT, (left, right), extractions)
    assert [(m.id, m.text, m.score) for m in whole.mentions] == [
        ("T1", "caused", 0.6),
        ("T2", "nausea", 0.6),
    ]
    assert whole.relations == (Relation("R1", "T2", "T1", "by", 0.6),)


def test_a_document_without_units_has_no_mentions() -> None:
    assert reassemble(Document("d", " "), (), ()) == Extraction("d", " ")


@given(
    st.lists(st.sampled_from(["drug", "drugs", "and", "fever."]), max_size=60).map(" ".join),
    st.integers(2, 30),
    st.sampled_from(["sentence", "document"]),
)
def test_windows_give_the_mentions_of_the_whole(text: str, pieces: int, unit: str) -> None:
    """An extractor that names every word finds the same words through any windows."""
    document = Document("d", text)
    budget = WindowBudget(pieces, pieces // 2, lambda part: len(part.split()))
    units = text_units(document.text, unit=unit, budget=budget)
    whole = reassemble(document, units, [every_word(piece.text) for piece in units])
    assert whole.mentions == every_word(text).mentions
    assert Extraction.from_record(whole.to_record()) == whole


def every_word(text: str) -> Extraction:
    mentions = []
    start = 0
    for number, word in enumerate(text.split(), 1):
        start = text.index(word, start)
        mentions.append(Mention(f"T{number}", start, start + len(word), word, "Word", 1.0))
        start += len(word)
    return Extraction("d", text, tuple(mentions))
