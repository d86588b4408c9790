from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from keci.errors import ConfigError
from keci.schema import ADE, BIORELEX, RelationType, TaskSchema, load_schema
from tests.strategies import schemas

TOML = """
name = "side-effects"
entity_types = ["effect", "drug"]

[[relation_types]]
name = "caused-by"
head_types = ["effect"]
tail_types = ["drug"]

[[relation_types]]
name = "together"
symmetric = true
"""


@given(schemas())
def test_records_round_trip(schema: TaskSchema) -> None:
    assert TaskSchema.from_record(schema.to_record()) == schema


@given(schemas())
def test_what_annotation_tells_is_no_part_of_the_task(schema: TaskSchema) -> None:
    assert schema.has_task_of(replace(schema, overlaps=(), semantic_types={}))
    assert not schema.has_task_of(replace(schema, name=f"{schema.name}+", overlaps=()))


def test_label_zero_is_none() -> None:
    assert ADE.entity_labels == ("none", "Adverse-Effect", "Drug")
    assert ADE.relation_labels == ("none", "Adverse-Effect")


def test_built_in_schemas_are_found_by_name() -> None:
    assert load_schema("ade") is ADE
    assert load_schema("biorelex") is BIORELEX
    assert len(BIORELEX.entity_types) == 31


def test_a_schema_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "task.toml"
    path.write_text(TOML, "utf-8")
    assert load_schema(str(path)) == TaskSchema(
        "side-effects",
        ("effect", "drug"),
        (
            RelationType("caused-by", head_types=("effect",), tail_types=("drug",)),
            RelationType("together", symmetric=True),
        ),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('name = "side-effects"', ""), "missing keys"),
        (('name = "side-effects"', 'name = "x"\nlabels = 3'), "labels"),
        (("symmetric = true", "symetric = true"), "symetric"),
        (('head_types = ["effect"]', 'head_types = ["gene"]'), "gene"),
        (('["effect", "drug"]', '["effect", "effect"]'), "distinct"),
        (('["effect", "drug"]', '["none"]'), "none"),
        (('["effect", "drug"]', "[]"), "entity types"),
        (('name = "together"', 'name = "caused-by"'), "distinct"),
        (('name = "side-effects"', 'name = "x"\nmetric = "bleu"'), "bleu"),
        (('name = "side-effects"', 'name = "x"\nsemantic_types.gene.T028 = 1'), "gene"),
        (("[[relation_types]]", "[[relation_types"), "TOML"),
    ],
)
def test_a_contradictory_schema_is_refused(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    path = tmp_path / "task.toml"
    path.write_text(TOML.replace(*change), "utf-8")
    with pytest.raises(ConfigError, match=message):
        load_schema(str(path))


@pytest.mark.parametrize(
    "change",
    [
        ('["effect", "drug"]', '"effect"'),
        ('["effect", "drug"]', "[1, 2]"),
        ('name = "side-effects"', "name = 3"),
        ("symmetric = true", 'symmetric = "yes"'),
        ('head_types = ["effect"]', 'head_types = "effect"'),
        ('name = "together"', "name = 7"),
        ('name = "side-effects"', 'name = "x"\nsemantic_types = ["T028"]'),
        ('name = "side-effects"', 'name = "x"\nsemantic_types.drug = ["T109"]'),
        ('name = "side-effects"', 'name = "x"\nsemantic_types.drug.T109 = 2'),
        ('name = "side-effects"', 'name = "x"\nsemantic_types.drug.T109 = true'),
    ],
)
def test_values_of_the_wrong_kind_are_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    path = tmp_path / "task.toml"
    path.write_text(TOML.replace(*change), "utf-8")
    with pytest.raises(ConfigError):
        load_schema(str(path))


def test_relation_types_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "task.toml"
    path.write_text('name = "x"\nentity_types = ["a"]\nrelation_types = ["bind"]\n', "utf-8")
    with pytest.raises(ConfigError):
        load_schema(str(path))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "task.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="TOML"):
        load_schema(str(path))


@pytest.mark.parametrize("value", ["[" * 3000 + "]" * 3000, "{a = " * 3000 + "1" + "}" * 3000])
def test_a_file_that_is_nested_too_deep_is_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "task.toml"
    path.write_text(f'name = "x"\nentity_types = {value}\n', "utf-8")
    with pytest.raises(ConfigError, match="nested too deep"):
        load_schema(str(path))


def test_an_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="ade, biorelex"):
        load_schema("adee")
