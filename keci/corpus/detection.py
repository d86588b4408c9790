"""The format of an input, found in its first bytes; the name only settles what those leave open."""

import re
from pathlib import PurePath

from keci.errors import UsageError

BOM = b"\xef\xbb\xbf"
COMPRESSION_SUFFIXES = (".gz",)
PUBMED_ROOTS = frozenset(
    ["PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet", "PubmedArticle",
     "PubmedBookArticle", "MedlineCitation"]
)  # fmt: skip
FORMATS_BY_SUFFIX = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".xml": "pubmed"}
FOREIGN_MAGIC = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2 data",
    b"\x28\xb5\x2f\xfd": "Zstandard data",
    b"\xfd7zXZ": "xz data",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
READ_FORMATS = "jsonl (one object a line), pubmed (PubMed XML) and text, each plain or gzipped"

_XML_PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*", re.S)
_ELEMENT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_JSON_OBJECT = re.compile(rb'\s*\{\s*(?:["}]|\Z)')
_JSON_ARRAY = re.compile(rb"\s*\[\s*\{")


def detect_format(head: bytes, name: str) -> str:
    """One of jsonl, pubmed and text; raises UsageError naming what was found instead."""
    for magic, what in FOREIGN_MAGIC.items():
        if head.startswith(magic):
            raise _unreadable(name, what)
    content = head.removeprefix(BOM)
    if _JSON_ARRAY.match(content):
        raise _unreadable(name, "a JSON array")
    if _JSON_OBJECT.match(content):
        return "jsonl"
    if _looks_like_xml(content):
        return _xml_format(content, name)
    named = FORMATS_BY_SUFFIX.get(_suffix(name))
    if named:
        return named
    if not content and name == "stdin":
        return "jsonl"
    if b"\x00" in content:
        raise _unreadable(name, "binary data")
    return "text"


def _looks_like_xml(content: bytes) -> bool:
    start = content.lstrip()
    return start.startswith((b"<?xml", b"<!DOCTYPE", b"<!--")) or bool(_ELEMENT.match(start))


def _xml_format(content: bytes, name: str) -> str:
    prolog = _XML_PROLOG.match(content)
    root = _ELEMENT.match(content, prolog.end() if prolog else 0)
    if root is None:
        raise _unreadable(name, "XML without a root element near its beginning")
    tag = root.group(1).decode("ascii", "replace")
    if tag not in PUBMED_ROOTS:
        raise _unreadable(name, f"XML with the root element <{tag}>")
    return "pubmed"


def _suffix(name: str) -> str:
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSION_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _unreadable(name: str, what: str) -> UsageError:
    return UsageError(
        f"the input {name} looks like {what}; the formats read are {READ_FORMATS} "
        "(--input-format overrides this guess)"
    )
