"""Biolink's names for entity types, relations and vocabularies, out of TOML files.

The files of the shipped models lie in ``mappings``; a file of the user's own adds to them and
overrides them. What no file names becomes ``biolink:NamedThing`` or ``biolink:related_to``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from keci.errors import ConfigError
from keci.fields import read_toml, read_toml_file

ANY_CATEGORY = "biolink:NamedThing"
ANY_PREDICATE = "biolink:related_to"
_SECTIONS = frozenset({"categories", "predicates", "prefixes"})
_NOT_IN_CURIE = str.maketrans({"/": "%2F", ":": "%3A", " ": "%20", "|": "%7C", ";": "%3B"})
_FLAGS = ("inverted", "symmetric", "negated")


@dataclass(frozen=True, slots=True)
class Predicate:
    """How a relation is told: ``inverted`` swaps its ends, ``symmetric`` has no direction."""

    name: str = ANY_PREDICATE
    inverted: bool = False
    symmetric: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class BiolinkMapping:
    """Categories by entity type, predicates by relation type, prefixes by vocabulary."""

    categories: Mapping[str, str] = field(default_factory=dict)
    predicates: Mapping[str, Predicate] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def category(self, entity_type: str) -> str:
        return self.categories.get(entity_type, ANY_CATEGORY)

    def predicate(self, relation_type: str) -> Predicate:
        return self.predicates.get(relation_type, Predicate())

    def is_turned(self, relation_type: str, head: str, tail: str) -> bool:
        """Whether a relation without direction is told from its tail's node, to meet its equals."""
        return self.predicate(relation_type).symmetric and tail < head

    def curie(self, node_id: str) -> str:
        """The id with the prefix that Biolink uses; signs that no CURIE may hold are encoded.

        A prefix with a colon is the whole beginning of an id.

        >>> known = {"UNIPROT": "UniProtKB", "CVCL": "CELLOSAURUS:CVCL_"}
        >>> BiolinkMapping(prefixes=known).curie("UNIPROT:P04637")
        'UniProtKB:P04637'
        >>> BiolinkMapping(prefixes=known).curie("CVCL:0030")
        'CELLOSAURUS:CVCL_0030'
        """
        prefix, colon, local = node_id.partition(":")
        known = self.prefixes.get(prefix, prefix)
        return f"{known}{'' if ':' in known else colon}{local.translate(_NOT_IN_CURIE)}"

    def with_file(self, content: str, name: str) -> "BiolinkMapping":
        """A mapping with what a file adds; raises ConfigError where the file holds none."""
        return self.with_record(read_toml(content, name), name)

    def with_record(self, record: Mapping[str, Any], name: str) -> "BiolinkMapping":
        """As ``with_file`` for the table of a file."""
        unknown = record.keys() - _SECTIONS
        if unknown:
            raise ConfigError(f"{name}: expected {sorted(_SECTIONS)}, got {sorted(unknown)}")
        predicates = _section(record, "predicates", name)
        return BiolinkMapping(
            {**self.categories, **_names(record, "categories", name)},
            {**self.predicates, **{key: _predicate(predicates[key], name) for key in predicates}},
            {**self.prefixes, **_names(record, "prefixes", name)},
        )


def load_mapping(own: Sequence[Path] = ()) -> BiolinkMapping:
    """The shipped mappings together, then the user's own; raises ConfigError on a bad file."""
    mapping = BiolinkMapping()
    shipped = sorted((files("keci.graph") / "mappings").iterdir(), key=lambda item: item.name)
    for file in shipped:
        if file.name.endswith(".toml"):
            mapping = mapping.with_file(file.read_text("utf-8"), file.name)
    for path in own:
        mapping = mapping.with_record(read_toml_file(path), str(path))
    return mapping


def _section(record: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any]:
    found = record.get(section, {})
    if not isinstance(found, Mapping):
        raise ConfigError(f"{name}: {section} must be a table, got {found!r}")
    return found


def _names(record: Mapping[str, Any], section: str, name: str) -> dict[str, str]:
    found = _section(record, section, name)
    for key, value in found.items():
        if not isinstance(value, str):
            raise ConfigError(f"{name}: {section}.{key} must be a string, got {value!r}")
    return dict(found)


def _predicate(record: Any, name: str) -> Predicate:
    expected = f"{name}: a predicate has the keys predicate, {', '.join(_FLAGS)}"
    if not isinstance(record, Mapping) or record.keys() - {"predicate", *_FLAGS}:
        raise ConfigError(f"{expected}, got {record!r}")
    flags = {flag: record.get(flag, False) for flag in _FLAGS}
    title = record.get("predicate", ANY_PREDICATE)
    if not isinstance(title, str) or not all(isinstance(value, bool) for value in flags.values()):
        raise ConfigError(f"{expected}: a string and true or false, got {record!r}")
    return Predicate(title, **flags)
