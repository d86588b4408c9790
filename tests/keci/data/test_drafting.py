import tomllib
from pathlib import Path

import pytest

from keci.data.datasets import load_dataset
from keci.data.drafting import draft_task
from keci.data.gold import GoldDataset
from keci.data.inspection import inspect
from keci.errors import DataError
from keci.schema import RelationType, TaskSchema
from tests.keci.data.annotations import annotate, shared_file, write_jsonl

TEXT = "A rash after aspirin."


def test_a_drafted_task_fits_its_data(tmp_path: Path) -> None:
    mentions = [(2, 6, 'Dis"ease'), (13, 20, "Chemical"), (7, 12, "Chemical")]
    relations = [(1, 0, "CID"), (1, 2, "with"), (1, 0, "near"), (0, 1, "near")]
    path = write_jsonl(
        tmp_path / "my data.jsonl", [annotate(TEXT, mentions, relations).to_record()]
    )
    schema = TaskSchema.from_record(tomllib.loads(draft_task(path)))
    assert schema == TaskSchema(
        "my-data",
        ("Chemical", 'Dis"ease'),
        (
            RelationType("CID", head_types=("Chemical",), tail_types=('Dis"ease',)),
            RelationType("near", True, ("Chemical", 'Dis"ease'), ("Chemical", 'Dis"ease')),
            RelationType("with", head_types=("Chemical",), tail_types=("Chemical",)),
        ),
    )
    assert inspect(load_dataset(path, schema)).losses == ()


def test_rare_pairs_of_types_stay_unless_they_go_against_the_common_direction(
    tmp_path: Path,
) -> None:
    mentions = [(2, 6, "Disease"), (7, 12, "Variant"), (13, 20, "Chemical")]
    common = [annotate(TEXT, mentions, [(2, 0, "CID")], document_id=f"{n}") for n in range(60)]
    rare = annotate(TEXT, mentions, [(1, 0, "CID"), (0, 2, "CID")], document_id="rare")
    path = write_jsonl(tmp_path / "data.jsonl", [item.to_record() for item in (*common, rare)])
    draft = draft_task(path)
    (relation,) = TaskSchema.from_record(tomllib.loads(draft)).relation_types
    assert relation == RelationType(
        "CID", head_types=("Chemical", "Variant"), tail_types=("Disease",)
    )
    assert '# left out, against 60 the other way: 1 from "Disease" to "Chemical"' in draft
    assert [loss.count for loss in inspect(read_again(path, draft)).losses] == [1]


def read_again(path: Path, draft: str) -> GoldDataset:
    return load_dataset(path, TaskSchema.from_record(tomllib.loads(draft)))


def test_data_without_a_mention_draft_nothing(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "x", [{"id": "1", "text": "none"}])
    with pytest.raises(DataError, match="no mention in 1 documents, read as KECI jsonl"):
        draft_task(path)


def test_the_task_drafted_from_ade_is_that_of_ade() -> None:
    schema = TaskSchema.from_record(tomllib.loads(draft_task(shared_file("ade/train.json"))))
    assert set(schema.entity_types) == {"Adverse-Effect", "Drug"}
    (relation,) = schema.relation_types
    assert (relation.head_types, relation.tail_types) == (("Adverse-Effect",), ("Drug",))
    assert not relation.symmetric
