"""What KECI writes, read back as data to train on: the same mentions, the same relations."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keci.data.datasets import load_dataset
from keci.documents import ConceptLink, Document, Extraction, Mention, Relation
from keci.formats.read import read_documents
from keci.formats.write import FORMAT_NAMES, Format, format_of
from keci.schema import RelationType, TaskSchema

SCHEMA = TaskSchema(
    "own", ("Drug", "Effect"), (RelationType("caused-by"), RelationType("binds", symmetric=True))
)
WORDS = ("TNF", "α-amylase", "rash", "𝔸b", "p53", "of", "the", "C.")
SEPARATORS = (" ", " ", " ", "\n", "\n\n", ", ", "-")
CONCEPTS = ("MESH:D1", "HGNC:2", "CHEBI:CHEBI:3")
ANNOTATION_ALONE = ("label-studio", "doccano", "xmi")
"""What keci-train reads, and keci-extract does not: texts that people have annotated."""
Seen = tuple[str, set[tuple[int, int, str]], list[tuple[object, object, str]]]


@st.composite
def extractions(draw: st.DrawFn) -> Extraction:
    """Mentions in text order, several of one concept, relations between some."""
    parts = draw(
        st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(SEPARATORS)), max_size=8)
    )
    text = "".join(word + gap for word, gap in parts).rstrip()
    starts = [sum(len(word + gap) for word, gap in parts[:n]) for n in range(len(parts))]
    words = [(start, start + len(word)) for start, (word, _) in zip(starts, parts, strict=True)]
    wide = [(words[n][0], words[n + 1][1]) for n in range(len(words) - 1)]
    spans = st.sampled_from([*words, *wide] or [(0, 0)])
    drawn = draw(st.lists(st.tuples(spans, st.sampled_from(SCHEMA.entity_types)), max_size=5))
    mentions = tuple(
        Mention(f"T{number}", *span, text[slice(*span)], kind, 0.5, draw(concepts()), 0.5)
        for number, (span, kind) in enumerate(sorted(set(drawn)), start=1)
        if text
    )
    names = st.sampled_from([mention.id for mention in mentions] or ["T0"])
    types = st.sampled_from(SCHEMA.relation_labels[1:])
    rows = draw(st.lists(st.tuples(names, names, types), max_size=4, unique=True))
    relations = tuple(
        Relation(f"R{number}", *row, 0.5) for number, row in enumerate(rows, start=1) if mentions
    )
    return Extraction("d", text, mentions, relations)


def concepts() -> st.SearchStrategy[tuple[ConceptLink, ...]]:
    links = st.sampled_from(CONCEPTS).map(lambda name: (ConceptLink(name, "n", ("T1",), 0.5),))
    return links | st.just(())


def seen(extraction: Extraction) -> Seen:
    by_id = {item.id: (item.start, item.end, item.type) for item in extraction.mentions}
    relations = [(by_id[item.head], by_id[item.tail], item.type) for item in extraction.relations]
    return extraction.text, set(by_id.values()), sorted(relations, key=str)


@pytest.mark.parametrize("name", FORMAT_NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records=st.lists(extractions(), min_size=1, max_size=3))
def test_output_is_read_back_as_annotated(
    name: str, records: list[Extraction], tmp_path_factory: pytest.TempPathFactory
) -> None:
    if name in ("parquet", "xmi"):
        pytest.importorskip({"parquet": "pyarrow", "xmi": "cassis"}[name])
    form = format_of("", name)
    numbered = [replace(record, id=f"d{number}") for number, record in enumerate(records)]
    path = tmp_path_factory.mktemp("out") / f"out{form.suffix}"
    with path.open("wb") as file:
        form.write(numbered, file)
    paths = [path]
    if form.kind == "brat":
        folder = path.with_name("folder")
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        paths.append(folder)
    for place in paths:
        documents = load_dataset(place, SCHEMA).documents
        assert [document.id for document in documents] == [record.id for record in numbered]
        texts = [with_known_breaks(record, form) for record in numbered]
        assert [seen(document.extraction) for document in documents] == list(map(seen, texts))
        if form.kind in ANNOTATION_ALONE:
            continue
        again = list(read_documents([str(place)]))
        assert all(isinstance(content, Document) for content in again)
        assert [content.text for content in again] == [record.text for record in texts]
        if place == path:
            assert [content.id for content in again] == [record.id for record in numbered]


def with_known_breaks(record: Extraction, form: Format) -> Extraction:
    """PubTator has one line break, behind the title; others are spaces."""
    if form.kind != "pubtator":
        return record
    title, separator, rest = record.text.partition("\n")
    return replace(record, text=title + separator + rest.replace("\n", " "))


def test_pubtator_relations_of_one_concept_are_not_multiplied(tmp_path: Path) -> None:
    text = "TNF binds p53. TNF rose. TNF fell."
    link = (ConceptLink("HGNC:1", "TNF", (), 0.9),)
    mentions = tuple(
        Mention(f"T{n}", start, start + 3, text[start : start + 3], "Drug", concepts=found)
        for n, (start, found) in enumerate([(0, link), (10, ()), (15, link), (25, link)], start=1)
    )
    record = Extraction("1", text, mentions, (Relation("R1", "T1", "T2", "binds"),))
    path = tmp_path / "x.pubtator"
    with path.open("wb") as file:
        Format("pubtator").write([record], file)
    (document,) = load_dataset(path, SCHEMA).documents
    assert seen(document.extraction) == seen(record)
