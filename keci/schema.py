"""What a task asks for: entity types, relation types with their direction, and the metric."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from keci.errors import ConfigError
from keci.fields import read_toml_file

NONE = "none"
METRICS = ("biorelex", "ade", "biored", "micro")


@dataclass(frozen=True, slots=True)
class RelationType:
    """A relation type; empty ``head_types`` or ``tail_types`` allow any entity type at that end."""

    name: str
    symmetric: bool = False
    head_types: tuple[str, ...] = ()
    tail_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskSchema:
    """The types of a task; label 0 of either classifier means "none" (non-entity, non-relation).

    ``overlaps`` holds the pairs of entity types, each sorted, whose mentions may overlap; None
    where nothing is known of it, so that all may. ``semantic_types`` tells how often the mentions
    of an entity type have each semantic type (knowledge/meaning.py).
    """

    name: str
    entity_types: tuple[str, ...]
    relation_types: tuple[RelationType, ...]
    metric: str = "micro"
    overlaps: tuple[tuple[str, str], ...] | None = None
    semantic_types: Mapping[str, Mapping[str, float]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        relation_names = tuple(relation.name for relation in self.relation_types)
        for kind, names in (("entity", self.entity_types), ("relation", relation_names)):
            if len(set(names)) != len(names) or NONE in names:
                raise ConfigError(f"{kind} types must be distinct and not {NONE!r}: {list(names)}")
        if not self.entity_types:
            raise ConfigError(f"schema {self.name!r} has no entity types")
        if self.metric not in METRICS:
            raise ConfigError(f"unknown metric {self.metric!r}; known are {', '.join(METRICS)}")
        for relation in self.relation_types:
            unknown = {*relation.head_types, *relation.tail_types} - {*self.entity_types}
            if unknown:
                raise ConfigError(
                    f"relation {relation.name!r} names unknown types {sorted(unknown)}"
                )
        unknown = {name for pair in self.overlaps or () for name in pair} - {*self.entity_types}
        if unknown:
            raise ConfigError(f"schema {self.name!r}: overlaps of unknown types {sorted(unknown)}")
        unknown = self.semantic_types.keys() - {*self.entity_types}
        if unknown:
            raise ConfigError(
                f"schema {self.name!r}: semantic_types of unknown types {sorted(unknown)}"
            )

    @property
    def entity_labels(self) -> tuple[str, ...]:
        return (NONE, *self.entity_types)

    @property
    def relation_labels(self) -> tuple[str, ...]:
        return (NONE, *(relation.name for relation in self.relation_types))

    @property
    def relates_concepts(self) -> bool:
        """Whether relations hold between two concepts, so that none is of a name with itself."""
        return self.metric == "biored"

    def has_task_of(self, other: "TaskSchema") -> bool:
        """Whether both ask for the same types; what is learnt from annotation is no part of it."""
        one, another = (replace(item, overlaps=None, semantic_types={}) for item in (self, other))
        return one == another

    def to_record(self) -> dict[str, Any]:
        overlaps = self.overlaps
        return {
            "name": self.name,
            "metric": self.metric,
            "entity_types": list(self.entity_types),
            "relation_types": [
                {
                    "name": relation.name,
                    "symmetric": relation.symmetric,
                    "head_types": list(relation.head_types),
                    "tail_types": list(relation.tail_types),
                }
                for relation in self.relation_types
            ],
            **({} if overlaps is None else {"overlaps": [list(pair) for pair in overlaps]}),
            **({"semantic_types": self.semantic_types} if self.semantic_types else {}),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "TaskSchema":
        """Read a schema; raises ConfigError on unknown or missing keys."""
        known = {"relation_types", "metric", "overlaps", "semantic_types"}
        _check_keys(record, {"name", "entity_types"}, known)
        return cls(
            name=_text(record, "name"),
            entity_types=_texts(record, "entity_types"),
            relation_types=tuple(map(_read_relation_type, _items(record, "relation_types"))),
            metric=record.get("metric", "micro"),
            overlaps=_overlaps(record),
            semantic_types=_semantic_types(record),
        )


def load_schema(task: str) -> TaskSchema:
    """The built-in schema called ``task``, or the one in the TOML file of that path."""
    if task in BUILT_IN_SCHEMAS:
        return BUILT_IN_SCHEMAS[task]
    path = Path(task)
    if not path.is_file():
        known = ", ".join(BUILT_IN_SCHEMAS)
        raise ConfigError(
            f"unknown task {task!r}: expected one of {known}, or a schema file in TOML"
        )
    return TaskSchema.from_record(read_toml_file(path))


def _read_relation_type(record: Mapping[str, Any]) -> RelationType:
    _check_keys(record, {"name"}, {"symmetric", "head_types", "tail_types"})
    symmetric = record.get("symmetric", False)
    if not isinstance(symmetric, bool):
        raise ConfigError(f"schema: symmetric must be true or false, got {symmetric!r}")
    return RelationType(
        name=_text(record, "name"),
        symmetric=symmetric,
        head_types=_texts(record, "head_types"),
        tail_types=_texts(record, "tail_types"),
    )


def _overlaps(record: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
    if "overlaps" not in record:
        return None
    found = _items(record, "overlaps")
    if not all(isinstance(pair, list | tuple) for pair in found):
        raise ConfigError(f"schema: overlaps must hold pairs of entity types, got {found!r}")
    pairs = tuple(map(tuple, found))
    if not all(len(pair) == 2 and all(isinstance(name, str) for name in pair) for pair in pairs):
        raise ConfigError(f"schema: overlaps must hold pairs of entity types, got {pairs!r}")
    return tuple(sorted({(min(pair), max(pair)) for pair in pairs}))


def _semantic_types(record: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    found = record.get("semantic_types", {})
    shares = found.values() if isinstance(found, Mapping) else ()
    is_table = isinstance(found, Mapping) and all(isinstance(item, Mapping) for item in shares)
    if not is_table or not all(_is_share(value) for item in shares for value in item.values()):
        raise ConfigError(
            "schema: semantic_types must hold shares from 0 to 1 by entity type and semantic type, "
            f"got {found!r}"
        )
    return {name: {code: float(item[code]) for code in item} for name, item in found.items()}


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record[key]
    if not isinstance(value, str):
        raise ConfigError(f"schema: {key} must be a string, got {value!r}")
    return value


def _items(record: Mapping[str, Any], key: str) -> list[Any]:
    value = record.get(key, [])
    if not isinstance(value, list):
        raise ConfigError(f"schema: {key} must be a list, got {value!r}")
    return value


def _texts(record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = _items(record, key)
    if not all(isinstance(value, str) for value in values):
        raise ConfigError(f"schema: {key} must hold strings, got {values!r}")
    return tuple(values)


def _check_keys(record: Mapping[str, Any], required: set[str], optional: set[str]) -> None:
    if not isinstance(record, Mapping):
        raise ConfigError(f"schema: expected a table with {sorted(required)}, got {record!r}")
    missing, unknown = required - record.keys(), record.keys() - required - optional
    if missing or unknown:
        raise ConfigError(f"schema: missing keys {sorted(missing)}, unknown keys {sorted(unknown)}")


ADE = TaskSchema(
    name="ade",
    entity_types=("Adverse-Effect", "Drug"),
    relation_types=(
        RelationType("Adverse-Effect", head_types=("Adverse-Effect",), tail_types=("Drug",)),
    ),
    metric="ade",
)
"""Gurulingappa et al. 2012, in the direction of SpERT's files: the effect is the head."""

