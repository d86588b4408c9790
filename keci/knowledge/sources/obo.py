"""Ontologies in OBO format, versions 1.2 and 1.4."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
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
    """The header tags of an OBO file and its terms in file order, obsolete ones left out."""

    header: dict[str, str]
    terms: tuple[Term, ...]


@dataclass(slots=True)
class _Stanza:
    line: int
    tags: dict[str, list[str]] = field(default_factory=dict)

    def first(self, tag: str) -> str:
        return self.tags.get(tag, [""])[0]


def read_obo(path: Path) -> OboDocument:
    """Read an OBO file; raises DataError naming the line of the first thing that is wrong."""
    try:
        with path.open(encoding="utf-8") as lines:
            return parse_obo(lines, str(path))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}") from error


def parse_obo(lines: Iterable[str], source: str = "OBO") -> OboDocument:
    """Parse the lines of an OBO file; raises DataError on a malformed line or a repeated id."""
    header: dict[str, str] = {}
    terms: dict[str, Term] = {}
    for kind, stanza in _stanzas(lines, source):
        if kind == "":
            header = {tag: values[0] for tag, values in stanza.tags.items()}
        elif kind == "Term" and stanza.first("is_obsolete") != "true":
            term = _term(stanza, source)
            if term.id in terms:
                raise DataError(f"{source}:{stanza.line}: the id {term.id} is used twice")
            if term.name:
                terms[term.id] = term
    return OboDocument(header, tuple(terms.values()))


def _stanzas(lines: Iterable[str], source: str) -> Iterator[tuple[str, _Stanza]]:
    kind, stanza = "", _Stanza(1)
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r\n")
        if not line.strip() or line.startswith("!"):
            continue
        if line.startswith("["):
            if not line.rstrip().endswith("]"):
                raise DataError(f"{source}:{number}: expected a stanza like [Term], found {line!r}")
            yield kind, stanza
            kind, stanza = line.strip()[1:-1], _Stanza(number)
            continue
        tag, separator, value = line.partition(":")
        if not separator:
            raise DataError(f"{source}:{number}: expected 'tag: value', found {line[:80]!r}")
        stanza.tags.setdefault(tag.strip(), []).append(value.strip())
    yield kind, stanza


def _term(stanza: _Stanza, source: str) -> Term:
    identity = _plain(stanza.first("id"))
    if not identity:
        raise DataError(f"{source}:{stanza.line}: a [Term] without id")
    try:
        synonyms = [_synonym(value) for value in stanza.tags.get("synonym", ())]
        definition = _quoted(stanza.first("def"))[0] if "def" in stanza.tags else ""
    except ValueError as error:
        raise DataError(f"{source}: term {identity} at line {stanza.line}: {error}") from error
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
        definition=_MARKUP.sub("", definition),
        relations=tuple(relations),
        xrefs=tuple(filter(None, map(_xref, stanza.tags.get("xref", ())))),
        namespace=_plain(stanza.first("namespace")),
    )


def _synonym(value: str) -> tuple[str, str]:
    text, rest = _quoted(value)
    scope = rest.split()[0] if rest.split() else "RELATED"
    return text, scope if scope in {"EXACT", "NARROW", "BROAD", "RELATED"} else "RELATED"


def _quoted(value: str) -> tuple[str, str]:
    match = _QUOTED.match(value)
    if match is None:
        raise ValueError(f"expected a text in quotes, found {value[:80]!r}")
    return _unescape(match[1]), match[2]


def _xref(value: str) -> str:
    identity = _plain(value).split(' "')[0].strip()
    prefix, separator, local_id = identity.partition(":")
    return curie(prefix, local_id) if separator and local_id else ""


def _plain(value: str) -> str:
    return _unescape(_MODIFIERS.sub("", _COMMENT.sub("", value))).strip()


def _unescape(value: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), value)
