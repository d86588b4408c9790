"""The report of a training run."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from keci.errors import DataError, UsageError
from keci.view.run_report import run_page, validation_record, write_report
from tests.keci.view.conftest import Visit, an_extraction

METRICS = """epoch,loss,entity_f1,relation_f1,strict_entity_f1,strict_relation_f1
1,3.5,40.0,0.0,38.0,0.0
2,2.5,60.5,20.0,58.0,19.0
3,1.5,70.25,41.0,69.0,40.0
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "metrics.csv").write_text(METRICS)
    return folder


def a_validation() -> dict[str, object]:
    gold = an_extraction()
    predicted = replace(gold, mentions=gold.mentions[:-1])
    attention = {
        "types": [
            {"code": "T121", "name": "Pharmacologic Substance", "weight": 0.5, "concepts": 3}
        ],
        "context_weight": 0.25,
    }
    return validation_record([gold], [predicted], attention)


def test_a_running_run_is_loaded_again_and_a_finished_one_is_not(run: Path) -> None:
    assert 'http-equiv="refresh"' in run_page(run)
    (run / "scores.json").write_text(json.dumps({"best_epoch": 3, "entity": {"f1": 70.25}}))
    finished = run_page(run)
    assert 'http-equiv="refresh"' not in finished
    assert "entity f1" in finished


def test_curves_types_and_attention_are_drawn(run: Path, visit: Callable[..., Visit]) -> None:
    write_report(run, a_validation())
    seen = visit((run / "report.html").read_text("utf-8"), width=375)
    page = seen.page
    assert page.locator(".curve").count() == 5
    assert "relation F1 41.00" in page.locator(".chart .name").all_text_contents()
    assert page.locator("caption", has_text="Attention by semantic type").count() == 1
    drug = page.locator("table", has_text="Precision").first.locator("tr", has_text="Drug")
    assert drug.first.locator("td").all_text_contents() == ["100.0", "66.7", "80.0", "3", "2"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_one_epoch_is_enough(run: Path) -> None:
    (run / "metrics.csv").write_text("epoch,loss\n1,2.0\n")
    assert "1 epochs" in run_page(run) or "1 epoch" in run_page(run)


def test_a_folder_without_epochs_is_refused(tmp_path: Path, run: Path) -> None:
    with pytest.raises(UsageError, match=r"metrics\.csv"):
        run_page(tmp_path)
    (run / "metrics.csv").write_text("epoch,loss\n1,x\n")
    with pytest.raises(DataError, match="table of numbers"):
        run_page(run)
