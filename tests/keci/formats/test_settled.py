"""What readers make of annotations that do not fit their text, and of identifiers in groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.formats.annotated import (
    AnnotatedText,
    MentionRow,
    RelationRow,
    settled,
    split_identifiers,
    split_types,
)
from keci.formats.bioc import read_document, xml_documents
from keci.formats.pubtator import blocks, read_block

TEXT = "A generalised rash followed TNF-α."


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("D001943|D010051", ("D001943", "D010051")),
        ("7157;672", ("7157", "672")),
        ("MESH:D1|MESH:D2;MESH:D3,MESH:D1", ("MESH:D1", "MESH:D2", "MESH:D3")),
        ("p|SUB|V|600|E", ("p|SUB|V|600|E",)),
        ("tmVar:c|DEL|1_2|A;HGVS:c.1_2del;RS#:12", ("tmVar:c|DEL|1_2|A;HGVS:c.1_2del;RS#:12",)),
        ("|SUB|G|12|T;rs12,rs13", ("|SUB|G|12|T", "rs12", "rs13")),
        ("c|DEL888|C", ("c|DEL888|C",)),
        ("-1", ()),
        (" - ", ()),
    ],
)
def test_identifiers_are_parted_but_variants_stay_whole(
    column: str, names: tuple[str, ...]
) -> None:
    assert split_identifiers(column) == names


def test_what_a_relation_names_as_a_whole_stays_whole() -> None:
    assert split_identifiers("D1|D2,D3|D4", {"D1|D2"}) == ("D1|D2", "D3", "D4")
    assert split_identifiers("-", {"-"}) == ()


@pytest.mark.parametrize(
    ("column", "types"),
    [
        ("Gene", ("Gene",)),
        ("T116,T123", ("T116", "T123")),
        ("Gene|Protein;Gene", ("Gene", "Protein")),
        ("Amino Acid, Peptide, or Protein", ("Amino Acid, Peptide, or Protein",)),
        (",", (",",)),
    ],
)
def test_types_are_parted_unless_a_name_has_a_comma(column: str, types: tuple[str, ...]) -> None:
    assert split_types(column) == types


@pytest.mark.parametrize(
    ("start", "end", "surface", "reason", "lost"),
    [
        (14, 18, "rash", "", ""),
        (14, 18, "", "", ""),
        (14, 18, "Rash", "written otherwise", ""),
        (28, 33, "TNF-alpha", "written otherwise", ""),
        (2, 18, "generalised  rash", "", ""),
        (14, 17, "rash", "last character", "mention"),
        (13, 17, "rash", "not what stands", "mention"),
        (15, 19, "rash", "not what stands", "mention"),
        (14, 18, "hepatitis", "not what stands", "mention"),
        (30, 99, "TNF-α", "outside", "mention"),
        (3, 3, "", "outside", "mention"),
    ],
)
def test_a_surface_unlike_its_text(
    start: int, end: int, surface: str, reason: str, lost: str
) -> None:
    row = MentionRow(start, end, surface, "X")
    found = settled(AnnotatedText("d", TEXT, (row,)))
    assert [remark.lost for remark in found.remarks] == ([lost] if reason else [])
    assert all(reason in remark.reason for remark in found.remarks)
    assert found.mentions == (() if lost else (row,))


@given(st.text(min_size=1), st.data())
def test_a_surface_cut_from_its_text_is_never_remarked(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    row = MentionRow(start, end, text[start:end], "X")
    assert settled(AnnotatedText("d", text, (row,))) == AnnotatedText("d", text, (row,))


@pytest.mark.parametrize(
    ("end", "names"),
    [
        ("Chemical|MESH:D1", ["MESH:D1"]),
        ("D1", ["MESH:D1"]),
        ("MESH:D1", ["MESH:D1"]),
        ("MESH:D1|MESH:D9", ["MESH:D1", "MESH:D9"]),
        ("Variant|p|SUB|V|600|E", ["p|SUB|V|600|E"]),
    ],
)
def test_the_end_of_a_relation_finds_its_mention(end: str, names: list[str]) -> None:
    rows = tuple(
        MentionRow(0, 1, "A", "X", (name,)) for name in ("MESH:D1", "p|SUB|V|600|E", "MESH:D2")
    )
    text = AnnotatedText("d", TEXT, rows, (RelationRow("R", end, "MESH:D2"),))
    assert [row.head for row in settled(text).relations] == names


def test_a_link_of_a_mention_that_is_left_out_is_left_out_too() -> None:
    rows = (MentionRow(14, 18, "rash", "X", id="1"), MentionRow(14, 18, "cough", "X", id="2"))
    text = AnnotatedText("d", TEXT, rows, links=(RelationRow("R", "1", "2"),))
    assert settled(text).links == ()
    assert [remark.lost for remark in settled(text).remarks] == ["mention", "relation"]


def test_pubtator_with_joined_identifiers_and_several_types() -> None:
    lines = (
        b"7|t|Breast and ovarian cancer after X1.",
        b"7\t0\t25\tBreast and ovarian cancer\tT191,T033\tD1|D2\tBreast cancer|ovarian cancer",
        b"7\t32\t34\tX1\tT103\tD3",
        b"7\tCID\tChemical|D3\tD2",
    )
    (block,) = blocks(lines)
    text = read_block(block)
    assert [(row.type, row.identifiers) for row in text.mentions] == [
        ("T191", ("D1", "D2")),
        ("T033", ("D1", "D2")),
        ("T103", ("D3",)),
    ]
    assert text.relations == (RelationRow("CID", "D3", "D2"),)


def bioc(relation: str, location: str = '<location offset="2" length="4"/>') -> AnnotatedText:
    content = f"""<collection><document><id>7</id><passage><offset>0</offset>
    <text>A rash after X1.</text>
    <annotation id="a"><infon key="type">Disease</infon><infon key="MESH">D1</infon>{location}
    <text>rash</text></annotation>
    <annotation id="b"><infon key="type">Chemical</infon><infon key="MESH">D3</infon>
    <location offset="13" length="2"/><text>X1</text></annotation></passage>{relation}
    </document></collection>"""
    (document,) = xml_documents(content.encode())
    return read_document(document)


@pytest.mark.parametrize(
    ("nodes", "ends"),
    [
        ('<node refid="b" role="Chemical"/><node refid="a" role="Disease"/>', ("b", "a")),
        ('<node refid="a" role="Arg2"/><node refid="b" role="Arg1"/>', ("b", "a")),
        ('<node refid="a" role=""/><node refid="b" role=""/>', ("a", "b")),
    ],
)
def test_bioc_relations_by_node(nodes: str, ends: tuple[str, str]) -> None:
    text = bioc(f'<relation id="R1"><infon key="type">CID</infon>{nodes}</relation>')
    assert text.links == (RelationRow("CID", *ends),)
    assert text.remarks == ()


def test_bioc_relations_by_the_types_of_their_ends() -> None:
    infons = {"relation": "CID", "Chemical": "D3", "Disease": "D1"}
    listed = "".join(f'<infon key="{key}">{value}</infon>' for key, value in infons.items())
    text = bioc(f"<relation>{listed}</relation>")
    assert text.relations == (RelationRow("CID", "D3", "D1"),)


def test_bioc_relations_that_name_no_two_mentions_are_remarked() -> None:
    nodes = '<node refid="a" role=""/>' * 3
    text = bioc(f'<relation id="R1"><infon key="type">CID</infon>{nodes}</relation>')
    (remark,) = text.remarks
    assert (remark.lost, remark.example) == ("relation", "R1 in 7")


def test_a_mention_in_pieces_goes_from_first_to_last() -> None:
    pieces = '<location offset="7" length="5"/><location offset="2" length="4"/>'
    text = bioc("", pieces)
    assert (text.mentions[0].start, text.mentions[0].end) == (2, 12)
    assert [remark.example for remark in text.remarks] == ["'rash' in 7"]


def test_a_variant_is_named_by_its_parts() -> None:
    whole = "tmVar:p|SUB|V|600|E;HGVS:p.V600E;VariantGroup:0;RS#:113488022"
    mentions = (
        MentionRow(0, 1, "A", "Disease", ("D1",)),
        MentionRow(2, 13, "generalised", "Variant", (whole,)),
    )
    for name in ("p|SUB|V|600|E", "HGVS:p.V600E", "RS#:113488022", whole):
        text = AnnotatedText("1", TEXT, mentions, (RelationRow("AE", "D1", name),))
        (relation,) = settled(text).relations
        assert (relation.head, relation.tail) == ("D1", whole), name


def test_a_remark_is_made_once_however_often_a_text_is_settled() -> None:
    text = AnnotatedText("1", TEXT, (MentionRow(28, 33, "tnf alpha", "Gene"),))
    assert len(settled(settled(text)).remarks) == 1
