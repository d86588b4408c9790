"""Extractions as a BioC collection in JSON or XML, and back.

Scores, assertions and concepts are infons, so that what is written is read as it was. A document is
a line in both; characters that XML 1.0 lacks become U+FFFD there.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, cast

import orjson
from lxml import etree

from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats.annotated import identifier_of
from keci.formats.bioc import stream_json_documents
from keci.formats.stream import NO_LIMIT, ContentStream, content_of
from keci.formats.xml import PROLOG, START_TAG, free
from keci.printable import xml_text

_HEAD = b'{"source":"KECI","date":"","key":"","infons":{},"documents":['
_TAIL = b"\n]}\n"


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    file.write(_HEAD)
    separator = b"\n"
    for extraction in extractions:
        file.write(separator + orjson.dumps(_document(extraction)))
        separator = b",\n"
    file.write(_TAIL)


def read(file: BinaryIO) -> Iterator[Extraction]:
    """The documents in order; raises DataError where they do not say what ``write`` does."""
    for content in stream_json_documents(content_of(file), NO_LIMIT):
        try:
            yield _extraction(orjson.loads(content))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"not a BioC document of KECI: {error}") from error


_XML_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<collection><source>KECI</source><date></date><key></key>\n"
)
_XML_TAIL = b"</collection>\n"


def write_xml(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    """The same in XML, its elements in the order of BioC's DTD."""
    file.write(_XML_HEAD)
    for extraction in extractions:
        content = etree.tostring(_document_element(_document(extraction)), encoding="utf-8")
        file.write(content.replace(b"\n", b"&#10;") + b"\n")
    file.write(_XML_TAIL)


def read_xml(file: BinaryIO) -> Iterator[Extraction]:
    """The documents in order; raises DataError where they do not say what ``write_xml`` does."""
    for element in _document_elements(content_of(file)):
        try:
            yield _extraction(_document_record(element))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"not a BioC document of KECI: {error}") from error


