from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.errors import DataError
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow
from keci.formats.bioc import is_json_documents, json_documents, read_document, xml_documents
from keci.formats.passages import Passage, lay_out

EXPECTED = AnnotatedText(
    "7",
    "Abc rash\nAbc family",
    (
        MentionRow(0, 3, "Abc", "Gene", ("10",)),
        MentionRow(4, 8, "rash", "Disease"),
        MentionRow(9, 19, "Abc family", "Gene", ("10", "20")),
    ),
    (RelationRow("Bind", "10", "20"),),
)


def collection(document: str) -> bytes:
    return f"<?xml version='1.0'?><collection>{document}</collection>".encode()


def xml_infons(**infons: str) -> str:
    return "".join(f"<infon key='{key}'>{value}</infon>" for key, value in infons.items())


def xml_annotation(start: int, text: str, **infons: str) -> str:
    place = f"<location offset='{start}' length='{len(text)}'/>"
    return f"<annotation id='1'>{xml_infons(**infons)}{place}<text>{text}</text></annotation>"


def xml_document() -> str:
    title = (
        f"<passage><offset>0</offset><text>Abc rash</text>"
        f"{xml_annotation(0, 'Abc', type='Gene', identifier='10')}"
        f"{xml_annotation(4, 'rash', type='Disease', identifier='-')}</passage>"
    )
    abstract = (
        f"<passage><offset>9</offset><text>Abc family</text>"
        f"{xml_annotation(9, 'Abc family', type='Gene', identifier='10,20')}</passage>"
    )
    infons = xml_infons(entity1="10", entity2="20", type="Bind", novel="No")
    return f"<document><id>7</id>{title}{abstract}<relation id='R0'>{infons}</relation></document>"


def json_annotation(start: int, text: str, **infons: str) -> dict[str, Any]:
    locations = [{"offset": start, "length": len(text)}]
    return {"id": "1", "infons": infons, "text": text, "locations": locations}


def test_xml_and_json_say_the_same() -> None:
    (element,) = xml_documents(collection(xml_document()))
    assert read_document(element) == EXPECTED
    mentions = [
        json_annotation(0, "Abc", type="Gene", identifier="10"),
        json_annotation(4, "rash", type="Disease"),
    ]
    family = [json_annotation(9, "Abc family", type="Gene", identifier="10,20")]
    relation = {"infons": {"entity1": "10", "entity2": "20", "type": "Bind"}}
    record = {
        "id": "7",
        "passages": [
            {"offset": 0, "text": "Abc rash", "annotations": mentions},
            {
                "offset": 9,
                "sentences": [{"offset": 9, "text": "Abc family", "annotations": family}],
            },
        ],
        "relations": [relation],
    }
    assert read_document(record) == EXPECTED


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<collection><document>", "not well-formed XML"),
        (b"<articles/>", "expected the root element <collection>, got <articles>"),
    ],
)
def test_xml_that_is_no_collection_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        xml_documents(content)


PASSAGES = {"id": "1", "passages": [{"offset": 0, "text": "A"}]}


@pytest.mark.parametrize(
    "value",
    [
        {"documents": [PASSAGES]},
        {"infons": {"a": []}, "documents": [PASSAGES]},
        {"PubTator3": [PASSAGES]},
        [{"documents": [PASSAGES]}, {"documents": []}],
        [PASSAGES],
        PASSAGES,
    ],
)
def test_documents_are_found_in_every_wrapping(value: Any) -> None:
    assert is_json_documents(value)
    assert list(json_documents(value)) == [PASSAGES]


@pytest.mark.parametrize(
    "value",
    [
        [], {"documents": 1}, ["x"], {"id": "1", "text": "A"},
        {"id": "1", "text": "A", "passages": []}, {"passages": [{"text": "A"}]},
        {"id": "1", "text": "A", "documents": [PASSAGES]},
        {"passages": [{"offsets": [[0, 1]], "text": ["A"]}]},
    ],
)  # fmt: skip
def test_other_json_is_no_bioc(value: Any) -> None:
    assert not is_json_documents(value)


def test_ends_of_relations_that_are_objects_are_their_identifiers() -> None:
    def annotation(name: str, offset: int, text: str, identifier: str) -> dict[str, Any]:
        return {
            "id": name, "text": text, "infons": {"type": "Drug", "identifier": identifier},
            "locations": [{"offset": offset, "length": len(text)}],
        }  # fmt: skip

    annotations = [annotation("1", 0, "Rash", "MESH:D1"), annotation("2", 11, "X1", "MESH:D2")]
    ends = {"role1": {"identifier": "MESH:D1"}, "role2": {"identifier": "MESH:D2"}}
    document = {
        "id": 5,
        "passages": [{"offset": 0, "text": "Rash after X1", "annotations": annotations}],
        "relations": [{"id": "R1", "infons": {"type": "AE", "score": 0.9, **ends}, "nodes": [
            {"refid": "0", "role": "1,2"}
        ]}],
    }  # fmt: skip
    (relation,) = read_document(document).relations
    assert (relation.type, relation.head, relation.tail) == ("AE", "MESH:D1", "MESH:D2")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("key='type'>Gene", "key='kind'>Gene", "the annotation 'Abc' has no infon 'type'"),
        ("length='3'", "length='x'", "'Abc' must have locations"),
        ("<location offset='4' length='4'/>", "", "'rash' must have locations"),
    ],
)
def test_annotations_unlike_those_of_biored_are_refused(old: str, new: str, problem: str) -> None:
    (element,) = xml_documents(collection(xml_document().replace(old, new)))
    with pytest.raises(DataError, match=problem):
        read_document(element)


@pytest.mark.parametrize("record", [{}, {"id": 1, "passages": [{"annotations": [{}]}]}, "x"])
def test_json_without_the_fields_is_refused(record: Any) -> None:
    with pytest.raises(DataError, match="not a BioC document with annotations"):
        read_document(record)


@pytest.mark.parametrize(
    ("passages", "text"),
    [
        ([], ""),
        ([(0, "A"), (1, "B")], "A\n\nB"),
        ([(0, "A "), (2, "B")], "A B"),
        ([(0, "A"), (3, "B")], "A\n\nB"),
        ([(0, "A"), (None, "B")], "A\n\nB"),
        ([(0, "A"), (0, "B")], "A\n\nB"),
        ([(0, "A"), (900, ""), (1000, "B")], "A\n\nB"),
        ([(50, "A"), (52, "B")], "A\n\nB"),
        ([(0, ""), (0, "B")], "B"),
    ],
)
def test_offsets_that_do_not_fit_give_paragraphs(passages: list[Any], text: str) -> None:
    assert lay_out(Passage(*item) for item in passages).text == text


@given(st.lists(st.tuples(st.integers(1, 4), st.text()), max_size=5))
def test_fitting_offsets_are_kept(parts: list[tuple[int, str]]) -> None:
    offset = 0
    passages: list[tuple[int | None, str]] = []
    for gap, text in parts:
        offset += gap
        passages.append((offset, text))
        offset += len(text)
    whole = lay_out(Passage(*item) for item in passages).text
    assert all(whole[start : (start or 0) + len(text)] == text for start, text in passages)
