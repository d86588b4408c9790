"""BioC documents, in XML and in JSON: their text at its offsets, their annotations.

A document's text is its passages (or their sentences) at the offsets that BioC gives them, line
breaks filling the gaps, so that annotations point into it. Where those offsets do not fit the text
(they count bytes, overlap or leave wide gaps), the passages are joined by blank lines instead.

An annotation's infons are ``type`` and ``identifier``, a relation's ``type``, ``entity1`` and
``entity2``, which are identifiers, as in BioRED.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, BinaryIO

import orjson
from lxml import etree

from keci.documents import ConceptLink, Document, Extraction, Failure, Mention, Relation
from keci.errors import DataError
from keci.formats.annotated import (
    AnnotatedText,
    MentionRow,
    RelationRow,
    check_surfaces,
    identifier_of,
    split_identifiers,
)
from keci.formats.json import frame_objects, parse_json
from keci.formats.stream import ContentStream, ReadOptions, excerpt, kept
from keci.formats.xml import check_depth, original_of, stream_elements

WIDEST_GAP = 4
"""The most characters between two passages that line breaks stand for; one is usual."""

Passage = tuple[int | None, str]


def assemble(passages: Sequence[Passage]) -> str:
    """The passages as one text: at their offsets where these fit, else joined by blank lines."""
    parts: list[str] = []
    length = 0
    for offset, passage in passages:
        gap = -1 if offset is None else offset - length
        if not 0 <= gap <= WIDEST_GAP:
            return "\n\n".join(text for _, text in passages if text)
        parts += ("\n" * gap, passage)
        length += gap + len(passage)
    return "".join(parts)


def xml_passages(document: etree._Element) -> Iterator[Passage]:
    for passage in document.findall("passage"):
        for part in [passage] if passage.find("text") is not None else passage.findall("sentence"):
            offset = (part.findtext("offset") or "").strip()
            yield int(offset) if offset.isdecimal() else None, part.findtext("text") or ""


def json_passages(passages: list[dict[str, Any]]) -> Iterator[Passage]:
    """The passages of a parsed document; raises TypeError where a text is none."""
    for passage in passages:
        parts = [passage] if passage.get("text") else passage.get("sentences") or [passage]
        for part in parts:
            offset, text = part.get("offset"), part.get("text") or ""
            if not isinstance(text, str):
                raise TypeError(f"expected a text, got {type(text).__name__}")
            yield offset if isinstance(offset, int) else None, text


def xml_documents(content: bytes) -> list[etree._Element]:
    """The documents of a whole collection; raises DataError where it is none."""
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise DataError(f"not well-formed XML: {error.msg}") from error
    if root.tag != "collection":
        raise DataError(f"expected the root element <collection>, got <{root.tag!s}>")
    return root.findall("document")


def json_documents(content: bytes) -> list[dict[str, Any]]:
    """The documents of a whole collection; raises DataError where it is none."""
    try:
        collection = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise DataError(f"not valid JSON: {error}") from error
    documents = collection.get("documents") if isinstance(collection, dict) else None
    if not isinstance(documents, list):
        raise DataError("expected a BioC collection, an object with a list of 'documents'")
    return documents


def read_document(document: etree._Element | Mapping[str, Any]) -> AnnotatedText:
    """A document with its annotations; raises DataError where they are not as BioRED has them."""
    try:
        if isinstance(document, etree._Element):
            text = _read_xml(document)
        else:
            text = _read_json(document)
    except (LookupError, TypeError, AttributeError) as error:
        raise DataError(f"not a BioC document with annotations: {error!r}") from error
    check_surfaces(text.id, text.text, text.mentions)
    return text


def _read_xml(document: etree._Element) -> AnnotatedText:
    mentions = (
        _mention(
            _infons(item),
            item.findtext("text") or "",
            [(place.get("offset"), place.get("length")) for place in item.findall("location")],
        )
        for item in document.iter("annotation")
    )
    relations = (_relation(_infons(item)) for item in document.iter("relation"))
    return AnnotatedText(
        (document.findtext("id") or "").strip(),
        assemble(list(xml_passages(document))),
        tuple(mentions),
        tuple(relations),
    )


def _infons(element: etree._Element) -> dict[str, str]:
    return {infon.get("key") or "": infon.text or "" for infon in element.findall("infon")}


def _read_json(document: Mapping[str, Any]) -> AnnotatedText:
    passages = document["passages"]
    holders = [*passages, *chain.from_iterable(item.get("sentences") or () for item in passages)]
    mentions = (
        _mention(
            item["infons"],
            item["text"],
            [(str(place["offset"]), str(place["length"])) for place in item["locations"]],
        )
        for holder in holders
        for item in holder.get("annotations") or ()
    )
    relations = (
        _relation(item["infons"])
        for holder in (*holders, document)
        for item in holder.get("relations") or ()
    )
    return AnnotatedText(
        str(document["id"]), assemble(list(json_passages(passages))), tuple(mentions),
        tuple(relations),
    )  # fmt: skip


def _mention(
    infons: Mapping[str, str], text: str, places: Sequence[tuple[str | None, str | None]]
) -> MentionRow:
    if "type" not in infons:
        raise DataError(f"the annotation {text!r} has no infon 'type', only {sorted(infons)}")
    numbers = [int(value) for place in places for value in place if value and value.isdecimal()]
    if len(numbers) != 2:
        raise DataError(
            f"the annotation {text!r} must have one location, an offset and a length, got {places}"
        )
    start, length = numbers
    identifiers = split_identifiers(infons.get("identifier", ""))
    return MentionRow(start, start + length, text, infons["type"], identifiers)


def _relation(infons: Mapping[str, str]) -> RelationRow:
    missing = {"type", "entity1", "entity2"} - infons.keys()
    if missing:
        raise DataError(f"a relation lacks the infons {sorted(missing)}; it has {sorted(infons)}")
    return RelationRow(infons["type"], infons["entity1"].strip(), infons["entity2"].strip())


ROOTS = frozenset(["collection"])
DOCUMENT_LIST = re.compile(rb'"(documents|PubTator3|passages)"\s*:\s*\[')


def read_bioc(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The documents in order; one without an id is called ``source:position``.

    A damaged collection gives the documents before the damage, then one Failure.
    """
    is_xml = stream.content_head.lstrip().startswith(b"<")
    read = _stream_xml if is_xml else _stream_json
    position = 0
    try:
        for record in read(stream, source, options):
            position += 1
            yield record
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _stream_xml(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    elements = stream_elements(
        stream, tags=("document",), roots=ROOTS, limit=options.max_record_bytes
    )
    for position, element in enumerate(elements, start=1):
        document_id = (element.findtext("id") or "").strip() or f"{source}:{position}"
        try:
            check_depth(element, options.max_xml_depth)
            yield Document(document_id, assemble(list(xml_passages(element))))
        except DataError as error:
            content = original_of(element)
            beginning = excerpt(content)
            yield Failure(source, position, document_id, str(error), beginning, kept(content))


def _stream_json(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    depth = _document_depth(stream.content_head)
    objects = frame_objects(stream, depth=depth, limit=options.max_record_bytes)
    for position, content in enumerate(objects, start=1):
        try:
            yield _json_document(content, f"{source}:{position}", options)
        except DataError as error:
            yield Failure(source, position, "", str(error), excerpt(content), kept(content))


def _document_depth(head: bytes) -> int:
    """How many brackets are open where a document's object begins."""
    found = DOCUMENT_LIST.search(head)
    if found is None:
        raise DataError("expected BioC JSON, with documents or passages near its beginning")
    in_array = head.lstrip().startswith(b"[")
    return int(in_array) + (0 if found.group(1) == b"passages" else 2)


def _json_document(content: bytes, default_id: str, options: ReadOptions) -> Document:
    try:
        record = parse_json(content, options)
        passages = list(json_passages(record["passages"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError("the document has no list of passages with texts") from error
    given = record.get("id")
    return Document(default_id if given in (None, "") else str(given), assemble(passages))


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
