"""Extractions as a BioC collection in JSON or XML, and back.

Scores, assertions and concepts are infons, so that what is written is read as it was. A document is
a line in both; characters that XML 1.0 lacks become U+FFFD there.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import orjson
from lxml import etree

from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats.annotated import identifier_of
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
    """The documents in order; raises DataError where it is not as ``write`` makes it."""
    if file.readline() != _HEAD + b"\n":
        raise DataError("not a BioC collection of KECI: its beginning is another")
    for line in file:
        if line == b"]}\n":
            return
        try:
            yield _extraction(orjson.loads(line.rstrip(b",\n")))
        except (orjson.JSONDecodeError, LookupError, TypeError, ValueError) as error:
            raise DataError(f"not a BioC document of KECI: {error}") from error
    raise DataError("the BioC collection has no end")


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
    """The documents in order; raises DataError where it is not as ``write_xml`` makes it."""
    if file.readline() + file.readline() != _XML_HEAD:
        raise DataError("not a BioC collection of KECI: its beginning is another")
    for line in file:
        if line == _XML_TAIL:
            return
        try:
            yield _extraction(_document_record(etree.fromstring(line, _own_parser())))
        except (SyntaxError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"not a BioC document of KECI: {error}") from error
    raise DataError("the BioC collection has no end")


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
    best = max(mention.concepts, key=lambda link: link.weight, default=None)
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
    passage = document["passages"][0]
    record = {
        "id": document["id"],
        "text": passage["text"],
        "entities": [_entity_record(item) for item in passage["annotations"]],
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


def _own_parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True)


def _document_record(document: etree._Element) -> Mapping[str, Any]:
    """What ``_document`` gave; what is missing is None."""
    annotations = [
        {
            **_with_infons(item),
            "text": item.findtext("text"),
            "locations": [
                {key: int(value) for key, value in location.items()}
                for location in item.iterchildren("location")
            ],
        }
        for item in document.iterfind("passage/annotation")
    ]
    relations = [
        {**_with_infons(item), "nodes": [dict(node.items()) for node in item.iterchildren("node")]}
        for item in document.iterchildren("relation")
    ]
    passage = {"text": document.findtext("passage/text"), "annotations": annotations}
    return {"id": document.findtext("id"), "passages": [passage], "relations": relations}


def _with_infons(item: etree._Element) -> dict[str, Any]:
    infons = {infon.get("key"): infon.text or "" for infon in item.iterchildren("infon")}
    return {"id": item.get("id"), "infons": infons}
