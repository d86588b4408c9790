"""KECI from Python, as a notebook uses it."""

import doctest
import subprocess
import sys
import threading
from dataclasses import fields
from inspect import signature
from pathlib import Path

import orjson
import pytest

import keci
from keci import documents, pipeline
from keci.corpus.inputs import InputOptions
from keci.formats.stream import ReadOptions
from keci.opening import DEVICES, ModelOptions
from keci.runtime import shipped

ABSTRACTS = (
    {"id": "a1", "text": "Rash after amoxicillin."},
    {"id": "a2", "text": "No drug was given."},
)


@pytest.fixture
def abstracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "abstracts.jsonl"
    path.write_bytes(b"".join(orjson.dumps(item) + b"\n" for item in ABSTRACTS))
    return path


@pytest.mark.usefixtures("abstracts")
@pytest.mark.parametrize("module", [pipeline, documents])
def test_examples_in_docstrings_run(module: object, tiny_kb_folder: Path) -> None:
    known = {**vars(module), "keci": keci, "kb": tiny_kb_folder}
    found = doctest.testmod(module, extraglobs=known)  # type: ignore[arg-type]  # a module
    assert found.attempted
    assert not found.failed


def test_import_is_light() -> None:
    code = "import sys, keci; keci.__version__; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "onnxruntime", "numpy", "lxml", "transformers", "rich", "click"}
    assert not heavy & set(eval(done.stdout))  # a list of strings


def test_ten_lines_of_a_notebook(tiny_bundle: Path, tiny_kb_folder: Path, abstracts: Path) -> None:
    with keci.load(tiny_bundle, kb=tiny_kb_folder, threads=1) as pipeline:
        results = list(pipeline.extract(keci.read(abstracts)))
        linked = pipeline.link("skin rash")
    written = keci.write(results, "out.jsonl")
    lines = Path("out.jsonl").read_bytes().splitlines()
    again = [keci.Extraction.from_record(orjson.loads(line)) for line in lines]
    scores = keci.evaluate("out.jsonl", again, task="ade")
    assert again == results
    assert written == (2, 0)
    assert linked[0].concepts[0].name == "rash"
    assert scores.strict_entity.f1 in (0.0, 100.0)  # 0 where nothing was found
    assert "<iframe" in results[0]._repr_html_()  # type: ignore[union-attr]  # no failure


@pytest.mark.parametrize("processes", [1, 2])
def test_failures_keep_their_turn(tiny_bundle: Path, tmp_path: Path, processes: int) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": "a", "text": "rash"}\n{bad\n{"id": "c", "text": "pain"}\n', "utf-8")
    with keci.load(tiny_bundle, kb=False, threads=2, processes=processes) as pipeline:
        found = list(pipeline.extract(keci.read(path, failures=True)))
        assert [item.id for item in found] == ["a", "", "c"]
        assert isinstance(found[1], keci.Failure)
        assert keci.write(found, tmp_path / "out.jsonl") == (2, 1)
        assert b"{bad" in (tmp_path / "out.jsonl.failures.jsonl").read_bytes()
        assert list(pipeline.extract([])) == []
        given_up = pipeline.extract(["rash"] * 600)
        assert next(given_up).id == "1"
        given_up.close()  # type: ignore[attr-defined]  # a generator
        assert pipeline("rash after abc").text == "rash after abc", "it goes on after that"
        names = pipeline.process_ids
    assert len(names) == (processes > 1)
    with pytest.raises(keci.KeciError, match="closed"):
        pipeline("rash")


def test_a_bad_record_is_an_error_where_failures_are_not_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("{bad\n", "utf-8")
    with pytest.raises(keci.KeciError, match="record 1: line 1: not valid JSON"):
        list(keci.read(path))


