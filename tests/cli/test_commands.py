"""The commands as a user types them: annotated texts to a model to a bundle to extractions."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from tests.keci.training.sentences import annotated_sentences

pytestmark = pytest.mark.usefixtures("_as_before")

SCHEMA = """
name = "tiny"
entity_types = ["effect", "drug"]
relation_types = [
    {name = "caused-by", head_types = ["effect"], tail_types = ["drug"]},
    {name = "with", symmetric = true},
]
"""


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """Tiny tensors gain nothing from threads, which cost much where the machine is busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(command: str, *arguments: str | Path, text: str | None = None) -> Result:
    (script,) = entry_points(group="console_scripts", name=command)
    result = CliRunner().invoke(script.load(), [str(item) for item in arguments], input=text)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SCHEMA, "utf-8")
    return path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.jsonl"
    lines = [orjson.dumps(extraction.to_record()) for extraction in annotated_sentences()]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def read_lines(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_evaluate_scores_gold_against_itself_as_perfect(schema: Path, gold: Path) -> None:
    result = run("keci-evaluate", "--predictions", gold, "--task", schema, "--data", gold, "--json")
    assert result.exit_code == 0, result.stderr
    record = orjson.loads(result.stdout)
    assert list(record)[:6] == ["task", "metric", "documents", "entity", "relation", "strict"]
    assert (record["task"], record["metric"], record["documents"]) == ("tiny", "micro", 6)
    perfect = {"fp": 0, "fn": 0, "precision": 100.0, "recall": 100.0, "f1": 100.0}
    assert record["entity"] == {"tp": 12, **perfect}
    assert record["relation"] == {"tp": 5, **perfect}
    assert record["strict"] == {"entity": record["entity"], "relation": record["relation"]}


def test_evaluate_shows_a_table(schema: Path, gold: Path) -> None:
    result = run("keci-evaluate", "--predictions", gold, "--task", schema, "--data", gold)
    assert "tiny: 6 documents" in result.stdout
    assert "100.00" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "either a MODEL or --predictions"),
        (("--predictions", "absent.jsonl"), "absent.jsonl"),
        (("no-such-model",), "no-such-model"),
    ],
)
def test_evaluate_refuses_what_it_cannot_use(
    arguments: tuple[str, ...], complaint: str, schema: Path, gold: Path
) -> None:
    result = run("keci-evaluate", *arguments, "--task", schema, "--data", gold)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert not result.stdout


def test_extract_reads_a_file_and_writes_a_file(
    tiny_bundle: Path, tiny_kb_folder: Path, gold: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    result = run("keci-extract", gold, "-o", output, "--model", tiny_bundle, "--kb", tiny_kb_folder)
    assert result.exit_code == 0, result.stderr
    assert not result.stdout
    records = read_lines(output)
    assert [record["id"] for record in records] == ["s1", "s2", "s3", "s4", "s5", "s6"]
    assert not (tmp_path / "out.jsonl.failures.jsonl").exists()


def test_extract_is_a_filter(tiny_bundle: Path) -> None:
    text = '{"id": "1", "text": "rash after abc"}\n{"id": "2", "text": ""}\n'
    result = run("keci-extract", "-", "--model", tiny_bundle, "--no-kb", text=text)
    assert result.exit_code == 0, result.stderr
    records = [orjson.loads(line) for line in result.stdout.splitlines()]
    assert [record["id"] for record in records] == ["1", "2"]
    assert records[1] == {"id": "2", "text": "", "entities": [], "relations": []}


def test_extract_sets_bad_records_aside_and_says_so(tiny_bundle: Path, tmp_path: Path) -> None:
    texts, output = tmp_path / "texts.jsonl", tmp_path / "out.jsonl"
    texts.write_text('{"id": "1", "text": "rash"}\n{broken\n{"id": "3", "text": "pain"}\n', "utf-8")
    result = run("keci-extract", texts, "-o", output, "--model", tiny_bundle, "--no-kb")
    assert result.exit_code == 1
    assert [record["id"] for record in read_lines(output)] == ["1", "3"]
    (failure,) = read_lines(tmp_path / "out.jsonl.failures.jsonl")
    assert (failure["source"], failure["position"]) == (str(texts), 2)
    assert failure["reason"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("absent.jsonl", "--no-kb"), "absent.jsonl"),
        (("-", "--model", "no-such-model"), "no-such-model"),
        ((), "INPUT"),
    ],
)
def test_extract_refuses_what_it_cannot_use(
    arguments: tuple[str, ...], complaint: str, tiny_bundle: Path
) -> None:
    model = () if "--model" in arguments else ("--model", tiny_bundle)
    result = run("keci-extract", *arguments, *model)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert not result.stdout


