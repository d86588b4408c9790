"""Every format: equal bytes for equal records, read back as far as the format can say it."""

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keci.documents import ASSERTIONS, ConceptLink, Extraction, Mention, Relation
from keci.errors import DataError, UsageError
from keci.formats.bioc import read_document, xml_documents
from keci.formats.write import FORMAT_NAMES, Format, format_of
from keci.printable import xml_text
from tests.keci.corpus.outputs.examples import EXAMPLE

LOSSLESS = ("jsonl", "parquet")
PRESENT_ONLY = ("pubtator", "label-studio", "doccano", "xmi")
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(st.sampled_from("aB é中𝔸\n\r\t|\u2028.,") | CHARACTERS, max_size=40)
NAMES = st.text(st.sampled_from("aZ09-_/ .%é𝔸"), min_size=1, max_size=12)
SCORES = st.floats(0, 1)


@st.composite
def extractions(draw: st.DrawFn) -> Extraction:
    """With mentions numbered in text order, as keci-extract writes them."""
    text = draw(TEXTS)
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    spans = {tuple(sorted(pair)) for pair in draw(st.lists(ends, max_size=4))}
    words = sorted(
        (start, end)
        for start, end in spans
        if start < end and text[start:end].strip("\r\n\t") == text[start:end]
    )
    mentions = tuple(
        Mention(f"T{number}", start, end, text[start:end], draw(st.sampled_from(["Drug", "a b"])),
                draw(SCORES), draw(concepts()), draw(SCORES), type_score=draw(SCORES),
                assertion=draw(st.sampled_from(ASSERTIONS)))
        for number, (start, end) in enumerate(words, start=1)
    )  # fmt: skip
    names = st.sampled_from([mention.id for mention in mentions] or ["T0"])
    ends_of = draw(st.lists(st.tuples(names, names), max_size=3, unique=True)) if mentions else []
    relations = tuple(
        Relation(
            f"R{number}", head, tail, "Caused-by", draw(SCORES), draw(st.sampled_from(ASSERTIONS))
        )
        for number, (head, tail) in enumerate(ends_of, start=1)
    )
    return Extraction(draw(NAMES), text, mentions, relations)


@st.composite
def concepts(draw: st.DrawFn) -> tuple[ConceptLink, ...]:
    identifiers = draw(st.lists(st.sampled_from(["MESH:D1", "X", "Y:2"]), max_size=2, unique=True))
    return tuple(
        ConceptLink(name, "a name", tuple(draw(st.lists(st.just("T109"), max_size=2))), 0.5)
        for name in identifiers
    )


def written(form: Format, records: list[Extraction]) -> bytes:
    file = io.BytesIO()
    form.write(records, file)
    return file.getvalue()


def read(form: Format, content: bytes) -> list[Extraction]:
    return list(form.read(io.BytesIO(content)))


def test_a_relation_of_all_mentions_of_a_concept_is_read_between_all_of_them() -> None:
    link = (ConceptLink("Y:2", "", (), 1.0),)
    extraction = Extraction(
        "0",
        "00",
        (
            Mention("T1", 0, 1, "0", "Drug", concepts=link),
            Mention("T2", 0, 2, "00", "Drug", concepts=link),
            Mention("T3", 1, 2, "0", "Drug"),
        ),
        (Relation("R1", "T1", "T3", "Caused-by"), Relation("R2", "T2", "T3", "Caused-by")),
    )
    form = format_of("", "pubtator")
    content = written(form, [extraction])
    (again,) = read(form, content)
    assert [(item.head, item.tail) for item in again.relations] == [("T1", "T3"), ("T2", "T3")]
    assert written(form, [again]) == content


@pytest.mark.parametrize("name", FORMAT_NAMES)
@settings(max_examples=25, deadline=None)
@given(records=st.lists(extractions(), max_size=4, unique_by=lambda record: record.id))
def test_what_is_read_back_is_written_the_same(name: str, records: list[Extraction]) -> None:
    need(name)
    form = format_of("", name)
    content = written(form, records)
    again = read(form, content)
    assert written(form, again) == content
    assert written(form, records) == content
    if form.kind in LOSSLESS:
        assert again == records
    if form.kind not in PRESENT_ONLY:
        assert assertions(again) == assertions(records)
    if form.kind == "bioc-xml":
        assert [item.text for item in again] == [xml_text(item.text) for item in records]
    if form.kind == "bioc":
        assert [item.text for item in again] == [item.text for item in records]
    for one, other in zip(again, records, strict=True):
        ends = [(mention.start, mention.end) for mention in other.mentions]
        assert [(mention.start, mention.end) for mention in one.mentions] == ends


def test_bioc_xml_says_what_bioc_json_does() -> None:
    records = [EXAMPLE, replace(EXAMPLE, id='<"&\n')]
    contents = [written(Format(kind), records) for kind in ("bioc", "bioc-xml")]
    assert read(Format("bioc"), contents[0]) == read(Format("bioc-xml"), contents[1])
    (document, _) = xml_documents(contents[1])
    assert [item.tag for item in document] == ["id", "passage"] + ["relation"] * len(
        EXAMPLE.relations
    )
    first = document.find("passage/annotation")
    assert first is not None
    assert [item.tag for item in first if item.tag != "infon"] == ["location", "text"]
    assert read_document(document).mentions[0].text == EXAMPLE.mentions[0].text