BIORELEX = TaskSchema(
    name="biorelex",
    entity_types=(
        "DNA", "RNA", "RNA-family", "amino-acid", "assay", "brand", "cell", "chemical", "disease",
        "drug", "experiment-tag", "experimental-construct", "fusion-protein", "gene",
        "mutation", "organelle", "organism", "parameter", "peptide", "process", "protein",
        "protein-DNA-complex", "protein-RNA-complex", "protein-complex", "protein-domain",
        "protein-family", "protein-isoform", "protein-motif", "protein-region", "reagent", "tissue",
    ),
    relation_types=(
        RelationType("bind", symmetric=True),
        RelationType("no-bind", symmetric=True),
        RelationType("unclear", symmetric=True),
    ),
    metric="biorelex",
)  # fmt: skip
"""Khachatrian et al. 2019: binding (label 1), no binding (-1) and an open question (0).

The 31 of the paper's 33 entity types that the published training part uses.
"""

BIORED = TaskSchema(
    name="biored",
    entity_types=(
        "GeneOrGeneProduct", "DiseaseOrPhenotypicFeature", "ChemicalEntity",
        "SequenceVariant", "OrganismTaxon", "CellLine",
    ),
    relation_types=tuple(
        RelationType(name, symmetric=True)
        for name in (
            "Association", "Positive_Correlation", "Negative_Correlation", "Bind",
            "Cotreatment", "Comparison", "Drug_Interaction", "Conversion",
        )
    ),
    metric="biored",
)  # fmt: skip
"""Luo et al. 2022: relations of a document between concepts, none of them directed."""

BUILT_IN_SCHEMAS = {schema.name: schema for schema in (ADE, BIORELEX, BIORED)}
