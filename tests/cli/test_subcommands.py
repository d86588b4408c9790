import re
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner

from keci.cli import export, graph, view
from keci.cli.evaluate import evaluate
from keci.cli.extract import command as extract
from keci.cli.kb import kb
from keci.cli.train import train
from keci.runtime.onnx_runtime import ort
from tests.cli.extraction import run

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")


def test_a_file_with_the_name_of_a_subcommand_is_read_as_a_path(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus.rename(tmp_path / "verify")
    assert len(run("./verify", *model).stdout.splitlines()) == 13
    assert len(run(*model, "verify").stdout.splitlines()) == 13
    assert run("verify").exit_code == 2


def test_help_names_the_subcommands() -> None:
    shown = run("--help").stdout
    for name in ("verify", "merge", "report", "warm-up"):
        assert f"  {name} " in shown
        assert f"keci-extract {name}" in run(name, "--help").stdout
    assert "INPUT" in run().stderr


def test_warming_up_makes_the_graphs_that_a_run_then_finds(
    model: tuple[str, ...], corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keci.runtime import float_graphs

    monkeypatch.setattr(float_graphs, "user_cache_path", lambda name: tmp_path / name)
    result = run("warm-up", *model[:3], "--precision", "fp16")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "ready in fp16 on cpu" in result.stderr
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "keci").rglob("*.onnx")}
    assert len(made) == 5
    assert len(run(corpus, *model, "--precision", "fp16").stdout.splitlines()) == 13
    assert made == {path: path.stat().st_mtime_ns for path in (tmp_path / "keci").rglob("*.onnx")}


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize(("device", "extra"), [("cuda", "cuda"), ("tensorrt", "cuda,trt")])
def test_what_a_device_lacks_is_named_with_what_brings_it(
    model: tuple[str, ...], corpus: Path, device: str, extra: str
) -> None:
    for words in (("warm-up",), (corpus,)):
        result = run(*words, *model[:3], "--device", device)
        assert result.exit_code == 2
        told = result.stderr.splitlines()[-1]
        assert told.startswith(f"Error: device {device} cannot be used: ")
        assert "pip install torch" in told
        if "CUDAExecutionProvider" in ort.get_available_providers():
            assert re.search(
                rf"ExecutionProvider lacks lib\S+ \(pip install 'keci\[{extra}\]'\)", told
            )
        else:
            assert "pip install onnxruntime-gpu alone" in told


COMMANDS = {
    "keci-extract": extract.main,
    "keci-train": train.main,
    "keci-evaluate": evaluate.main,
    "keci-kb": kb.main,
    "keci-kb build": kb.main.commands["build"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_subcommands_in_whole_sentences(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    command = COMMANDS[name]
    shown = CliRunner().invoke(command, ["--help"]).stdout
    listed = " ".join(shown.split())
    for item in subcommands_of(command).values():
        sentence = (item.help or "").partition("\n\n")[0]
        assert " ".join(sentence.split()).rstrip(".") in listed


@pytest.mark.parametrize("name", [*COMMANDS, "keci-view", "keci-graph", "keci-export"])
def test_help_fits_80_columns(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    others = {"keci-view": view.main, "keci-graph": graph.main, "keci-export": export.main}
    command = {**COMMANDS, **others}[name]
    inner = subcommands_of(command) if name in COMMANDS else {}
    for arguments in ([], *([each] for each in inner)):
        shown = CliRunner().invoke(command, [*arguments, "--help"]).stdout
        assert [line for line in shown.splitlines() if len(line) > 80] == []


def subcommands_of(command: click.Command) -> dict[str, click.Command]:
    found = command.commands if isinstance(command, click.Group) else command.subcommands  # type: ignore[attr-defined]  # keci's own
    return dict(found)
