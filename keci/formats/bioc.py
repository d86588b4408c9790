"""BioC documents, in XML and in JSON: their text at its offsets, their annotations.

A document's text is its passages (or their sentences) at the offsets that BioC gives them, line
breaks filling the gaps, so that annotations point into it (``keci.formats.passages``). Extraction
leaves out what JATS does: of references, acknowledgements, funding and conflicts line breaks are
left, so that offsets stay what they are.

An annotation's infons are ``type`` and ``identifier`` (or the vocabulary's name, as ``MESH``). A
relation's are ``type`` and, as identifiers, ``entity1`` and ``entity2`` (BioRED) or those called by
the types of its ends (``Chemical``, ``Disease``); or else its nodes name two annotations.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from lxml import etree

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.annotated import (
    AnnotatedText,
    MentionRow,
    RelationRow,
    Remark,
    named_ends,
    settled,
    split_identifiers,
    split_types,
)
from keci.formats.fields import field, identifier, objects, optional_objects
from keci.formats.json import frame_objects, parse_json
from keci.formats.metadata import citation
from keci.formats.passages import (
    Passage,
    PassageLayout,
    Surface,
    json_passages,
    lay_out,
    xml_passages,
)
from keci.formats.stream import ContentStream, ReadOptions, excerpt, kept
from keci.formats.xml import original_of, stream_elements, without_namespaces
from keci.formats.xml_limits import check_record


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
    without_namespaces(root)
    if root.tag != "collection":
        raise DataError(f"expected the root element <collection>, got <{root.tag!s}>")
    return root.findall("document")


def json_documents(value: Any) -> Iterator[Any]:
    """The documents of parsed JSON: of collections, in lists or not, or documents as they are."""
    if isinstance(value, list):
        for item in value:
            yield from json_documents(item)
    elif isinstance(value, dict):
        lists = [value[name] for name in LISTS if isinstance(value.get(name), list)]
        yield from lists[0] if lists else (value,)


def is_json_documents(value: Any) -> bool:
    """Whether parsed JSON is a collection, or documents with passages, of BioC."""
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict) or "text" in first:
        return False
    if any(isinstance(first.get(name), list) for name in LISTS):
        return True
    passages = first.get("passages")
    return isinstance(passages, list) and all(
        isinstance(item, dict) and "offset" in item for item in passages
    )


def read_document(document: etree._Element | Mapping[str, Any]) -> AnnotatedText:
    """A document with its annotations; raises DataError where they are not as BioRED has them."""
    try:
        if isinstance(document, etree._Element):
            text = _read_xml(document)
        else:
            text = _read_json(document)
    except DataError as error:
        raise DataError(f"not a BioC document with annotations: {error}") from error
    except (LookupError, TypeError, AttributeError) as error:
        reason = "a value is of another kind than expected"
        raise DataError(f"not a BioC document with annotations: {reason}") from error
    return settled(text)


def _read_xml(document: etree._Element) -> AnnotatedText:
    annotations = [
        _Annotation(
            item.get("id") or "",
            item.findtext("text") or "",
            _infons(item),
            tuple((span.get("offset"), span.get("length")) for span in item.iter("location")),
        )
        for item in document.iter("annotation")
    ]
    relations = [
        _Annotation(
            item.get("id") or "",
            "",
            _infons(item),
            tuple((node.get("refid"), node.get("role")) for node in item.iter("node")),
        )
        for item in document.iter("relation")
    ]
    layout = lay_out(xml_passages(document), _surfaces(annotations))
    return _annotated((document.findtext("id") or "").strip(), layout, annotations, relations)


def _infons(element: etree._Element) -> dict[str, str]:
    return {infon.get("key") or "": infon.text or "" for infon in element.findall("infon")}


def _json_infons(infons: Mapping[str, Any]) -> dict[str, str]:
    """Infons as texts; of an object (an end of PubTator's relations) its identifier."""
    return {
        key: str(value.get("identifier", "") if isinstance(value, Mapping) else value)
        for key, value in infons.items()
        if value is not None
    }


def _read_json(document: Mapping[str, Any]) -> AnnotatedText:
    passages = objects(document, "passages")
    sentences = (optional_objects(item, "sentences") for item in passages)
    holders = [*passages, *chain.from_iterable(sentences)]
    annotations = [
        _Annotation(
            str(item.get("id", "")),
            field(item, "text", str),
            _json_infons(field(item, "infons", dict)),
            tuple(
                (identifier(span, "offset"), identifier(span, "length"))
                for span in objects(item, "locations")
            ),
        )
        for holder in holders
        for item in optional_objects(holder, "annotations")
    ]
    relations = [
        _Annotation(
            str(item.get("id", "")),
            "",
            _json_infons(field(item, "infons", dict)),
            tuple(
                (node.get("refid"), node.get("role")) for node in optional_objects(item, "nodes")
            ),
        )
        for holder in (*holders, document)
        for item in optional_objects(holder, "relations")
    ]
    layout = lay_out(json_passages(passages), _surfaces(annotations))
    return _annotated(identifier(document, "id"), layout, annotations, relations)


def _surfaces(annotations: Iterable["_Annotation"]) -> list[Surface]:
    """Where annotations in one piece say that they stand."""
    return [
        (int(offset), int(length), item.text)
        for item in annotations
        for offset, length in item.pairs[:1]
        if len(item.pairs) == 1 and offset and length and offset.isdecimal() and length.isdecimal()
    ]


@dataclass(frozen=True, slots=True)
class _Annotation:
    """An annotation with its (offset, length) or a relation with its nodes (refid, role)."""

    id: str
    text: str
    infons: Mapping[str, str]
    pairs: tuple[tuple[str | None, str | None], ...]


_TYPE_KEYS = ("type", "relation", "relation_type", "relation type")
_NOT_ENDS = frozenset((*_TYPE_KEYS, "score", "novel", "note", "file", "id", "confidence"))
_IDENTIFIER_KEYS = ("identifier", "Identifier", "MESH", "NCBI Gene", "NCBI Taxonomy", "NCBIGene",
                    "UMLS", "CUI", "concept_id", "id")  # fmt: skip
_TAIL_ROLES = frozenset(("arg2", "argument2", "tail", "object", "target"))


def _annotated(
    document_id: str,
    layout: PassageLayout,
    annotations: Sequence[_Annotation],
    relations: Sequence[_Annotation],
) -> AnnotatedText:
    remarks: list[Remark] = []
    if annotations and not layout.fits:
        remarks.append(Remark("texts have passages whose offsets do not fit", document_id))
    named = named_ends(str(value).strip() for item in relations for value in item.infons.values())
    mentions = tuple(
        row
        for item in annotations
        for row in _mentions(item, layout, split_identifiers(_identifier(item), named))
    )
    for item in annotations:
        if len(item.pairs) > 1:
            shown = f"{item.text!r} in {document_id}"
            remarks.append(Remark("mentions in pieces are taken from first to last", shown))
    ids = frozenset(row.id for row in mentions if row.id)
    identifiers = frozenset(name for row in mentions for name in row.identifiers)
    rows, links = [], []
    for item in relations:
        ends = _infon_ends(item.infons, identifiers)
        nodes = _node_ends(item, ids)
        if nodes:
            links.append(RelationRow(_relation_type(item), *nodes))
        elif ends:
            rows.append(RelationRow(_relation_type(item), *ends))
        else:
            shown = f"{item.id or _relation_type(item)} in {document_id}"
            remarks.append(Remark("relations do not name two mentions", shown, "relation"))
    return AnnotatedText(
        document_id, layout.text, mentions, tuple(rows), tuple(links), tuple(remarks)
    )


def _identifier(item: _Annotation) -> str:
    return next((item.infons[key] for key in _IDENTIFIER_KEYS if item.infons.get(key)), "")


def _mentions(
    item: _Annotation, layout: PassageLayout, identifiers: tuple[str, ...]
) -> Iterator[MentionRow]:
    """A row for each type; one in pieces goes from the first to the last."""
    if "type" not in item.infons:
        raise DataError(
            f"the annotation {item.text!r} has no infon 'type', only {sorted(item.infons)}"
        )
    numbers = [int(value) for pair in item.pairs for value in pair if value and value.isdecimal()]
    if not item.pairs or len(numbers) != 2 * len(item.pairs):
        raise DataError(
            f"the annotation {item.text!r} must have locations, each an offset and a length, "
            f"got {list(item.pairs)}"
        )
    pieces = sorted(map(layout.span, numbers[::2], numbers[1::2]))
    start, end = pieces[0][0], max(end for _, end in pieces)
    surface = item.text if len(pieces) == 1 else layout.text[start:end]
    for kind in split_types(item.infons["type"]):
        yield MentionRow(start, end, surface, kind, identifiers, item.id)


def _relation_type(item: _Annotation) -> str:
    found = next((item.infons[key] for key in _TYPE_KEYS if item.infons.get(key)), None)
    if found is None:
        raise DataError(f"a relation lacks the infon 'type'; it has {sorted(item.infons)}")
    return found


def _infon_ends(infons: Mapping[str, str], known: frozenset[str]) -> tuple[str, str] | None:
    """The identifiers of a relation's ends, if its infons name two."""
    if {"entity1", "entity2"} <= infons.keys():
        return infons["entity1"].strip(), infons["entity2"].strip()
    others = [value.strip() for key, value in infons.items() if key not in _NOT_ENDS]
    return (others[0], others[1]) if len(others) == 2 and known.issuperset(others) else None


def _node_ends(item: _Annotation, known: frozenset[str]) -> tuple[str, str] | None:
    """The ids of the two annotations that the nodes of a relation name: head, tail."""
    nodes = [(refid or "", (role or "").casefold()) for refid, role in item.pairs]
    if len(nodes) != 2 or not known.issuperset(refid for refid, _ in nodes):
        return None
    (first, first_role), (second, second_role) = nodes
    is_turned = first_role in _TAIL_ROLES and second_role not in _TAIL_ROLES
    return (second, first) if is_turned else (first, second)


ROOTS = frozenset(["collection"])
_log = logging.getLogger(__name__)
LISTS = ("documents", "PubTator3")
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
    elements = stream_elements(stream, tags=("document",), roots=ROOTS, options=options)
    for position, element in enumerate(elements, start=stream.relay.position + 1):
        if isinstance(element, DataError):
            yield Failure(source, position, "", str(element))
            continue
        without_namespaces(element)
        document_id = (element.findtext("id") or "").strip() or f"{source}:{position}"
        try:
            check_record(element, options.max_xml_depth)
            passages = list(xml_passages(element, has_tables=options.tables == "rows"))
            metadata = _metadata(_xml_infons(element)) if options.metadata else None
            yield Document(document_id, _laid_out(document_id, passages, stream.left_out), metadata)
        except DataError as error:
            content = original_of(element)
            beginning = excerpt(content)
            yield Failure(source, position, document_id, str(error), beginning, kept(content))


def stream_json_documents(stream: ContentStream, limit: int) -> Iterator[bytes]:
    """The bytes of each document of BioC JSON, one by one; raises DataError where it is none."""
    depth = _document_depth(stream.content_head)
    return frame_objects(stream, depth=depth, limit=limit, keys=LISTS if depth > 1 else ())


def _stream_json(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    documents = stream_json_documents(stream, options.max_record_bytes)
    for position, content in enumerate(documents, start=1):
        try:
            yield _json_document(content, f"{source}:{position}", options, stream.left_out)
        except DataError as error:
            yield Failure(source, position, "", str(error), excerpt(content), kept(content))


def _document_depth(head: bytes) -> int:
    """How many brackets are open where a document's object begins."""
    found = DOCUMENT_LIST.search(head)
    if found is None:
        raise DataError("expected BioC JSON, with documents or passages near its beginning")
    in_array = head.lstrip().startswith(b"[")
    return int(in_array) + (0 if found.group(1) == b"passages" else 2)


def _json_document(
    content: bytes, default_id: str, options: ReadOptions, left_out: Counter[str]
) -> Document:
    record = parse_json(content, options)
    if not isinstance(record, dict):
        raise DataError(f"expected a document, got {content[:50].decode('utf-8', 'replace')}")
    try:
        passages = list(json_passages(record["passages"], has_tables=options.tables == "rows"))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError("the document has no list of passages with texts") from error
    given = record.get("id")
    document_id = default_id if given in (None, "") else str(given)
    metadata = _metadata(_json_infons_of(record)) if options.metadata else None
    return Document(document_id, _laid_out(document_id, passages, left_out), metadata)


def _laid_out(document_id: str, passages: Sequence[Passage], left_out: Counter[str]) -> str:
    """The text of passages, with a word in the log where offsets do not fit it."""
    layout = lay_out(passages)
    left_out["passages of apparatus"] += sum(not item.is_read for item in passages)
    if not layout.fits and any(item.offset is not None for item in passages):
        if not left_out["offsets that do not fit"]:
            _log.warning(
                "document %s: the offsets of its passages do not fit their texts; these are joined "
                "by blank lines (later documents of this input are only counted)", document_id,
            )  # fmt: skip
        left_out["offsets that do not fit"] += 1
    return layout.text


_TITLES = frozenset({"title", "front"})
Infons = Iterator[tuple[Mapping[str, Any], str]]
"""Those of a document, then of each passage, with the passage's text."""


def _metadata(infons: Infons) -> Mapping[str, Any] | None:
    """Journal, year and DOI by the names that PMC's collections use; the first title passage."""
    told: dict[str, str] = {}
    for names, text in infons:
        for name, key in (("journal", "journal"), ("year", "year"), ("doi", "article-id_doi")):
            told[name] = told.get(name) or str(names.get(key) or "")
        if text and not told.get("title") and names.get("type") in _TITLES:
            told["title"] = text
    return citation(**told)


def _xml_infons(document: etree._Element) -> Infons:
    for part in (document, *document.findall("passage")):
        names = {item.get("key", ""): item.text or "" for item in part.findall("infon")}
        yield names, part.findtext("text") or ""


def _json_infons_of(record: Mapping[str, Any]) -> Infons:
    for part in (record, *record["passages"]):
        names = part.get("infons")
        yield names if isinstance(names, Mapping) else {}, part.get("text") or ""
