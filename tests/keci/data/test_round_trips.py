"""Extractions out to the tools that people correct them with, and back as annotated data."""

import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keci.data.datasets import read_dataset
from keci.documents import ASSERTIONS, Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats import xmi
from keci.formats.write import Format
from keci.schema import RelationType, TaskSchema

SCHEMA = TaskSchema("own", ("Drug", "Effect"), (RelationType("causes"),))
TOOLS = ("brat", "label-studio", "doccano", "xmi")
TEXTS = st.text(st.sampled_from('ab é中𝔸🧬,.<&"\n'), min_size=1, max_size=30)


@st.composite
def findings(draw: st.DrawFn) -> Extraction:
    """Mentions that begin and end with a letter, some nested, and relations between these."""
    text, types = draw(TEXTS), st.sampled_from(["Drug", "Effect"])
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    spans = sorted(
        {
            (start, end)
            for start, end in draw(st.lists(ends, max_size=5))
            if start < end and text[start].isalnum() and text[end - 1].isalnum()
        }
    )
    mentions = tuple(
        Mention(f"T{number}", start, end, text[start:end], draw(types))
        for number, (start, end) in enumerate(spans, start=1)
    )
    names = st.sampled_from([mention.id for mention in mentions] or [""])
    pairs = st.tuples(names, names).filter(lambda pair: pair[0] != pair[1])
    wanted = draw(st.lists(pairs, max_size=3, unique=True)) if len(mentions) > 1 else []
    relations = tuple(
        Relation(f"R{number}", *pair, "causes", assertion=draw(st.sampled_from(ASSERTIONS)))
        for number, pair in enumerate(wanted, start=1)
    )
    return Extraction("d/1", text, mentions, relations)


def seen(extraction: Extraction) -> tuple[Any, ...]:
    """Text, spans and relations between these."""
    spans = {item.id: (item.start, item.end, item.type) for item in extraction.mentions}
    links = {(spans[item.head], spans[item.tail], item.type) for item in extraction.relations}
    return extraction.id, extraction.text, set(spans.values()), links


@pytest.mark.parametrize("tool", TOOLS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=findings())
def test_what_a_tool_is_given_comes_back(tool: str, record: Extraction, tmp_path: Path) -> None:
    if tool == "xmi":
        pytest.importorskip("cassis", reason="dkpro-cassis is not installed (keci[annotate])")
    form = Format(tool)
    path = tmp_path / f"tasks{form.suffix}"
    with path.open("wb") as file:
        form.write([record], file)
    ((document),) = read_dataset(path, SCHEMA).documents
    kept = [item for item in record.relations if tool == "brat" or item.assertion == "present"]
    assert seen(document.extraction) == seen(replace(record, relations=tuple(kept)))


def region(name: str, span: tuple[int, int], text: str, kind: str) -> dict[str, Any]:
    """A region as Label Studio 1.x exports it."""
    start, end = span
    return {
        "id": name,
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "origin": "prediction",
        "value": {"start": start, "end": end, "text": text, "labels": [kind]},
    }


def label_studio_task(number: int, annotations: list[Any]) -> dict[str, Any]:
    """A task as Label Studio 1.x exports it, with all that it says of itself."""
    text = "A rash after 🧬 X1."
    return {
        "id": number,
        "annotations": annotations,
        "drafts": [],
        "predictions": [{"id": 1, "result": [region("p", (2, 6), "rash", "Drug")], "score": 0.2}],
        "data": {"id": f"doc-{number}", "text": text},
        "meta": {},
        "created_at": "2026-11-20T10:00:00.000000Z",
        "updated_at": "2026-11-20T10:05:00.000000Z",
        "inner_id": number,
        "total_annotations": len(annotations),
        "cancelled_annotations": 0,
        "total_predictions": 1,
        "comment_count": 0,
        "project": 7,
        "updated_by": 1,
        "comment_authors": [],
    }


def annotation(result: list[Any], *, cancelled: bool = False) -> dict[str, Any]:
    return {
        "id": 5,
        "completed_by": 1,
        "result": result,
        "was_cancelled": cancelled,
        "ground_truth": False,
        "lead_time": 12.3,
        "prediction": {},
        "result_count": len(result),
        "unique_id": "0b1c",
        "parent_prediction": 1,
    }


def test_a_project_of_label_studio_is_read(tmp_path: Path) -> None:
    link = {"from_id": "d", "to_id": "e", "type": "relation", "direction": "right"}
    regions = [region("e", (2, 6), "rash", "Effect"), region("d", (15, 17), "X1", "Drug")]
    choice = {"id": "e", "type": "choices", "value": {"choices": ["sure"], "start": 2, "end": 6}}
    done = annotation([*regions, choice, {**link, "labels": ["causes"]}])
    tasks = [
        label_studio_task(1, [done]),
        label_studio_task(2, []),
        label_studio_task(3, [annotation([], cancelled=True)]),
        label_studio_task(4, [annotation([])]),
    ]
    path = tmp_path / "project.json"
    path.write_bytes(orjson.dumps(tasks))
    first, empty = read_dataset(path, SCHEMA).documents
    effect, drug = (2, 6, "Effect"), (15, 17, "Drug")
    text = "A rash after 🧬 X1."
    assert seen(first.extraction) == ("doc-1", text, {effect, drug}, {(drug, effect, "causes")})
    assert seen(empty.extraction) == ("doc-4", text, set(), set())