def test_extract_says_how_to_get_a_missing_knowledge_base(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KECI_KB", str(tmp_path / "nowhere"))
    result = run("keci-extract", "-", "--model", tiny_bundle, text="")
    assert result.exit_code == 0
    assert "keci-kb build open" in result.stderr
    result = run("keci-extract", "-", "--model", tiny_bundle, "--kb", tmp_path / "no", text="")
    assert result.exit_code == 2
    assert "keci-kb build open" in result.stderr


@pytest.mark.usefixtures("_one_thread", "_one_registry")
def test_from_annotated_texts_to_extractions(
    schema: Path, gold: Path, tiny_kb_folder: Path, tmp_path: Path
) -> None:
    encoder = write_tiny_encoder(tmp_path / "encoder")
    learned, bundle, output = tmp_path / "run", tmp_path / "bundle", tmp_path / "out.jsonl"
    training = run(
        "keci-train", "--task", schema, "--train", gold, "--validation", gold, "--epochs", "12",
        "--encoder", encoder, "--kb", tiny_kb_folder, "--output", learned, "--batch-size", "3",
        "--encoder-lr", "5e-3", "--upper-lr", "1e-2", "--set", "max_span_pieces=4",
        "--set", "span_width=16", "--set", "hidden_width=16", "--set", "dropout=0",
        "--set", "precision=fp32",
    )  # fmt: skip
    assert training.exit_code == 0, training.stderr
    assert (learned / "metrics.csv").read_text("utf-8").count("\n") == 13

    judged = ("--data", gold, "--kb", tiny_kb_folder)
    exported = run("keci-export", learned, bundle, "--precision", "fp32", *judged)
    assert exported.exit_code == 0, exported.stderr
    assert run("keci-export", learned, bundle).exit_code == 2, "a bundle is not overwritten"

    extracted = run(
        "keci-extract", gold, "-o", output, "--model", bundle, "--kb", tiny_kb_folder,
        "--unit", "document",
    )  # fmt: skip
    assert extracted.exit_code == 0, extracted.stderr
    shared = ("--task", schema, "--data", gold, "--json")
    scores = [
        run("keci-evaluate", learned, "--kb", tiny_kb_folder, *shared),
        run("keci-evaluate", bundle, "--kb", tiny_kb_folder, *shared),
        run("keci-evaluate", "--predictions", output, *shared),
    ]
    assert [score.exit_code for score in scores] == [0, 0, 0]
    records = [orjson.loads(score.stdout) for score in scores]
    assert records[0] == records[1] == records[2]
    assert {"task", "metric", "documents", "entity", "relation", "strict"} <= records[0].keys()
    assert records[0]["entity"]["f1"] > 50


def write_tiny_encoder(folder: Path) -> Path:
    """A folder that transformers loads, with random weights."""
    pytest.importorskip("transformers")
    from transformers import PreTrainedTokenizerFast

    from tests.tiny import tiny_tokenizer
    from tests.tiny_network import tiny_transformer

    tiny_transformer().save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer(), pad_token="[PAD]", unk_token="[UNK]"
    )
    tokenizer.save_pretrained(folder)
    return folder
