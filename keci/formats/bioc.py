"""BioC documents, in XML and in JSON: their text at its offsets, their annotations.

A document's text is its passages (or their sentences) at the offsets that BioC gives them, line
breaks filling the gaps, so that annotations point into it. Where those offsets do not fit the text
(they count bytes, overlap or leave wide gaps), the passages are joined by blank lines instead.

An annotation's infons are ``type`` and ``identifier``, a relation's ``type``, ``entity1`` and
``entity2``, which are identifiers, as in BioRED.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import orjson
from lxml import etree

from keci.errors import DataError
from keci.interchange.annotated import (
    AnnotatedText,
    MentionRow,
    RelationRow,
    check_surfaces,
    split_identifiers,
)

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
