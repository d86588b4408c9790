"""The format of an input, found in its first bytes; the name only settles what those leave open."""

import re
from pathlib import PurePath

from keci.errors import UsageError
from keci.formats import bioc, jats, pubmed
from keci.formats import stream as compression
from keci.formats.stream import BOM

FORMATS_BY_ROOT = {
    **dict.fromkeys(pubmed.ROOTS, "pubmed"),
    **dict.fromkeys(bioc.ROOTS, "bioc"),
    **dict.fromkeys(jats.ROOTS, "jats"),
}
FORMATS_BY_SUFFIX = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".xml": "pubmed",
    ".nxml": "jats",
    ".pubtator": "pubtator",
}
FOREIGN_MAGIC = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
READ_FORMATS = (
    "jsonl (one object a line), pubmed (PubMed XML), bioc (XML or JSON), jats, pubtator and text, "
    "each plain or compressed by gzip, bzip2, xz or zstd"
)

_XML_PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*", re.S)
_ELEMENT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_JSON_OBJECT = re.compile(rb'\s*\{\s*(?:["}]|\Z)')
_JSON_ARRAY = re.compile(rb"\s*\[\s*\{")
_FAILURE = re.compile(rb'\{"source":"[^\n]*","position":\d+,"id":"[^\n]*,"reason":"')
_PUBTATOR_TITLE = re.compile(rb"\s*[^|\s]{1,100}\|t\|")


def detect_format(head: bytes, name: str) -> str:
    """The name of the reader for an input; raises UsageError naming what was found instead."""
    for magic, what in FOREIGN_MAGIC.items():
        if head.startswith(magic):
            raise _unreadable(name, what)
    content = head.removeprefix(BOM)
    found = _structured_format(content, name) or FORMATS_BY_SUFFIX.get(suffix(name))
    if found:
        return found
    if not content and name == "stdin":
        return "jsonl"
    if b"\x00" in content:
        raise _unreadable(name, "binary data")
    return "text"


def suffix(name: str) -> str:
    """The last suffix of a name in lower case, that of a compression aside."""
    suffixes = [part.lower() for part in PurePath(name).suffixes]
    if suffixes and suffixes[-1] in compression.SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _structured_format(content: bytes, name: str) -> str | None:
    if _looks_like_xml(content):
        return _xml_format(content, name)
    is_array = _JSON_ARRAY.match(content) is not None
    if is_array or _JSON_OBJECT.match(content):
        if bioc.DOCUMENT_LIST.search(content):
            return "bioc"
        if is_array:
            raise _unreadable(name, "a JSON array")
        return "failures" if _FAILURE.match(content) else "jsonl"
    return "pubtator" if _PUBTATOR_TITLE.match(content) else None


def _looks_like_xml(content: bytes) -> bool:
    start = content.lstrip()
    return start.startswith((b"<?xml", b"<!DOCTYPE", b"<!--")) or bool(_ELEMENT.match(start))


def _xml_format(content: bytes, name: str) -> str:
    prolog = _XML_PROLOG.match(content)
    root = _ELEMENT.match(content, prolog.end() if prolog else 0)
    if root is None:
        raise _unreadable(name, "XML without a root element near its beginning")
    tag = root.group(1).decode("ascii", "replace")
    if tag not in FORMATS_BY_ROOT:
        raise _unreadable(name, f"XML with the root element <{tag}>")
    return FORMATS_BY_ROOT[tag]


def _unreadable(name: str, what: str) -> UsageError:
    return UsageError(
        f"the input {name} looks like {what}; the formats read are {READ_FORMATS} "
        "(--input-format overrides this guess)"
    )