def test_threads_share_a_pipeline(tiny_bundle: Path) -> None:
    texts = ["rash after abc.", "pain with rash and abc kinase.", "x y z"] * 5
    found: dict[int, list[object]] = {}
    with keci.load(tiny_bundle, kb=False, threads=2) as pipeline:
        alone = list(pipeline.extract(texts))

        def read(number: int) -> None:
            found[number] = list(pipeline.extract(texts))

        readers = [threading.Thread(target=read, args=(number,)) for number in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert [found[number] for number in range(4)] == [alone] * 4


def test_a_training_run_is_read_too(tiny_run: Path) -> None:
    with keci.load(tiny_run, kb=False) as pipeline:
        assert pipeline("rash after abc.").text == "rash after abc."


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"unit": "page"}, "unit must be one of sentence, document"),
        ({"device": "tpu"}, "device must be one of"),
        ({"threads": 0}, "threads must be 1 or more"),
        ({"threads": 10**30}, "threads must be at most"),
        ({"threads": "4"}, "threads must be int . None, got '4'"),
        ({"precision": 8}, "precision must be str . None, got 8"),
        ({"vocabulary": ["MESH", 3]}, "vocabulary must be a text or a list of texts"),
        ({"name": "no-such"}, "no bundle folder and no shipped model"),
        ({"kb": "absent"}, "there is no knowledge base at absent"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], complaint: str) -> None:
    with pytest.raises(keci.KeciError, match=complaint):
        keci.load(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_vocabularies_are_those_of_the_knowledge_base(
    tiny_bundle: Path, tiny_kb_folder: Path
) -> None:
    for names in ("x", ["x"]):
        with keci.load(tiny_bundle, kb=tiny_kb_folder, vocabulary=names) as pipeline:
            assert pipeline("rash").text == "rash"
    with pytest.raises(keci.KeciError, match="no ids of the vocabulary 'MESH'; there are X"):
        keci.load(tiny_bundle, kb=tiny_kb_folder, vocabulary="MESH")
    with pytest.raises(keci.KeciError, match="needs --kb"):
        keci.load(tiny_bundle, kb=False, vocabulary="MESH")


def test_a_text_that_is_none_is_refused(tiny_bundle: Path) -> None:
    with keci.load(tiny_bundle, kb=False) as pipeline:
        with pytest.raises(keci.KeciError, match="half of a surrogate pair"):
            pipeline("\ud800")
        with pytest.raises(keci.KeciError, match="got int"):
            list(pipeline.extract([3]))  # type: ignore[list-item]  # wrong on purpose


@pytest.mark.parametrize("single", ["rash after abc.", keci.Document("a", "rash after abc.")])
def test_a_single_text_in_place_of_several_is_told(
    tiny_bundle: Path, single: str | keci.Document
) -> None:
    with (
        keci.load(tiny_bundle, kb=False) as pipeline,
        pytest.raises(keci.KeciError, match="got a single one"),
    ):
        list(pipeline.extract(single))  # type: ignore[arg-type]  # wrong on purpose


def test_names_of_fields_may_be_a_list(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "1", "title": "Rash.", "abstract": "It went."}\n', "utf-8")
    (document,) = keci.read(path, text_field=["title", "abstract"])
    assert document.text == "Rash.\n\nIt went."


def test_names_are_those_of_other_rooms() -> None:
    from keci.runtime.session import PROVIDERS
    from keci.training.checkpoint import RUN_FILE

    assert tuple(PROVIDERS) == DEVICES
    assert shipped.RUN_FILE == RUN_FILE
    assert ModelOptions().model in shipped.shipped_models()
    assert set(keci.__all__) <= set(dir(keci))


def test_module_runs_the_commands() -> None:
    for arguments, code, text in (
        (["extract", "--help"], 0, "INPUT"),
        (["keci-kb", "--help"], 0, "Commands"),
        (["--version"], 0, keci.__version__),
        (["nonsense"], 2, "evaluate"),
    ):
        line = [sys.executable, "-m", "keci", *arguments]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert text in done.stdout


def test_defaults_are_those_of_the_command() -> None:
    load = signature(keci.load).parameters
    options = {item.name: item.default for item in fields(ModelOptions)}
    others = ("name", "processes", "keep")
    assert {name: load[name].default for name in load if name not in others} == {
        name: options[name] for name in load if name not in others
    }
    assert load["name"].default == options["model"]
    read = signature(keci.read).parameters
    given = InputOptions()
    for name in ("input_format", "text_field", "id_field"):
        assert read[name].default == getattr(given, name)
    assert given.read_options == ReadOptions()
