import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Document
from keci.formats.passages import UNITS, Passage, json_passages, lay_out
from tests.keci.formats.test_bioc_reading import read

TEXT = st.text(st.sampled_from("ab é中𝔸α"), min_size=1, max_size=12)
SIZES = {"characters": len, "units of UTF-16": lambda text: len(text.encode("utf-16-le")) // 2,
         "bytes": lambda text: len(text.encode())}  # fmt: skip


@given(st.lists(TEXT, min_size=1, max_size=4), st.sampled_from(UNITS), st.data())
def test_offsets_of_every_unit_find_their_text(
    texts: list[str], unit: str, data: st.DataObject
) -> None:
    size = SIZES[unit]
    passages, surfaces, offset = [], [], 0
    for text in texts:
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start + 1, len(text)))
        surfaces.append((offset + size(text[:start]), size(text[start:end]), text[start:end]))
        passages.append(Passage(offset, text))
        offset += size(text) + 1
    layout = lay_out(passages, surfaces)
    assert layout.text.replace("\n", "") == "".join(texts)
    assert layout.fits
    for place, length, surface in surfaces:
        start, end = layout.span(place, length)
        assert layout.text[start:end] == surface


def test_annotations_follow_passages_that_fit_nothing() -> None:
    passages = [Passage(0, "A rash."), Passage(500, "A cough.")]
    layout = lay_out(passages, [(502, 5, "cough")])
    assert not layout.fits
    start, end = layout.span(502, 5)
    assert layout.text[start:end] == "cough"


@pytest.mark.parametrize(
    "infons", [{"section_type": "REF"}, {"type": "ref"}, {"section_type": "COMP_INT"}]
)
def test_references_are_left_out_and_offsets_stay(infons: dict[str, str]) -> None:
    passages = [
        {"offset": 0, "text": "Rash."},
        {"offset": 6, "text": "Doe J. A title.", "infons": infons},
        {"offset": 22, "text": "Cough."},
        {"offset": 29, "text": "Roe J.", "infons": infons},
    ]
    text = lay_out(json_passages(passages)).text
    assert text.split() == ["Rash.", "Cough."]
    assert text[22:] == "Cough."


def test_an_empty_text_gives_way_to_sentences_in_both() -> None:
    xml = (
        "<collection><document><id>1</id><passage><offset>0</offset><text/><sentence><offset>0"
        "</offset><text>A.</text></sentence></passage></document></collection>"
    )
    json = '{"documents": [{"id": "1", "passages": [{"offset": 0, "text": "", "sentences": ['
    assert read(xml.encode()) == read(f'{json}{{"offset": 0, "text": "A."}}]}}]}}]}}'.encode())
    assert read(xml.encode())[0].text == "A."  # type: ignore[union-attr]


def test_passages_that_touch_are_parted() -> None:
    passages = [Passage(0, "A rash"), Passage(6, "Cough"), Passage(11, " was seen.")]
    layout = lay_out(passages, [(6, 5, "Cough")])
    assert (layout.text, layout.fits) == ("A rash\n\nCough\n\n was seen.", False)
    start, end = layout.span(6, 5)
    assert layout.text[start:end] == "Cough"
    assert lay_out([Passage(0, "Cough"), Passage(5, " was.")]).text == "Cough was."


def test_a_collection_may_have_a_namespace() -> None:
    xml = (
        '<collection xmlns="http://x"><document><id>1</id><passage><offset>0</offset>'
        "<text>A.</text></passage></document></collection>"
    )
    assert [(item.id, item.text) for item in read(xml.encode()) if isinstance(item, Document)] == [
        ("1", "A.")
    ]
