"""Results that went through an editor, Windows, jq or a curator are read as they were written."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from keci.documents import Extraction
from keci.errors import DataError
from keci.formats.stream import BOM
from keci.formats.write import Format
from tests.keci.corpus.outputs.examples import EXAMPLE
from tests.keci.formats.test_brat import archive_of
from tests.keci.formats.test_write import need, read, written

RECORDS = [
    replace(EXAMPLE, id=name, relations=(replace(EXAMPLE.relations[0], type="by"),))
    for name in ("d1", "d2")
]
JSON = ("jsonl", "bioc", "label-studio", "doccano")
TEXT = (*JSON, "bioc-xml", "pubtator")


def by_windows(content: bytes) -> bytes:
    return BOM + content.replace(b"\n", b"\r\n")


def with_blank_lines(content: bytes) -> bytes:
    return content + b"\n \n\n"


def without_blank_lines(content: bytes) -> bytes:
    return content.rstrip(b"\n") + b"\n"


def indented(content: bytes) -> bytes:
    """What ``jq -S .`` makes of JSON, and ``xmllint --format`` of XML."""
    if content.startswith(b"<"):
        root = etree.fromstring(content)
        etree.indent(root)
        return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    try:
        values = [json.loads(content)]
    except ValueError:
        values = [json.loads(line) for line in content.splitlines()]
    return "\n".join(json.dumps(value, indent=2, sort_keys=True) for value in values).encode()


@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("edit", [by_windows, with_blank_lines, without_blank_lines])
def test_line_ends_and_byte_order_marks_say_nothing(
    name: str, edit: Callable[[bytes], bytes]
) -> None:
    content = written(Format(name), RECORDS)
    assert read(Format(name), edit(content)) == read(Format(name), content)


@pytest.mark.parametrize("name", [*JSON, "bioc-xml"])
def test_white_space_and_the_order_of_fields_say_nothing(name: str) -> None:
    content = written(Format(name), RECORDS)
    assert read(Format(name), indented(content)) == read(Format(name), content)
    assert read(Format(name), by_windows(indented(content))) == read(Format(name), content)


@pytest.mark.parametrize("name", JSON)
def test_the_last_line_needs_no_end(name: str) -> None:
    content = written(Format(name), RECORDS)
    assert read(Format(name), content.rstrip(b"\n")) == read(Format(name), content)


def test_a_pubtator_file_that_ends_inside_a_line_is_damaged() -> None:
    content = written(Format("pubtator"), RECORDS)
    with pytest.raises(DataError, match="ends inside a line"):
        read(Format("pubtator"), content.rstrip(b"\n"))


def test_a_document_of_bioc_with_several_passages_is_none_of_keci() -> None:
    passage = {"offset": 0, "text": "Rash.", "annotations": []}
    collection = {"documents": [{"id": "a", "passages": [passage] * 2, "relations": []}]}
    with pytest.raises(DataError, match="expected a document of one passage, got 2"):
        read(Format("bioc"), json.dumps(collection).encode())
    xml = b"<collection><document><id>a</id>%s</document></collection>"
    with pytest.raises(DataError, match="expected a document of one passage, got 2"):
        read(Format("bioc-xml"), xml % (b"<passage><text>Rash.</text></passage>" * 2))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"<a/>", b"text", b'<!DOCTYPE collection [<!ENTITY a "b">]><collection/>',
     b"<!--" + b"x" * 20_000 + b'--><!DOCTYPE collection [<!ENTITY a "b">]><collection/>'],
)  # fmt: skip
def test_what_is_no_collection_is_told(content: bytes) -> None:
    with pytest.raises(DataError, match="expected the root element <collection>"):
        read(Format("bioc-xml"), content)


def test_comments_part_no_text_and_unknown_entities_are_told() -> None:
    xml = b'<!DOCTYPE collection SYSTEM "BioC.dtd"><collection><document><id>a</id><passage>'
    xml += b"<text>Rash%s.</text></passage></document></collection>"
    assert read(Format("bioc-xml"), xml % b"<!-- c --> gone") == [Extraction("a", "Rash gone.")]
    with pytest.raises(DataError, match="refers to an entity"):
        read(Format("bioc-xml"), xml % b"&nbsp;")


def test_a_text_of_any_length_is_read_from_xml() -> None:
    record = Extraction("long", "x" * 11_000_000)
    assert read(Format("bioc-xml"), written(Format("bioc-xml"), [record])) == [record]


@pytest.mark.parametrize("name", ["jsonl", "label-studio", "brat"])
def test_a_relation_of_a_mention_that_was_deleted_is_told(name: str) -> None:
    record = replace(EXAMPLE, mentions=EXAMPLE.mentions[1:])
    with pytest.raises(DataError, match="names the entity 'T1', which is not there"):
        read(Format(name), written(Format(name), [record]))


def test_a_mention_outside_its_text_is_told() -> None:
    content = written(Format("doccano"), RECORDS).replace(b'"end_offset":27', b'"end_offset":99')
    with pytest.raises(DataError, match="offsets 24:99 lie outside"):
        read(Format("doccano"), content)
    content = written(Format("label-studio"), RECORDS).replace(b'"end":27', b'"end":26')
    with pytest.raises(DataError, match="'Abc' is not text"):
        read(Format("label-studio"), content)


def test_rows_of_parquet_are_no_records() -> None:
    need("parquet")
    rows = written(Format("parquet", rows="mentions"), RECORDS)
    with pytest.raises(DataError, match="expected the columns id, text, entities"):
        read(Format("parquet"), rows)


def test_an_archive_of_xmi_may_hold_what_finder_adds() -> None:
    need("xmi")
    content = written(Format("xmi"), RECORDS)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    more = {"__MACOSX/._d1.xmi": b"\x00\x05", **files}
    assert read(Format("xmi"), archive_of(more)) == read(Format("xmi"), content)
