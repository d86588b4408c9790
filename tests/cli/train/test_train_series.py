"""keci-train with folds, seeds and test documents, and keci-train tune, on a tiny encoder."""

import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from keci.cli.train import train
from tests.cli.train.test_train import SCHEMA
from tests.keci.training.tiny_series import gold_file, read
from tests.tiny_network import save_tiny_encoder


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workplace")
    save_tiny_encoder(folder / "encoder")
    (folder / "schema.toml").write_text(SCHEMA)
    gold_file(folder)
    return folder


def run(folder: Path, output: str, *options: str, subcommand: str = "") -> Result:
    arguments = [
        "--task", str(folder / "schema.toml"),
        "--train", str(folder / "gold.jsonl"),
        "--encoder", str(folder / "encoder"),
        "--variant", "sent-context-only",
        "--output", str(folder / output),
        "--epochs", "1",
        "--set", "span_width=8",
        "--set", "hidden_width=8",
        "--set", "validation_share=0.3",
        *options,
    ]  # fmt: skip
    runner = CliRunner(env={"COLUMNS": "200"})
    result = runner.invoke(train.main, [subcommand, *arguments] if subcommand else arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_folds_are_trained_singly_and_together(workplace: Path) -> None:
    result = run(workplace, "folds", "--folds", "3", "--fold", "2")
    assert result.exit_code == 0, result.output
    assert "held-out documents scored once" in result.stdout
    assert "not finished, so not counted: fold-01, fold-03" in result.stdout
    assert "mean of 1 of 3 folds" in result.stdout
    assert "±" not in result.stdout
    result = run(workplace, "folds", "--folds", "3", "--resume")
    assert result.exit_code == 0, result.output
    assert "mean of 3 of 3 folds" in result.stdout
    assert result.stdout.count("±") == 6
    assert read(workplace / "folds/results.json")["missing"] == []


def test_seeds_follow_the_first(workplace: Path) -> None:
    result = run(workplace, "seeds", "--runs", "2", "--seed", "7")
    assert result.exit_code == 0, result.output
    assert "mean of 2 of 2 seeds" in result.stdout
    assert "epoch chosen on the documents that are scored" in result.stdout
    assert (workplace / "seeds/seed-8/best.safetensors").is_file()


def test_test_documents_are_scored_in_the_end(workplace: Path) -> None:
    gold = str(workplace / "gold.jsonl")
    for protocol, told in (("clean", "scored once"), ("paper", "the paper's protocol")):
        result = run(workplace, protocol, "--test", gold, "--protocol", protocol)
        assert result.exit_code == 0, result.output
        assert told in result.stdout
        scores = read(workplace / protocol / "scores.json")
        assert (scores["protocol"], scores["documents"]) == (protocol, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--fold", "1"), "--fold 1 is none of 0 --folds"),
        (("--folds", "3", "--fold", "4"), "--fold 4 is none of 3 --folds"),
        (("--folds", "3", "--validation", "x"), "--folds needs no --validation"),
        (("--protocol", "paper"), "give --test or --folds"),
        (("--folds", "7"), "7 folds need documents of 7 different keys, got 6"),
    ],
)
def test_options_that_do_not_go_together_are_explained(
    workplace: Path, options: tuple[str, ...], message: str
) -> None:
    result = run(workplace, "wrong", *options)
    assert result.exit_code == 2
    assert message in result.output


def test_tuning_prints_its_trials_best_first(workplace: Path) -> None:
    rates = ("--batch-size", "2", "--batch-size", "3", "--encoder-lr", "1e-3", "--upper-lr", "1e-2")
    result = run(workplace, "grid", *rates, subcommand="tune")
    assert result.exit_code == 0, result.output
    best = read(workplace / "grid/results.json")["best"]
    assert f"best: trial {best}; table in" in result.stdout
    rows = [line for line in result.stdout.splitlines() if "finished" in line]
    assert len(rows) == 2
    assert rows[0].split("│")[1].strip() == str(best)


def test_tuning_within_a_budget(workplace: Path) -> None:
    pytest.importorskip("optuna")
    result = run(workplace, "search", "--trials", "1", "--batch-size", "2", subcommand="tune")
    assert result.exit_code == 0, result.output
    assert "best: trial 1" in result.stdout
    assert len(orjson.loads((workplace / "search/results.json").read_bytes())["trials"]) == 1


def test_a_search_without_optuna_says_what_to_install(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "keci.training.search", raising=False)
    result = run(workplace, "absent", "--trials", "1", subcommand="tune")
    assert result.exit_code == 2
    assert "install KECI with the extra 'tune'" in result.output


def test_pruning_is_of_a_search(workplace: Path) -> None:
    result = run(workplace, "wrong", "--prune", "median", subcommand="tune")
    assert result.exit_code == 2
    assert "give --trials too" in result.output


def test_help_names_the_subcommand_and_needs_no_torch() -> None:
    runner = CliRunner()
    shown = runner.invoke(train.main, ["--help"]).stdout
    assert "\n  tune " in shown
    assert "--folds" in shown
    assert "--trials" in runner.invoke(train.main, ["tune", "--help"]).stdout


@pytest.mark.parametrize(
    ("subcommand", "place"),
    [
        ("", "keci.cli.train.train_series.train_run"),
        ("tune", "keci.cli.train.train_trials.try_settings"),
    ],
)
def test_an_interrupted_training_says_how_it_goes_on(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, subcommand: str, place: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupted)
    result = run(workplace, f"interrupted{subcommand}", subcommand=subcommand)
    assert result.exit_code == 130
    assert "the same command with --resume goes on" in result.stderr
