"""A bundle's manifest that is JSON, but not as it was written."""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest

from keci.errors import BundleError
from keci.runtime.bundle import Manifest, read_manifest

WRONG: tuple[Any, ...] = (None, True, -1, 1.5, "wide", [], [1], {}, {"a": 1})
UNCHECKED = {("training", "{}"), ("training", "{'a': 1}"), ("knowledge_base", "None")}
"""What may be there: any facts of the training, no knowledge base."""


@pytest.fixture(scope="module")
def record(tiny_bundle: Path) -> dict[str, Any]:
    return read_manifest(tiny_bundle).to_record()


def test_what_was_written_is_read(record: dict[str, Any]) -> None:
    assert Manifest.from_record(record).to_record() == record


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_field_of_another_type_is_refused(record: dict[str, Any], value: Any) -> None:
    allowed = UNCHECKED | {
        ("model", "{}"),
        ("stages", "{}"),
        ("files", "{}"),
        ("units", "[]"),
        ("name", "'wide'"),
    }
    for name in record:
        if (name, repr(value)) not in allowed:
            with pytest.raises(BundleError):
                Manifest.from_record({**record, name: value})


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_file_of_another_type_is_refused(record: dict[str, Any], value: Any) -> None:
    for field in ("size", "sha256"):
        changed = copy.deepcopy(record)
        changed["files"]["tokenizer.json"][field] = value
        with pytest.raises(BundleError):
            Manifest.from_record(changed)


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_manifest_that_is_no_object_is_refused(tmp_path: Path, value: Any) -> None:
    (tmp_path / "manifest.json").write_bytes(orjson.dumps(value))
    with pytest.raises(BundleError):
        read_manifest(tmp_path)


@pytest.mark.parametrize("odds", [0, -1.5, True, "wide", None])
def test_odds_that_are_none_are_refused(record: dict[str, Any], odds: Any) -> None:
    changed = {**record, "training": {**record["training"], "relation_odds": odds}}
    with pytest.raises(BundleError, match="relation_odds"):
        _ = Manifest.from_record(changed).relation_odds


def test_a_bundle_that_tells_no_odds_changed_none(record: dict[str, Any]) -> None:
    assert Manifest.from_record({**record, "training": {}}).relation_odds == 1.0
