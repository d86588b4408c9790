"""The format of an input, found in its first bytes; the name only settles what those leave open."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from keci.errors import UsageError
from keci.formats import bioc, brat, jats, parquet, pubmed
from keci.formats import stream as compression
from keci.formats.delimited import header_delimiter
from keci.formats.json import value_paths
from keci.formats.stream import BOM
from keci.formats.xml import PROLOG, START_TAG

FORMATS_BY_ROOT = {
    **dict.fromkeys(pubmed.ROOTS, "pubmed"),
    **dict.fromkeys(bioc.ROOTS, "bioc"),
    "eFetchResult": "pubmed",
    **dict.fromkeys(jats.ROOTS, "jats"),
    "Reply": "jats",
}
FORMATS_BY_SUFFIX = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".xml": "pubmed",
    ".nxml": "jats",
    ".pubtator": "pubtator",
    ".nbib": "medline",
    ".medline": "medline",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
}
FOREIGN_MAGIC = {
    b"%PDF": "a PDF",
    b"{\\rtf": "a text of a word processor (RTF)",
    b"\xd0\xcf\x11\xe0": "a file of an old word processor or spreadsheet",
    b"PK\x03\x04": "a zip archive (or .docx, .xlsx, .epub)",
    b"\xff\xfe": "UTF-16 text; write it as UTF-8",
    b"\xfe\xff": "UTF-16 text; write it as UTF-8",
    b"\x1f\x8b": "a file that was compressed twice",
}
_TAR_MAGIC_AT = 257
READ_FORMATS = (
    "jsonl (one object a line), pubmed (PubMed XML), medline (.nbib), bioc (XML or JSON), jats, "
    "pubtator, csv, tsv, parquet, brat (a zip archive) and text, each plain or compressed by gzip, "
    "bzip2, xz or zstd"
)

_JSON_OBJECT = re.compile(rb'\s*\{\s*(?:["}]|\Z)')
_JSON_ARRAY = re.compile(rb"\s*\[\s*\{")
_FAILURE = re.compile(rb'\{"source":"[^\n]*","position":\d+,"id":"[^\n]*,"reason":"')
PUBTATOR_BEGINNING = re.compile(
    rb"(?:\s*+(?:#[^\n]*+\n|[^|\s]{1,100}+\t[^\n]*+\n))*+\s*+[^|\s]{1,100}+\|t\|"
)
_MEDLINE = re.compile(rb"\s*PMID ?- ?\d+\s")
_FOREIGN_TEXT: Sequence[tuple[bytes, str, Sequence[str]]] = (
    (
        rb"\s*TY  - [A-Z]",
        "RIS references; export them as MEDLINE/.nbib or PubMed XML",
        [".ris"],
    ),
    (rb"\s*@[A-Za-z]+\s*\{[^\n]*,", "BibTeX; export it as MEDLINE/.nbib or csv", [".bib"]),
    (rb"%0 [A-Z][\w ]+\r?\n%[A-Z\d] ", "EndNote references; export them as .nbib", [".enw"]),
    (
        rb"[TERAMN#*]\d*\t[^\t\n]+ (?:\d+ \d+[;\t]|(?:[A-Za-z]+\d*:)?[TE]\d+)",
        "brat annotations without their text; give the .txt file beside it",
        [".ann"],
    ),
    (rb"-DOCSTART-", "CoNLL tags; keci-train reads them, extraction wants texts", [".conll"]),
    (rb"(?:\S+[\t ][BIO](?:-\S+)?\r?\n){3}", "tagged tokens, not texts", []),
    (
        rb"(?:#[^\n]*\n)*+1\t\S+\t\S+\t[A-Z_]",
        "tagged tokens (CoNLL-U), not texts",
        [".conllu"],
    ),
    (rb"\s*\\documentclass", "LaTeX; convert it to plain text (pandoc -t plain)", [".tex"]),
    (rb"---\r?\n[\w-]+:", "YAML; write its records as jsonl", [".yaml", ".yml"]),
    (
        rb"\s*<1>\s*\n *(?:Unique Identifier|VN  -|Database)",
        "records of Ovid; export them as .nbib, PubMed XML or csv",
        [],
    ),
    (rb"\s*Record #1 of \d+", "records of the Cochrane Library; export them as csv", []),
    (rb"LOCUS {3,}\S+", "a GenBank record", []),
    (rb">\S[^\n]*\n[ACGTUN]{30,}", "FASTA sequences", []),
    (rb"\[Error\] ?:", "an error answer of NCBI's BioC service", []),
    (
        rb"FN [^\n]{1,100}\r?\nVR \d",
        "Web of Science records; export them as .nbib, PubMed XML or csv",
        [],
    ),
    (
        rb"\s*1[.:] [^\n]{1,300}\d{4}(?s:.)*?\nPMID: \d+",
        "what PubMed shows of several citations; save it in the format PubMed (.nbib) or as XML",
        [],
    ),
)
"""The first bytes of texts that no one means as prose, and what to do with them.