def need(name: str) -> None:
    """Skip where the library of a format is not there."""
    libraries = {"parquet": "pyarrow", "xmi": "cassis"}
    if name in libraries:
        pytest.importorskip(libraries[name])


def assertions(records: list[Extraction]) -> list[list[str]]:
    return [
        [finding.assertion for finding in (*record.mentions, *record.relations)]
        for record in records
    ]


@pytest.mark.parametrize("name", PRESENT_ONLY)
def test_what_a_text_denies_or_supposes_is_no_relation_of_formats_without_assertions(
    name: str,
) -> None:
    need(name)
    mentions = (Mention("T1", 0, 4, "rash", "Effect"), Mention("T2", 5, 8, "abc", "Drug"))
    relations = tuple(
        Relation(f"R{number}", "T1", "T2", f"kind{number}", assertion=assertion)
        for number, assertion in enumerate(ASSERTIONS)
    )
    record = Extraction("d", "rash abc", mentions, relations)
    (again,) = read(Format(name), written(Format(name), [record]))
    assert [relation.type for relation in again.relations] == ["kind0"]


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_damage_is_noticed(name: str) -> None:
    need(name)
    form = format_of("", name)
    content = written(form, [EXAMPLE, replace(EXAMPLE, id="d3")])
    with pytest.raises((DataError, OSError, EOFError, ValueError)):
        read(form, content[: len(content) * 2 // 3])


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_no_records_make_a_whole_file(name: str) -> None:
    need(name)
    form = format_of("", name)
    assert read(form, written(form, [])) == []


@pytest.mark.parametrize(
    ("file_name", "name"),
    [("out.jsonl", "jsonl"), ("out.jsonl.gz", "jsonl.gz"), ("out.gz", "jsonl.gz"),
     ("out", "jsonl"), ("a.b.parquet", "parquet"), ("x.bioc.json", "bioc"), ("x.json", "jsonl"),
     ("x.bioc.json.zst", "bioc.zst"), ("x.bioc.xml", "bioc-xml"), ("x.pubtator", "pubtator"),
     ("x.brat.zip", "brat"),
     ("x.label-studio.json", "label-studio"), ("x.doccano.jsonl.gz", "doccano.gz"),
     ("x.xmi.zip", "xmi")],
)  # fmt: skip
def test_a_name_says_its_format(file_name: str, name: str) -> None:
    assert format_of(file_name, None).name == name


def test_the_format_can_be_given() -> None:
    for name in FORMAT_NAMES:
        form = format_of("out.jsonl", name)
        assert form.name == name
        assert format_of(f"out{form.suffix}", None) == form
    with pytest.raises(UsageError, match="unknown format 'html'; known are jsonl"):
        format_of("out", "html")


def test_an_ending_that_no_format_has_is_refused() -> None:
    for name in ("x.html", "x.txt.gz", "a.b/x.xml"):
        with pytest.raises(UsageError, match=r"expected one of \.jsonl, .*\.xlsx"):
            format_of(name, None)
        assert format_of(name, "jsonl").kind == "jsonl"
    with pytest.raises(UsageError, match="xlsx is compressed already"):
        format_of("x.xlsx.gz", None)


@pytest.mark.parametrize(
    ("file_name", "rows", "name"),
    [("x.csv", None, "relations.csv"), ("x.tsv.gz", "mentions", "mentions.tsv.gz"),
     ("x.xlsx", "mentions", "mentions.xlsx"), ("x.parquet", "relations", "relations.parquet"),
     ("x.parquet", None, "parquet")],
)  # fmt: skip
def test_rows_make_a_table(file_name: str, rows: str | None, name: str) -> None:
    form = format_of(file_name, None, rows)
    assert form.name == name
    assert form.is_table is (name != "parquet")
    assert format_of("", name) == form
    assert file_name.endswith(form.suffix)


def test_records_have_no_rows() -> None:
    with pytest.raises(UsageError, match="rows of mentions need csv, tsv, xlsx or parquet"):
        format_of("x.jsonl", None, "mentions")


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"keci\[parquet\]"):
        written(Format("parquet"), [EXAMPLE])


def test_pubtator_and_bioc_are_read_by_their_readers(tmp_path: object) -> None:
    from keci.formats.read import read_documents

    for name in ("pubtator", "bioc", "bioc-xml"):
        form = Format(name)
        path = f"{tmp_path}/out{form.suffix}"
        with open(path, "wb") as file:
            form.write([EXAMPLE], file)
        (document,) = read_documents([path])
        assert document.id == EXAMPLE.id
        text = "Rash with αβ\npain after Abc." if name == "pubtator" else EXAMPLE.text
        assert getattr(document, "text", "") == text
