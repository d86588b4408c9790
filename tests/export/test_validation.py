from pathlib import Path

import pytest

pytest.importorskip("onnxscript")

import shutil

from keci.documents import Document
from keci.export.validation import _fastest, choose_default_precision, drop_other_precisions
from keci.runtime.bundle import read_bundle
from keci.runtime.extractor import RuntimeOptions, open_extractor
from tests.tiny import tiny_knowledge_base

RECORD = """{"id": "%d", "text": "rash after abc %s", "entities": [
{"id": "T1", "start": 0, "end": 4, "type": "effect"}], "relations": []}"""


def facts(
    entity_loss: float, relation_loss: float, speed: float, *, change: float = 0.0
) -> dict[str, float]:
    return {
        "entity_f1_loss": entity_loss,
        "relation_f1_loss": relation_loss,
        "speed": speed,
        "neighbour_change": change,
    }


def test_the_fastest_that_loses_little_is_chosen() -> None:
    found = {"fp32": facts(0, 0, 1), "int8": facts(0.2, -0.2, 1.9), "fp16": facts(8, 0, 3)}
    assert _fastest(found) == "int8"


def test_a_loss_in_either_figure_counts() -> None:
    assert _fastest({"fp32": facts(0, 0, 1), "w8": facts(0, 0.4, 1.2)}) == "fp32"


def test_answers_that_depend_on_the_batch_are_no_default() -> None:
    assert _fastest({"fp32": facts(0, 0, 1), "int8": facts(0, 0, 2, change=0.2)}) == "fp32"


def test_a_bundle_of_one_precision_runs_that() -> None:
    assert _fastest({"int8": facts(0, 0, 1, change=0.2)}) == "int8"


def test_a_bundle_is_judged_and_reduced_to_its_default(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle, data = tmp_path / "bundle", tmp_path / "data.jsonl"
    shutil.copytree(tiny_bundle, bundle)
    texts = enumerate(("", "with pain", "and so on"))
    data.write_text("\n".join((RECORD % item).replace("\n", "") for item in texts))
    manifest = choose_default_precision(bundle, data, None, tiny_knowledge_base())
    assert manifest.precisions.keys() == {"fp32", "int8"}
    assert manifest.precisions["fp32"]["speed"] == 1
    assert all(fact["neighbour_change"] < 1e-4 for fact in manifest.precisions.values())
    smaller = drop_other_precisions(bundle)
    assert smaller == read_bundle(bundle)
    assert list(smaller.precisions) == [manifest.default_precision]
    extractor = open_extractor(bundle, None, RuntimeOptions())
    (extraction,) = extractor.predictor([Document("d", "rash")])
    assert extraction.text == "rash"