The suffixes behind mean it whatever the beginning.
"""

_TABLE_DELIMITERS = {b"\t": "tabs", b"|": "bars", b"$": "dollar signs"}
_TABLE_LINES, _FEWEST_COLUMNS = 4, 3
_USE_TABLE = (
    "save it as csv or tsv with a header, and name the column of the text by --text-field if it "
    "is not called so"
)

_PUBMED_INSIDE = re.compile(rb"<(?:[\w.-]+:)?(?:PubmedArticle|MedlineCitation|PubmedBookArticle)\b")
_OAI_RECORD = re.compile(
    rb"<(?:[\w.-]+:)?metadata\b[^>]*>(?:\s+|<\?.*?\?>|<!--.*?-->)*<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)",
    re.S,
)
_ERROR_WORDS = re.compile(rb"<(?:ERROR|error|message|title)\b[^>]*>([^<]{1,300})<", re.S)


def detect_format(head: bytes, name: str, text_fields: Sequence[str] = ("text",)) -> str:
    """The name of the reader for an input; raises UsageError naming what was found instead.

    ``text_fields`` are what the text is called in records with fields.
    """
    if head.startswith(parquet.MAGIC):
        return "parquet"
    if brat.begins_archive(head):
        return "brat"
    for magic, what in FOREIGN_MAGIC.items():
        if head.startswith(magic):
            raise _unreadable(name, what)
    if head[_TAR_MAGIC_AT:].startswith(b"ustar"):
        raise _unreadable(name, "a tar archive; unpack it")
    content = head.removeprefix(BOM)
    found = _structured_format(content, name, text_fields) or FORMATS_BY_SUFFIX.get(suffix(name))
    if found:
        return found
    if not content and name == "stdin":
        return "jsonl"
    if b"\x00" in content:
        raise _unreadable(name, "binary data")
    _refuse_foreign(content, name)
    return "text"


def suffix(name: str) -> str:
    """The last suffix of a name in lower case, that of a compression aside."""
    suffixes = [part.lower() for part in PurePath(name).suffixes]
    if suffixes and suffixes[-1] in compression.SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _structured_format(content: bytes, name: str, text_fields: Sequence[str]) -> str | None:
    if _looks_like_xml(content):
        return _xml_format(content, name)
    if _JSON_ARRAY.match(content) or _JSON_OBJECT.match(content):
        if bioc.DOCUMENT_LIST.search(content) and _is_bioc(content, text_fields):
            return "bioc"
        return "failures" if _FAILURE.match(content) else "jsonl"
    if PUBTATOR_BEGINNING.match(content):
        return "pubtator"
    if _MEDLINE.match(content):
        return "medline"
    delimiter = header_delimiter(content.lstrip().partition(b"\n")[0], text_fields)
    if delimiter and suffix(name) not in FORMATS_BY_SUFFIX:
        return "tsv" if delimiter == "\t" else "csv"
    return None


def _is_bioc(content: bytes, text_fields: Sequence[str]) -> bool:
    """Whether JSON has passages as BioC has them, and no text of its own beside them."""
    paths = value_paths(content)
    root = ("[]",) if paths.get(()) == "[" else ()
    if any(paths.get((*root, name)) == '"' for name in text_fields):
        return False
    documents = ((*root, name) for name in bioc.LISTS if paths.get((*root, name)) == "[")
    found = [(*path, "[]") for path in documents]
    if paths.get((*root, "passages")) == "[":
        found.append(root)
    return any(_has_passages(paths, path) for path in found)


def _has_passages(paths: Mapping[tuple[str, ...], str], document: tuple[str, ...]) -> bool:
    if not any(path[:-1] == document for path in paths if path):
        return paths.get(document, "{") == "{"
    passages = (*document, "passages")
    keys = {path[-1] for path in paths if path[:-1] == (*passages, "[]")}
    known = _PASSAGE_KEYS if document[-1:] != ("[]",) else (*_PASSAGE_KEYS, "text")
    return paths.get(passages) == "[" and (not keys or not keys.isdisjoint(known))


_PASSAGE_KEYS = ("offset", "infons", "sentences", "annotations")


def _refuse_foreign(content: bytes, name: str) -> None:
    """Raises UsageError for texts in formats that are no prose."""
    ending = suffix(name) if content.strip() else ""
    for beginning, what, endings in _FOREIGN_TEXT:
        if re.match(beginning, content) or ending in endings:
            raise _unreadable(name, what)
    lines = [line for line in content.splitlines()[:_TABLE_LINES] if line.strip()]
    for delimiter, said in _TABLE_DELIMITERS.items():
        columns = _columns(lines, delimiter)
        if columns >= _FEWEST_COLUMNS:
            raise _unreadable(name, f"a table of {columns} columns that {said} part; {_USE_TABLE}")


def _columns(lines: Sequence[bytes], delimiter: bytes) -> int:
    """How many columns each of several lines has; 0 where their numbers differ."""
    counts = {line.count(delimiter) + 1 for line in lines}
    return counts.pop() if len(lines) > 1 and len(counts) == 1 else 0


def _looks_like_xml(content: bytes) -> bool:
    start = content.lstrip()
    return start.startswith((b"<?xml", b"<!DOCTYPE", b"<!--")) or bool(START_TAG.match(start))


def _xml_format(content: bytes, name: str) -> str:
    prolog = PROLOG.match(content)
    root = START_TAG.match(content, prolog.end() if prolog else 0)
    if root is None:
        raise _unreadable(name, "XML without a root element near its beginning")
    tag = root.group(2).decode("ascii", "replace")
    if tag == "OAI-PMH":
        return _oai_format(content, name)
    if tag not in FORMATS_BY_ROOT:
        said = _ERROR_WORDS.search(content)
        words = f", which says: {said[1].decode('utf-8', 'replace').strip()}" if said else ""
        raise _unreadable(name, f"XML with the root element <{tag}>{words}")
    return FORMATS_BY_ROOT[tag]


def _oai_format(content: bytes, name: str) -> str:
    """The format of the records in an answer of OAI-PMH; that of the error where there is none."""
    if _PUBMED_INSIDE.search(content):
        return "pubmed"
    record = _OAI_RECORD.search(content)
    if record and record[1] not in (b"article", b"pmc-articleset"):
        inside = record[1].decode("ascii", "replace")
        raise _unreadable(
            name, f"OAI-PMH records in <{inside}>, which are not full text; ask for JATS (pmc)"
        )
    return "jats"


def _unreadable(name: str, what: str) -> UsageError:
    return UsageError(
        f"the input {name} looks like {what}; the formats read are {READ_FORMATS} "
        "(--input-format overrides this guess, as --input-format text for prose)"
    )
