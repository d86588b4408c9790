"""The guide "Your own model in an afternoon": its commands on a tiny encoder."""

import re
import shlex
import shutil
from importlib.metadata import entry_points
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from keci.data.datasets import read_dataset
from keci.schema import RelationType, TaskSchema

pytest.importorskip("transformers", reason="keci[train] is not installed")
pytest.importorskip("accelerate", reason="keci[train] is not installed")
pytest.importorskip("onnxscript", reason="keci[export] is not installed")

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "own-model.md"
FOLDER = ROOT / "examples" / "own_model"
TASK = TaskSchema("plants", ("Plant", "Compound"), (RelationType("contains"),))
QUICK = ("--epochs", "2", "--set", "span_width=8", "--set", "hidden_width=8")


def commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def test_the_guide_runs(
    tmp_path: Path, tiny_kb_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.tiny_network import save_tiny_encoder

    monkeypatch.chdir(tmp_path)
    shutil.copytree(FOLDER, tmp_path / "examples" / "own_model")
    save_tiny_encoder(tmp_path / "encoder")
    places = {"kb/open": str(tiny_kb_folder), "minilm": str(tmp_path / "encoder")}
    for name, *words in commands():
        line, _, target = " ".join(places.get(word, word) for word in words).partition(" > ")
        quick = QUICK if "--train" in line else ("--threads", "1") if "--model" in line else ()
        (script,) = entry_points(group="console_scripts", name=name)
        result = CliRunner().invoke(script.load(), [*shlex.split(line), *quick])
        assert result.exit_code == 0, (name, line, result.output)
        if target:
            Path(target).write_text(result.stdout, "utf-8")
    tasks = orjson.loads((tmp_path / "next.label-studio.json").read_bytes())
    certainties = [task["predictions"][0]["score"] for task in tasks]
    assert len(tasks) == 10
    assert certainties == sorted(certainties)


def test_the_sentences_are_annotated_as_the_guide_says() -> None:
    documents = read_dataset(FOLDER / "corrected.json", TASK).documents
    texts = [orjson.loads(line) for line in (FOLDER / "sentences.jsonl").open("rb")]
    assert [{"id": item.id, "text": item.extraction.text} for item in documents] == texts
    mentions = [mention for item in documents for mention in item.extraction.mentions]
    relations = [relation for item in documents for relation in item.extraction.relations]
    assert (len(documents), len(mentions), len(relations)) == (40, 78, 37)
    assert {mention.type for mention in mentions} == {"Plant", "Compound"}
