"""Texts in UIMA CAS XMI, as INCEpTION and WebAnno import and export them (extra ``annotate``).

A zip archive with ``TypeSystem.xml`` and an .xmi file for each document. Mentions are of
INCEpTION's layer "Named entity" (value, identifier), relations of a custom layer "Relation" that is
attached to it (``webanno.custom.Relation``: Governor, Dependent, label). The id of a text is the
title in its metadata. Offsets are code points here, UTF-16 units in the files; dkpro-cassis
converts them.
"""

import importlib
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import filterfalse, starmap
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.errors import DataError, UsageError
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow
from keci.formats.stream import is_hidden
from keci.printable import xml_text

TYPE_SYSTEM = "TypeSystem.xml"
SUFFIX = ".xmi"
MENTION_TYPE = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
RELATION_TYPE = "webanno.custom.Relation"
_METADATA_TYPE = "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.DocumentMetaData"
_CUSTOM = ("webanno.custom.", "custom.")
_LABELS = ("label", "value")
_STRING = "uima.cas.String"
_LARGEST = 200_000_000
"""Bytes of a file in an archive."""

_DATE = (1980, 1, 1, 0, 0, 0)
_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)
_LONGEST_NAME = 100


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    """Characters that XML cannot hold become U+FFFD. Raises UsageError without dkpro-cassis."""
    cassis = _cassis()
    types = _type_system(cassis)
    names: Counter[str] = Counter()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, TYPE_SYSTEM, types.to_xml())
        for extraction in extractions:
            content = _cas(cassis, types, extraction).to_xmi()
            _add(archive, _file_name(extraction.id, names), content)


def read(file: BinaryIO) -> Iterator[Extraction]:
    """The mentions and relations of each document, in order; raises DataError where it is none."""
    return starmap(_extraction, read_archive(file))


def read_folder(folder: Path) -> Iterator[Extraction]:
    """The same of an unpacked archive, by the names of its files."""
    return starmap(_extraction, folder_files(folder))


def is_unpacked(folder: Path) -> bool:
    """Whether a folder has the type system of XMI in it."""
    return (folder / TYPE_SYSTEM).is_file()


def folder_files(folder: Path) -> Iterator[tuple[str, Any]]:
    """The name and the CAS of each document of a folder; raises DataError where one is no XMI."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob(f"*{SUFFIX}"))
    files = ((name, (folder / name).read_bytes()) for name in filterfalse(is_hidden, names))
    return read_files((folder / TYPE_SYSTEM).read_bytes(), files)


def _extraction(name: str, cas: Any) -> Extraction:
    """What KECI reads of a document; with a span without a label its relations are left out."""
    text = annotated_text(name, cas)
    ids = {row.id: f"T{number}" for number, row in enumerate(text.mentions, start=1)}
    mentions = tuple(
        Mention(ids[row.id], row.start, row.end, row.text, row.type, concepts=_concepts(row))
        for row in text.mentions
    )
    links = [link for link in text.links if {link.head, link.tail} <= ids.keys()]
    relations = tuple(
        Relation(f"R{number}", ids[link.head], ids[link.tail], link.type)
        for number, link in enumerate(links, start=1)
    )
    return Extraction(text.id, text.text, mentions, relations)


def is_archive(file: BinaryIO) -> bool:
    """Whether a zip archive has the type system of XMI in it."""
    try:
        with zipfile.ZipFile(file) as archive:
            return TYPE_SYSTEM in archive.namelist()
    except zipfile.BadZipFile:
        return False


def read_archive(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """The name and the CAS of each document of an archive; raises DataError where it is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            if any(entry.file_size > _LARGEST for entry in archive.infolist()):
                raise DataError(f"the archive has a file of more than {_LARGEST:,} bytes")
            found = (name for name in archive.namelist() if name.endswith(SUFFIX))
            names = list(filterfalse(is_hidden, found))
            yield from read_files(archive.read(TYPE_SYSTEM), ((n, archive.read(n)) for n in names))
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise DataError(f"not an archive of {SUFFIX} files with {TYPE_SYSTEM}: {error}") from error


def read_files(type_system: bytes, files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Any]]:
    """The name and the CAS of each file; raises DataError where one is no XMI."""
    cassis = _cassis()
    _refuse_entities(TYPE_SYSTEM, type_system)
    try:
        types = cassis.load_typesystem(BytesIO(type_system))
    except Exception as error:  # whatever the library says of a damaged file
        raise DataError(f"{TYPE_SYSTEM} cannot be read: {error}") from error
    for name, content in files:
        _refuse_entities(name, content)
        try:
            cas = cassis.load_cas_from_xmi(BytesIO(content), typesystem=types, lenient=True)
        except Exception as error:  # as above
            raise DataError(f"{name} cannot be read as XMI: {error}") from error
        yield PurePosixPath(name).name.removesuffix(SUFFIX), cas