def test_an_export_of_doccano_is_read(tmp_path: Path) -> None:
    record = {
        "id": 41,
        "text": "A rash after 🧬 X1.",
        "document_id": "doc-1",
        "entities": [
            {"id": 103, "label": "Effect", "start_offset": 2, "end_offset": 6},
            {"id": 104, "label": "Drug", "start_offset": 15, "end_offset": 17},
        ],
        "relations": [{"id": 9, "from_id": 104, "to_id": 103, "type": "causes"}],
        "Comments": [],
    }
    path = tmp_path / "all.jsonl"
    path.write_bytes(orjson.dumps(record) + b"\n")
    (document,) = read_dataset(path, SCHEMA).documents
    effect, drug = (2, 6, "Effect"), (15, 17, "Drug")
    assert seen(document.extraction)[2:] == ({effect, drug}, {(drug, effect, "causes")})
    assert document.id == "doc-1"


TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>
<typeDescription><name>webanno.custom.Finding</name>
<supertypeName>uima.tcas.Annotation</supertypeName><features>
<featureDescription><name>label</name><rangeTypeName>uima.cas.String</rangeTypeName>
</featureDescription></features></typeDescription>
<typeDescription><name>webanno.custom.Cause</name>
<supertypeName>uima.tcas.Annotation</supertypeName><features>
<featureDescription><name>Dependent</name><rangeTypeName>webanno.custom.Finding</rangeTypeName>
</featureDescription>
<featureDescription><name>Governor</name><rangeTypeName>webanno.custom.Finding</rangeTypeName>
</featureDescription>
<featureDescription><name>label</name><rangeTypeName>uima.cas.String</rangeTypeName>
</featureDescription></features></typeDescription>
<typeDescription><name>de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token</name>
<supertypeName>uima.tcas.Annotation</supertypeName></typeDescription>
</types></typeSystemDescription>"""
XMI = """<?xml version="1.0" encoding="UTF-8"?>
<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore"
 xmlns:custom="http:///webanno/custom.ecore" xmi:version="2.0"
 xmlns:type="http:///de/tudarmstadt/ukp/dkpro/core/api/segmentation/type.ecore">
<cas:NULL xmi:id="0"/><type:Token xmi:id="20" sofa="1" begin="0" end="1"/>
<custom:Finding xmi:id="30" sofa="1" begin="2" end="6" label="Effect"/>
<custom:Finding xmi:id="31" sofa="1" begin="16" end="18" label="Drug"/>
<custom:Finding xmi:id="32" sofa="1" begin="0" end="1"/>
<custom:Cause xmi:id="40" sofa="1" begin="2" end="6" Dependent="30" Governor="31" label="causes"/>
<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text"
 sofaString="A rash after &#x1F9EC; X1."/>
<cas:View sofa="1" members="20 30 31 32 40"/></xmi:XMI>"""


@pytest.mark.parametrize("is_folder", [True, False])
def test_custom_layers_of_inception_are_read(tmp_path: Path, is_folder: bool) -> None:
    pytest.importorskip("cassis", reason="dkpro-cassis is not installed (keci[annotate])")
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "TypeSystem.xml").write_text(TYPES, "utf-8")
    (folder / "doc-1.xmi").write_text(XMI, "utf-8")
    path = folder
    if not is_folder:
        path = Path(shutil.make_archive(str(tmp_path / "export"), "zip", folder))
    (document,) = read_dataset(path, SCHEMA).documents
    effect, drug = (2, 6, "Effect"), (15, 17, "Drug")
    assert seen(document.extraction)[2:] == ({effect, drug}, {(drug, effect, "causes")})
    assert document.id == "doc-1"


def test_hostile_xmi_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("cassis", reason="dkpro-cassis is not installed (keci[annotate])")
    entity = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    hostile = XMI.replace("?>", f"?>{entity}", 1).encode()
    with pytest.raises(DataError, match="document type"):
        list(xmi.read_files(TYPES.encode(), [("a.xmi", hostile)]))
    with pytest.raises(DataError, match="cannot be read as XMI"):
        list(xmi.read_files(TYPES.encode(), [("a.xmi", b"<a>")]))
    with pytest.raises(DataError, match=r"TypeSystem\.xml cannot be read"):
        list(xmi.read_files(b"<a", []))
    with pytest.raises(DataError, match="not an archive"):
        list(xmi.read_archive(io.BytesIO(b"PK")))


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    pytest.importorskip("cassis", reason="dkpro-cassis is not installed (keci[annotate])")
    file = io.BytesIO()
    xmi.write([Extraction("a\x07", "b\x0b c", (Mention("T1", 3, 4, "c", "Drug"),))], file)
    (again,) = xmi.read(file)
    assert (again.id, again.text) == ("a\ufffd", "b\ufffd c")
    assert [mention.text for mention in again.mentions] == ["c"]
