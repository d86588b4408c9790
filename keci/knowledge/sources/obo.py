"""Ontologies in OBO format, versions 1.2 and 1.4, plain or gzipped."""

import gzip
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from keci.errors import DataError
from keci.knowledge.sources.terms import Term, curie

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(.*)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "W": " "}
_MODIFIERS = re.compile(r"\s*(?<!\\)\{[^{}]*\}\s*$")
_COMMENT = re.compile(r"(?<!\\)\s!.*$")
_MARKUP = re.compile(r"</?(?:i|b|em|sub|sup|small)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OboDocument:
    """The header tags of an OBO file and its terms in file order, obsolete ones left out.

    ``skipped`` says what was left out because it breaks the format.
    """

    header: dict[str, str]
    terms: tuple[Term, ...]
    skipped: tuple[str, ...] = ()


@dataclass(slots=True)
class _Stanza:
    line: int
    tags: dict[str, list[str]] = field(default_factory=dict)

    def first(self, tag: str) -> str:
        return self.tags.get(tag, [""])[0]


def read_obo(path: Path, *, strict: bool = True) -> OboDocument:
    """Read an OBO file.

    What breaks the format raises DataError naming its line, or is skipped where not ``strict``.
    Raises DataError too where the file is an ontology in another format, naming what converts it.
    """
    content = _content(path)
    _refuse_others(path, content[:4096])
    try:
        return parse_obo(content.decode().split("\n"), str(path), strict=strict)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}") from error


def parse_obo(lines: Iterable[str], source: str = "OBO", *, strict: bool = True) -> OboDocument:
    """Parse the lines of an OBO file; a malformed line or a repeated id is an error or skipped."""
    problems = _Problems(source, strict)
    header: dict[str, str] = {}
    terms: dict[str, Term] = {}
    replaced: dict[str, set[str]] = defaultdict(set)
    for kind, stanza in _stanzas(lines, problems):
        if kind == "":
            header = {tag: values[0] for tag, values in stanza.tags.items()}
        elif kind == "Term" and _plain(stanza.first("is_obsolete")) == "true":
            for value in stanza.tags.get("replaced_by", ()):
                replaced[_plain(value)].add(_plain(stanza.first("id")))
        elif kind == "Term":
            term = _term(stanza, problems)
            if term and term.id in terms:
                problems.add(stanza.line, f"the id {term.id} is used twice")
            elif term and term.name:
                terms[term.id] = term
    taken = set(terms)
    found = tuple(_with_replaced(term, replaced[term.id], taken) for term in terms.values())
    return OboDocument(header, found, tuple(problems.skipped))


def _with_replaced(term: Term, replaced: Iterable[str], taken: set[str]) -> Term:
    """The term with the ids that it took over, but those that another term has or took before."""
    others = dict.fromkeys((*term.alternatives, *sorted(replaced)))
    kept = tuple(name for name in others if name and name not in taken)
    taken.update(kept)
    return replace(term, alternatives=kept)


class _Problems:
    """Raises the first problem of a file where it is to be strict, else collects all."""

    def __init__(self, source: str, strict: bool) -> None:
        self._source, self._strict = source, strict
        self.skipped: list[str] = []

    def add(self, line: int, message: str) -> None:
        told = f"{self._source}:{line}: {message}"
        if self._strict:
            raise DataError(told)
        self.skipped.append(told)


_OTHERS = (
    (("<rdf:RDF", "<Ontology", "owl:Ontology", "Prefix(", "Ontology("), "OWL",
     "convert it with ROBOT: robot convert --input {name} --output {stem}.obo"),
    (("skos:", "skos/core#"), "SKOS",
     "write id, prefLabel, altLabel and definition of its concepts as a csv file, with rdflib or "
     "skos-cli, and give that to: keci-kb build table"),
    (("@prefix", "@base", "PREFIX "), "RDF in Turtle",
     "convert it with ROBOT: robot convert --input {name} --output {stem}.obo"),
    (("<?xml", "<!DOCTYPE"), "XML",
     "if it is OWL, convert it with ROBOT: robot convert --input {name} --output {stem}.obo"),
    (('{"graphs"', '"graphs":'), "OBO Graphs JSON",
     "convert it with ROBOT: robot convert --input {name} --output {stem}.obo"),
)  # fmt: skip