def _document_elements(stream: ContentStream) -> Iterator[etree._Element]:
    """Each document when its end comes, freed afterwards; raises DataError at damage.

    Unlike ``keci.formats.xml`` it takes texts of any length, and so no entities, which might stand
    for such a text.
    """
    prolog = PROLOG.match(stream.content_head)
    before = prolog.group() if prolog else b""
    root = START_TAG.match(stream.content_head, len(before))
    if root is None or root.group(1) != b"collection" or b"<!ENTITY" in before:
        raise DataError("expected the root element <collection> of BioC, and no entities before it")
    parser = etree.XMLPullParser(
        ("end",), tag="document", resolve_entities=False, load_dtd=False, no_network=True,
        huge_tree=True, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        while chunk := stream.read():
            parser.feed(chunk)
            for _, found in parser.read_events():
                element = cast(etree._Element, found)
                if next(element.iter(etree.Entity), None) is not None:
                    raise DataError("a BioC document refers to an entity that nothing declares")
                yield element
                free(element)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise DataError(f"the BioC collection is damaged or has no end: {error}") from error


def _document(extraction: Extraction) -> dict[str, Any]:
    passage = {
        "infons": {},
        "offset": 0,
        "text": extraction.text,
        "annotations": [_annotation(mention) for mention in extraction.mentions],
        "relations": [],
    }
    names = {mention.id: identifier_of(mention) or mention.id for mention in extraction.mentions}
    relations = [_written_relation(relation, names) for relation in extraction.relations]
    return {"id": extraction.id, "infons": {}, "passages": [passage], "relations": relations}


def _annotation(mention: Mention) -> dict[str, Any]:
    best = mention.concept
    infons = {
        "type": mention.type,
        **_number("score", mention.score),
        **_number("type_score", mention.type_score),
        "assertion": mention.assertion,
        **_number("context_weight", mention.context_weight),
        **(_concept(best) if best else {}),
        **({"identifier": mention.group} if mention.group else {}),
    }
    location = {"offset": mention.start, "length": mention.end - mention.start}
    return {"id": mention.id, "infons": infons, "text": mention.text, "locations": [location]}


def _concept(link: ConceptLink) -> dict[str, str]:
    types = "|".join(link.types)
    return {
        "identifier": link.id, "name": link.name, "semantic_types": types,
        **_number("weight", link.weight),
    }  # fmt: skip


def _written_relation(relation: Relation, names: Mapping[str, str]) -> dict[str, Any]:
    nodes = [{"refid": relation.head, "role": "head"}, {"refid": relation.tail, "role": "tail"}]
    infons = {
        "type": relation.type, "entity1": names[relation.head], "entity2": names[relation.tail],
        **_number("score", relation.score),
        "assertion": relation.assertion,
    }  # fmt: skip
    return {"id": relation.id, "infons": infons, "nodes": nodes}


def _number(name: str, value: float | None) -> dict[str, str]:
    return {} if value is None else {name: repr(value)}


def _extraction(document: Mapping[str, Any]) -> Extraction:
    passages = document["passages"]
    if len(passages) != 1:
        raise DataError(
            f"not BioC as KECI writes it: expected a document of one passage, got {len(passages)}"
        )
    record = {
        "id": document["id"],
        "text": passages[0]["text"],
        "entities": [_entity_record(item) for item in passages[0]["annotations"]],
        "relations": [_relation_record(item) for item in document["relations"]],
    }
    return Extraction.from_record(record)


def _entity_record(annotation: Mapping[str, Any]) -> dict[str, Any]:
    infons, location = annotation["infons"], annotation["locations"][0]
    return {
        "id": annotation["id"],
        "start": location["offset"],
        "end": location["offset"] + location["length"],
        "text": annotation["text"],
        "type": infons["type"],
        **_identifier_record(infons),
        "assertion": infons.get("assertion"),
        **_floats(infons, "score", "type_score", "context_weight"),
    }


def _identifier_record(infons: Mapping[str, str]) -> dict[str, Any]:
    """The concept of a prediction, the group of annotated data, or nothing."""
    if "weight" not in infons:
        return {"group": infons.get("identifier")}
    types = infons["semantic_types"]
    concept = {
        "id": infons["identifier"], "name": infons["name"],
        "types": types.split("|") if types else [], "weight": float(infons["weight"]),
    }  # fmt: skip
    return {"concepts": [concept]}


def _relation_record(relation: Mapping[str, Any]) -> dict[str, Any]:
    ends = {node["role"]: node["refid"] for node in relation["nodes"]}
    infons = relation["infons"]
    said = {"type": infons["type"], "assertion": infons.get("assertion")}
    return {"id": relation["id"], **said, **ends, **_floats(infons, "score")}


def _floats(infons: Mapping[str, str], *names: str) -> dict[str, float]:
    return {name: float(infons[name]) for name in names if name in infons}


def _document_element(document: Mapping[str, Any]) -> etree._Element:
    element = etree.Element("document")
    _add(element, "id", document["id"])
    for passage in document["passages"]:
        part = etree.SubElement(element, "passage")
        _add(part, "offset", str(passage["offset"]))
        _add(part, "text", passage["text"])
        for annotation in passage["annotations"]:
            item = _add_with_infons(part, "annotation", annotation)
            for location in annotation["locations"]:
                etree.SubElement(item, "location", {key: str(location[key]) for key in location})
            _add(item, "text", annotation["text"])
    for relation in document["relations"]:
        item = _add_with_infons(element, "relation", relation)
        for node in relation["nodes"]:
            etree.SubElement(item, "node", {key: xml_text(node[key]) for key in node})
    return element


def _add(parent: etree._Element, tag: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, tag)
    element.text = xml_text(text)
    return element


def _add_with_infons(parent: etree._Element, tag: str, holder: Mapping[str, Any]) -> etree._Element:
    element = etree.SubElement(parent, tag, {"id": xml_text(holder["id"])})
    for key, value in holder["infons"].items():
        _add(element, "infon", value).set("key", key)
    return element


def _document_record(document: etree._Element) -> Mapping[str, Any]:
    """What ``_document`` gave; what is missing is None."""
    passages = [
        {
            "text": passage.findtext("text"),
            "annotations": list(map(_annotation_record, passage.iterchildren("annotation"))),
        }
        for passage in document.iterchildren("passage")
    ]
    relations = [
        {**_with_infons(item), "nodes": [dict(node.items()) for node in item.iterchildren("node")]}
        for item in document.iterchildren("relation")
    ]
    return {"id": document.findtext("id"), "passages": passages, "relations": relations}


def _annotation_record(item: etree._Element) -> dict[str, Any]:
    locations = [
        {key: int(value) for key, value in location.items()}
        for location in item.iterchildren("location")
    ]
    return {**_with_infons(item), "text": item.findtext("text"), "locations": locations}


def _with_infons(item: etree._Element) -> dict[str, Any]:
    infons = {infon.get("key"): infon.text or "" for infon in item.iterchildren("infon")}
    return {"id": item.get("id"), "infons": infons}
