"""keci-view as a user types it."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from keci.cli.view import main
from keci.documents import Extraction
from tests.keci.view.conftest import an_extraction

pytestmark = pytest.mark.usefixtures("_as_before")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(item) for item in arguments], catch_exceptions=False)


@pytest.fixture
def extractions(tmp_path: Path) -> Path:
    return written(tmp_path / "entities.jsonl", *(an_extraction(f"d{n}") for n in range(3)))


def written(path: Path, *extractions: Extraction) -> Path:
    path.write_bytes(b"\n".join(orjson.dumps(item.to_record()) for item in extractions))
    return path


def test_the_page_goes_beside_the_output(extractions: Path) -> None:
    assert run(extractions).exit_code == 0
    page = extractions.with_name("entities.html").read_text("utf-8")
    assert "3 documents, 15 entities, 6 relations" in page


def test_an_unpacked_archive_of_brat_is_shown(tmp_path: Path) -> None:
    (tmp_path / "brat").mkdir()
    (tmp_path / "brat" / "d1.txt").write_text("Rash after Abc.")
    (tmp_path / "brat" / "d1.ann").write_text("T1\tEffect 0 4\tRash\n")
    assert run(tmp_path / "brat").exit_code == 0
    assert "1 document, 1 entity" in (tmp_path / "brat.html").read_text("utf-8")
    assert run(tmp_path / "brat", "-o", tmp_path / "brat" / "d1.txt").exit_code == 2


def test_a_limit_is_told(extractions: Path) -> None:
    result = run(extractions, "--limit", "2", "-o", "-")
    assert "the first 2 of 3 documents" in result.stdout
    assert "--limit" in result.stderr


def test_a_comparison(extractions: Path, tmp_path: Path) -> None:
    gold = written(tmp_path / "gold.jsonl", *(an_extraction(f"d{n}") for n in range(2)))
    page = tmp_path / "page.html"
    assert run("--compare", gold, extractions, "-o", page).exit_code == 0
    assert "entities.jsonl against gold.jsonl" in page.read_text("utf-8")


def test_the_report_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,loss,entity_f1\n1,2.0,50.0\n")
    assert run("--run", tmp_path, "--title", "my <run>").exit_code == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "entity F1 50.00" in page
    assert "<title>my &lt;run&gt;</title>" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected one OUT, got 0"),
        (("--compare", "a.jsonl"), "expected GOLD and PREDICTED, got 1"),
        (("--compare", "--run", "a", "b"), "exclude each other"),
        (("absent.jsonl",), "there is no output of keci-extract at absent.jsonl"),
        (("--task", "ade", "a.jsonl"), "--task is for --compare"),
        (("--run", "absent"), "there is no folder of a training run at absent"),
        (("--run", "absent", "--kb", "x"), "--kb is for extractions"),
        (("/",), "there is no manifest /manifest.json"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_what_is_no_extraction_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text('{"id": "a"}\n')
    result = run(path)
    assert result.exit_code == 2
    assert "line 1: the field 'text' is missing" in result.stderr


@pytest.mark.parametrize("name", ["metrics.csv", "run.json", "best.safetensors"])
def test_the_report_is_not_written_over_a_file_of_the_run(tmp_path: Path, name: str) -> None:
    for each in ("metrics.csv", "run.json", "best.safetensors"):
        (tmp_path / each).write_text("epoch,loss,entity_f1\n1,2.0,50.0\n")
    done = run("--run", tmp_path, "-o", tmp_path / name)
    assert done.exit_code == 2
    assert "which is read" in done.stderr
    assert (tmp_path / name).read_text() == "epoch,loss,entity_f1\n1,2.0,50.0\n"


def test_the_page_is_not_written_over_the_task(extractions: Path, tmp_path: Path) -> None:
    task = tmp_path / "task.toml"
    task.write_text("name = 'mine'")
    done = run("--compare", extractions, extractions, "--task", task, "-o", task)
    assert done.exit_code == 2
    assert task.read_text() == "name = 'mine'"


@pytest.mark.parametrize("link", [False, True])
def test_the_page_is_not_written_over_what_is_read(
    extractions: Path, tmp_path: Path, link: bool
) -> None:
    target = extractions
    if link:
        target = tmp_path / "other"
        target.hardlink_to(extractions)
    before = extractions.read_bytes()
    done = run(extractions, "-o", target)
    assert done.exit_code == 2
    assert "which is read" in done.stderr
    assert extractions.read_bytes() == before


@pytest.mark.parametrize("name", ["page.html", "table.csv", "archive.zip"])
def test_files_that_hold_no_records_are_told_without_options_of_others(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("a,b")
    refused = run(tmp_path / name, "-o", tmp_path / "out.html")
    assert refused.exit_code == 2
    assert "--output-format" not in refused.stderr
    assert ".xlsx" not in refused.stderr


def test_one_document_is_one(tmp_path: Path) -> None:
    done = run(written(tmp_path / "one.jsonl", an_extraction()), "-o", "-")
    assert "1 document, 5 entities, 2 relations" in done.stdout


def test_texts_without_findings_are_told(tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"id": "a", "text": "Rash."}\n')
    done = run(texts, "-o", "-")
    assert done.exit_code == 0
    assert "nothing was found in any document of" in done.stderr