def _refuse_others(path: Path, head: bytes) -> None:
    """Raise DataError where a file is an ontology in another format."""
    text = head.decode(errors="replace").lstrip("\ufeff \t\r\n")
    if not text.startswith(("<", "@", "{", "PREFIX", "Prefix", "Ontology")):
        return
    signs = sorted(_OTHERS, key=lambda other: other[1] != "SKOS")
    for marks, name, advice in signs:
        if any(mark in text for mark in marks):
            told = advice.format(name=path.name, stem=path.name.partition(".")[0])
            raise DataError(f"{path} is {name}, and OBO is read: {told}")


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _stanzas(lines: Iterable[str], problems: _Problems) -> Iterator[tuple[str, _Stanza]]:
    kind, stanza = "", _Stanza(1)
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r\n")
        if not line.strip() or line.startswith("!"):
            continue
        if line.startswith("["):
            if not line.rstrip().endswith("]"):
                problems.add(number, f"expected a stanza like [Term], found {line[:80]!r}")
            yield kind, stanza
            kind, stanza = line.strip()[1:].removesuffix("]"), _Stanza(number)
            continue
        tag, separator, value = line.partition(":")
        if separator:
            stanza.tags.setdefault(tag.strip(), []).append(value.strip())
        else:
            problems.add(number, f"expected 'tag: value', found {line[:80]!r}")
    yield kind, stanza


def _term(stanza: _Stanza, problems: _Problems) -> Term | None:
    """The term of a stanza; None where it has no id."""
    identity = _plain(stanza.first("id"))
    if not identity:
        problems.add(stanza.line, "a [Term] without id")
        return None
    synonyms = [
        _synonym(value)
        for value in stanza.tags.get("synonym", ())
        if _is_quoted(value, identity, stanza.line, problems)
    ]
    definition = stanza.first("def")
    has_definition = "def" in stanza.tags and _is_quoted(
        definition, identity, stanza.line, problems
    )
    relations = [("is_a", _plain(value)) for value in stanza.tags.get("is_a", ())]
    for tag in ("inverse_is_a", "part_of", "has_part"):
        relations += [(tag, _plain(value)) for value in stanza.tags.get(tag, ())]
    for value in stanza.tags.get("relationship", ()):
        relation, _, target = _plain(value).partition(" ")
        relations.append((relation, target.strip()))
    return Term(
        id=identity,
        name=_unescape(_MODIFIERS.sub("", stanza.first("name"))),
        synonyms=tuple(text for text, scope in synonyms if scope == "EXACT"),
        related=tuple(text for text, scope in synonyms if scope != "EXACT"),
        definition=_MARKUP.sub("", _quoted(definition)[0]) if has_definition else "",
        relations=tuple(relations),
        xrefs=tuple(filter(None, map(_xref, stanza.tags.get("xref", ())))),
        namespace=_plain(stanza.first("namespace")),
        alternatives=tuple(_plain(value) for value in stanza.tags.get("alt_id", ())),
    )


def _is_quoted(value: str, identity: str, line: int, problems: _Problems) -> bool:
    if _QUOTED.match(value):
        return True
    problems.add(line, f"term {identity}: expected a text in quotes, found {value[:80]!r}")
    return False


def _synonym(value: str) -> tuple[str, str]:
    text, rest = _quoted(value)
    scope = rest.split()[0] if rest.split() else "RELATED"
    return text, scope if scope in {"EXACT", "NARROW", "BROAD", "RELATED"} else "RELATED"


def _quoted(value: str) -> tuple[str, str]:
    match = _QUOTED.match(value)
    assert match is not None, "_is_quoted was asked"
    return _unescape(match[1]), match[2]


def _xref(value: str) -> str:
    identity = _plain(value).split(' "')[0].strip()
    prefix, separator, local_id = identity.partition(":")
    return curie(prefix, local_id) if separator and local_id else ""


def _plain(value: str) -> str:
    return _unescape(_MODIFIERS.sub("", _COMMENT.sub("", value))).strip()


def _unescape(value: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), value)