def annotated_text(name: str, cas: Any) -> AnnotatedText:
    """Named entities and custom spans as mentions, custom relations between these as links.

    Spans without a label, and annotation of other layers, are left out.
    """
    text = cas.sofa_string or ""
    spans, links, title = [], [], ""
    for item in sorted(cas.select_all_annotations(), key=lambda item: item.xmiID):
        features = {feature.name for feature in item.type.all_features}
        if item.type.name == _METADATA_TYPE:
            title = getattr(item, "documentTitle", None) or ""
        elif {"Governor", "Dependent"} <= features:
            links.append(item)
        elif item.type.name == MENTION_TYPE or item.type.name.startswith(_CUSTOM):
            spans.append(item)
    mentions = tuple(
        MentionRow(
            item.begin, item.end, text[item.begin : item.end], _label(item),
            (item.identifier,) if getattr(item, "identifier", None) else (), str(item.xmiID),
        )
        for item in spans
        if _label(item)
    )  # fmt: skip
    relations = tuple(
        RelationRow(_label(item), str(item.Governor.xmiID), str(item.Dependent.xmiID))
        for item in links
        if _label(item) and item.Governor is not None and item.Dependent is not None
    )
    return AnnotatedText(title or name, text, mentions, (), relations)


def _label(item: Any) -> str:
    """The label of an annotation: its feature of that name, else ``value``, else nothing."""
    known = {feature.name for feature in item.type.all_features}
    found = (getattr(item, name) for name in _LABELS if name in known)
    return next((str(label) for label in found if label), "")


def _concepts(row: MentionRow) -> tuple[ConceptLink, ...]:
    return tuple(ConceptLink(name, "", (), 1.0) for name in row.identifiers)


def _cas(cassis: Any, types: Any, extraction: Extraction) -> Any:
    cas = cassis.Cas(types)
    cas.sofa_string, cas.sofa_mime = xml_text(extraction.text), "text/plain"
    title = xml_text(extraction.id)
    metadata = types.get_type(_METADATA_TYPE)
    cas.add(metadata(begin=0, end=len(extraction.text), documentTitle=title, documentId=title))
    mention_type, relation_type = types.get_type(MENTION_TYPE), types.get_type(RELATION_TYPE)
    spans = {}
    for mention in extraction.mentions:
        best = mention.concept
        span = spans[mention.id] = mention_type(
            begin=mention.start,
            end=mention.end,
            value=xml_text(mention.type),
            identifier=xml_text(best.id) if best else None,
        )
        cas.add(span)
    for relation in extraction.relations:
        if relation.assertion == "present":
            head, tail = spans[relation.head], spans[relation.tail]
            label = xml_text(relation.type)
            ends = {"Governor": head, "Dependent": tail}
            cas.add(relation_type(begin=tail.begin, end=tail.end, label=label, **ends))
    return cas


def _type_system(cassis: Any) -> Any:
    types = cassis.TypeSystem()
    annotation = "uima.tcas.Annotation"
    mention = types.create_type(MENTION_TYPE, supertypeName=annotation)
    relation = types.create_type(RELATION_TYPE, supertypeName=annotation)
    metadata = types.create_type(_METADATA_TYPE, supertypeName="uima.tcas.DocumentAnnotation")
    for kind, name, values in (
        (mention, "value", _STRING),
        (mention, "identifier", _STRING),
        (relation, "Governor", mention),
        (relation, "Dependent", mention),
        (relation, "label", _STRING),
        (metadata, "documentTitle", _STRING),
        (metadata, "documentId", _STRING),
    ):
        types.create_feature(kind, name, values)
    return types


def _add(archive: zipfile.ZipFile, name: str, content: str) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content.encode())


def _file_name(document_id: str, names: Counter[str]) -> str:
    """What people recognise the document by; one that comes again gets ``~2``, in any case."""
    name = _UNSAFE.sub("_", document_id)[:_LONGEST_NAME].strip(".") or "_"
    names[name.casefold()] += 1
    turn = names[name.casefold()]
    return f"{name}{SUFFIX}" if turn == 1 else f"{name}~{turn}{SUFFIX}"


def _refuse_entities(name: str, content: bytes) -> None:
    if b"<!DOCTYPE" in content:
        raise DataError(f"{name} declares a document type, which XMI does not have")


def _cassis() -> Any:
    try:
        return importlib.import_module("cassis")
    except ImportError as error:
        raise UsageError("XMI needs dkpro-cassis: pip install 'keci[annotate]'") from error
