"""keci-train and keci-evaluate, one after the other on a tiny encoder."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from transformers import PreTrainedTokenizerFast

from keci.cli.evaluate import evaluate
from keci.cli.train import train
from tests.keci.training.sentences import annotated_sentences
from tests.tiny import tiny_tokenizer
from tests.tiny_network import tiny_transformer

SCHEMA = """
name = "tiny"
entity_types = ["effect", "drug"]
[[relation_types]]
name = "caused-by"
head_types = ["effect"]
tail_types = ["drug"]
[[relation_types]]
name = "with"
symmetric = true
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, tiny_kb_folder: Path) -> Path:
    """An encoder folder, a schema, annotated data and a trained run."""
    folder = tmp_path_factory.mktemp("workplace")
    tiny_transformer().save_pretrained(folder / "encoder")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer(), unk_token="[UNK]")
    tokenizer.save_pretrained(folder / "encoder")
    (folder / "schema.toml").write_text(SCHEMA)
    records = [orjson.dumps(gold.to_record()) for gold in annotated_sentences()]
    (folder / "gold.jsonl").write_bytes(b"\n".join(records))
    result = run_train(folder, tiny_kb_folder)
    assert result.exit_code == 0, result.output
    return folder


def run_train(folder: Path, kb: Path, *options: str, run: str = "run") -> Result:
    return CliRunner().invoke(
        train.main,
        [
            "--task", str(folder / "schema.toml"),
            "--train", str(folder / "gold.jsonl"),
            "--validation", str(folder / "gold.jsonl"),
            "--encoder", str(folder / "encoder"),
            "--kb", str(kb),
            "--output", str(folder / run),
            "--epochs", "2",
            "--set", "span_width=8",
            "--set", "hidden_width=8",
            *options,
        ],
    )  # fmt: skip


def test_a_run_leaves_its_settings_metrics_and_weights(workplace: Path) -> None:
    run = workplace / "run"
    settings = orjson.loads((run / "run.json").read_bytes())
    assert settings["model"]["span_width"] == 8
    assert settings["knowledge_base"]["name"] == "memory"
    assert len((run / "metrics.csv").read_text().splitlines()) == 3
    assert (run / "best.safetensors").is_file()
    assert (run / "validation.ids").read_text().split() == ["s1", "s2", "s3", "s4", "s5", "s6"]


def test_a_run_tells_what_its_scores_are_of(workplace: Path) -> None:
    scores = orjson.loads((workplace / "run/scores.json").read_bytes())
    assert scores["protocol"] == "validation"
    assert {"entity", "relation", "best_epoch", "strict"} <= scores.keys()


def test_starting_over_a_run_is_refused(workplace: Path, tiny_kb_folder: Path) -> None:
    result = run_train(workplace, tiny_kb_folder)
    assert result.exit_code == 2
    assert "add --resume" in result.output


def test_resuming_with_other_settings_says_what_changed(
    workplace: Path, tiny_kb_folder: Path
) -> None:
    result = run_train(workplace, tiny_kb_folder, "--resume", "--seed", "2")
    assert result.exit_code == 2
    assert "other settings: train" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "span_width"), "expected NAME=VALUE"),
        (("--set", "depth=3"), "unknown setting 'depth'"),
        (("--set", "span_width=wide"), "span_width must be of type int"),
        (("--set", "keep_ratio=2"), "keep_ratio must be in"),
        (("--kb", "/nowhere"), "there is no knowledge base at /nowhere"),
        (("--encoder", "/nowhere/encoder"), "no name of a model on a hub"),
        (("--task", "chemprot"), "unknown task 'chemprot'"),
    ],
)
def test_wrong_options_are_explained(
    workplace: Path, tiny_kb_folder: Path, options: tuple[str, str], message: str
) -> None:
    result = run_train(workplace, tiny_kb_folder, *options, run="other")
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize("output", [".", "encoder"])
def test_nothing_that_is_read_lies_in_the_folder_of_the_run(
    workplace: Path, tiny_kb_folder: Path, output: str
) -> None:
    before = {path: path.stat().st_mtime_ns for path in workplace.rglob("*")}
    result = run_train(workplace, tiny_kb_folder, run=output)
    assert result.exit_code == 2
    assert "is read and lies in" in result.output
    assert {path: path.stat().st_mtime_ns for path in workplace.rglob("*")} == before


def test_predictions_are_scored_without_a_model(workplace: Path) -> None:
    gold = str(workplace / "gold.jsonl")
    result = CliRunner().invoke(
        evaluate.main,
        ["--predictions", gold, "--task", str(workplace / "schema.toml"), "--data", gold, "--json"],
    )
    assert result.exit_code == 0, result.output
    record = orjson.loads(result.stdout)
    assert record["strict"]["entity"]["f1"] == record["strict"]["relation"]["f1"] == 100


def test_evaluation_wants_one_thing_to_score(workplace: Path) -> None:
    arguments = ["--task", "ade", "--data", str(workplace / "gold.jsonl")]
    result = CliRunner().invoke(evaluate.main, arguments)
    assert result.exit_code == 2
    assert "either a MODEL or --predictions" in result.output


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("--set", "nonsense=1"), "unknown setting 'nonsense'"),
        (("--start", "nonsense"), "'nonsense' is no bundle folder and no shipped model"),
        (("--teacher", "ade", "--teacher", "nonsense"), "'nonsense' is no bundle folder"),
        (("--kb", "nonsense"), "there is no knowledge base at nonsense"),
    ],
)
def test_wrong_names_are_told_before_the_data_are_read(
    tmp_path: Path, wrong: tuple[str, ...], told: str
) -> None:
    missing, output = str(tmp_path / "missing.jsonl"), str(tmp_path / "run")
    kb = () if "--kb" in wrong else ("--kb", str(tmp_path))
    done = CliRunner().invoke(
        train.main, ["--task", "ade", "--train", missing, "--output", output, *kb, *wrong]
    )
    assert done.exit_code == 2
    assert told in done.stderr
    assert missing not in done.stderr
