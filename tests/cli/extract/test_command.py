"""keci-extract as a user types it: what it reads, writes, says and returns."""

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from keci.documents import Extraction
from tests.cli.extraction import records, run
from tests.keci.corpus.corpora import write_update
from tests.short_rows import with_short_rows

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")


def test_a_run_can_be_traced(
    corpus: Path, model: tuple[str, ...], tiny_bundle: Path, tiny_kb_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl.gz"
    options = ("--model", tiny_bundle, "--kb", tiny_kb_folder, "--precision", "int8")
    result = run(corpus, "-o", output, *options, "--threads", "1")
    assert result.exit_code == 1
    assert "14 records read, 13 written, 1 failed" in result.stderr
    assert len(records(output)) == 13
    (failure,) = records(tmp_path / "out.jsonl.gz.failures.jsonl")
    assert (failure["source"], failure["position"], failure["excerpt"]) == (str(corpus), 5, "{bad")
    manifest = orjson.loads((tmp_path / "out.jsonl.gz.run.json").read_bytes())
    described = manifest["run"]
    assert described["model"]["name"] == "tiny"
    assert described["model"]["precision"] == "int8"
    assert len(described["model"]["manifest_sha256"]) == 64
    assert described["knowledge_base"]["fingerprint"]
    assert described["versions"]["keci"]
    assert [item["name"] for item in described["inputs"]] == [str(corpus)]
    assert described["model"]["unit"] == "sentence"
    assert manifest["records"] == {
        "read": 14, "taken": 14, "written": 13, "failed": 1, "superseded": 0, "deleted": 0,
        "repeated": 0,
    }  # fmt: skip
    again = run(corpus, "-o", output, *model)
    assert again.exit_code == 1, "a finished file is replaced"
    manifest = orjson.loads((tmp_path / "out.jsonl.gz.run.json").read_bytes())
    assert manifest["run"]["knowledge_base"] is None


def test_failures_are_told_with_their_reasons_and_their_file(
    model: tuple[str, ...], tmp_path: Path
) -> None:
    path, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [f'{{"id": {number}, "body": "rash"}}\n' for number in range(30)]
    lines += ["{bad\n", '{"id": "x", "text": 3}\n', '{"text": 3}\n', "[]\n", '"x"\n']
    path.write_text("".join(lines))
    failures = tmp_path / "out.jsonl.failures.jsonl"
    result = run(path, "-o", output, *model)
    assert "35 records read, 0 written, 35 failed" in result.stderr
    told = result.stderr.splitlines()[-1]
    assert told.startswith('35 failed: 30 times "line ...: the field ... is missing')
    assert told.endswith(f"; see {failures}")
    assert told.count('times "') == 2
    assert told.count('1 time "') == 1
    assert "; 2 for other reasons;" in told
    again = run(path, "-o", output, "--resume", "--quiet", *model)
    assert again.stderr.splitlines() == [told], "what failed is said even with --quiet"
    streamed = run(path, "--failures", tmp_path / "failed.jsonl", *model)
    assert streamed.stderr.splitlines()[-1] == told.replace(
        str(failures), f"{tmp_path}/failed.jsonl"
    )
    logged = run(path, *model)
    assert logged.stderr.splitlines()[-1] == told.removesuffix(f"; see {failures}")


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_input_without_records_is_told(
    content: bytes, model: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)
    for output in (("-o", str(tmp_path / "out.jsonl")), ()):
        result = run(path, *output, *model)
        assert result.exit_code == 0
        assert "the inputs hold no records" in result.stderr
    assert "the inputs hold no records" in run(path, "--dry-run", *model).stderr


def test_unusual_texts_give_sensible_results(tiny_bundle: Path, tmp_path: Path) -> None:
    bundle = with_short_rows(tiny_bundle, tmp_path / "bundle", 66)
    model = ("--model", bundle, "--no-kb", "--threads", "1")
    texts = {
        "empty": "",
        "blank": " \n\t ",
        "long": "rash after abc with pain. " * 600,
        "one sentence": "rash after abc " * 1000,
        "chemical": "abc-(" * 100 + "x" * 20 + ")-y" * 100,
        "one word": "q" * 5000,
        "signs": "α → 𝔸\u0301 \x07 rash\u2028 after  abc.",
    }
    path, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(
        b"\n".join(orjson.dumps({"id": name, "text": text}) for name, text in texts.items())
    )
    for unit in ("sentence", "document"):
        result = run(path, "-o", output, *model, "--unit", unit)
        assert result.exit_code == 0, result.stderr
        found = {item["id"]: Extraction.from_record(item) for item in records(output)}
        assert {name: item.text for name, item in found.items()} == texts
        assert not found["empty"].mentions
        assert not found["blank"].mentions
        starts = [mention.start for mention in found["long"].mentions]
        assert min(starts) < 100
        assert max(starts) > len(texts["long"]) - 100
        assert [mention.id for mention in found["long"].mentions] == [
            f"T{number}" for number in range(1, len(starts) + 1)
        ]


def test_a_truncated_input_gives_what_was_whole(model: tuple[str, ...], tmp_path: Path) -> None:
    citations = "".join(
        f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID><Article><ArticleTitle>rash after "
        f"abc {number * 7919 % 10007}.</ArticleTitle></Article></MedlineCitation></PubmedArticle>"
        for number in range(1, 401)
    )
    stored = gzip.compress(f"<PubmedArticleSet>{citations}</PubmedArticleSet>".encode())
    path, output = tmp_path / "cut.xml.gz", tmp_path / "out.jsonl"
    path.write_bytes(stored[: len(stored) // 6])
    result = run(path, "-o", output, *model)
    assert result.exit_code == 1
    found = records(output)
    assert 5 < len(found) < 200
    assert [item["id"] for item in found] == [str(number) for number in range(1, len(found) + 1)]
    (failure,) = records(tmp_path / "out.jsonl.failures.jsonl")
    assert failure["position"] == len(found) + 1
    assert "truncated" in failure["reason"]


def test_a_document_that_breaks_the_model_is_set_aside(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keci.prediction import Predictor

    whole = Predictor.begin

    def fragile(self: Predictor, texts: Any) -> Any:
        if any("kinase" in text.document.text for text in texts):
            raise RuntimeError("too much")
        return whole(self, texts)

    monkeypatch.setattr(Predictor, "begin", fragile)
    result = run(corpus, "-o", tmp_path / "out.jsonl", *model)
    assert result.exit_code == 1
    failures = records(tmp_path / "out.jsonl.failures.jsonl")
    assert [(f["source"], f["position"], f["id"]) for f in failures] == [
        (str(corpus), 3, "d2"), (str(corpus), 5, ""), (str(corpus), 8, "d7"),
        (str(corpus), 13, "d12"),
    ]  # fmt: skip
    assert failures[0]["reason"] == "RuntimeError: too much"
    assert len(records(tmp_path / "out.jsonl")) == 10


def test_citations_that_are_taken_back_are_told(model: tuple[str, ...], tmp_path: Path) -> None:
    old = write_update(tmp_path / "a.xml", revised=["1", "2", "3"], deleted=[])
    new = write_update(tmp_path / "b.xml", revised=["2"], deleted=["3"])
    output = tmp_path / "out.jsonl"
    result = run(old, new, "-o", output, *model)
    assert result.exit_code == 0, result.stderr
    assert "4 records read, 2 written, 0 failed, 2 withdrawn" in result.stderr
    assert [(item["id"], item["text"]) for item in records(output)] == [
        ("1", "Rash a"), ("2", "Rash b"),
    ]  # fmt: skip
    listed = records(tmp_path / "out.jsonl.withdrawn.jsonl")
    assert [(item["id"], item["reason"]) for item in listed] == [
        ("2", "superseded"), ("3", "deleted"),
    ]  # fmt: skip
    assert "2 records and 0 failures are as they were left" in run("verify", output).stdout
    assert orjson.loads(run("report", output, "--json").stdout)["withdrawn"]["total"] == 2
    streamed = run(old, new, *model)
    assert [orjson.loads(line)["id"] for line in streamed.stdout.splitlines()] == ["1", "2"]
    whole = run(old, new, "--revisions", "all", "--repeated-ids", "suffix", *model)
    ids = [orjson.loads(line)["id"] for line in whole.stdout.splitlines()]
    assert ids == ["1", "2", "3", "2~2"]
    assert "1 records have an id that came before" in whole.stderr
    counted = run(old, new, "--dry-run")
    assert " 2 " in counted.stdout


def test_limits_are_set_by_name(corpus: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    options = ("--set", "max_word_characters=5", "--set", "nul=keep", *model)
    result = run(corpus, "-o", tmp_path / "out.jsonl", *options)
    assert result.exit_code == 1
    reasons = {item["reason"] for item in records(tmp_path / "out.jsonl.failures.jsonl")}
    assert any("more than the limit of 5" in reason for reason in reasons)
    manifest = orjson.loads((tmp_path / "out.jsonl.run.json").read_bytes())
    assert manifest["run"]["options"]["limits"]["max_word_characters"] == 5
    assert run(corpus, "--set", "max_words=5", *model).exit_code == 2


def test_other_formats_go_to_stdout_too(corpus: Path, model: tuple[str, ...]) -> None:
    result = run(corpus, "--output-format", "pubtator", *model)
    assert result.stdout.startswith("d0|t|rash after abc.\n")
    compressed = run(corpus, "--output-format", "jsonl.gz", *model)
    assert len(gzip.decompress(compressed.stdout_bytes).splitlines()) == 13


def test_what_is_kept_can_be_told(corpus: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    def found(*options: str) -> list[dict[str, Any]]:
        output = tmp_path / "out.jsonl"
        assert run(corpus, "-o", output, *model, *options).exit_code == 1
        return [item for record in records(output) for item in record["entities"]]

    everything = found()
    assert {item["assertion"] for item in everything} <= {"present", "negated", "speculated"}
    scores = sorted(item["score"] for item in everything)
    middle = scores[len(scores) // 2]
    best = found("--min-entity-score", str(middle))
    assert len(best) == sum(item["score"] >= middle for item in everything) < len(everything)
    kind = everything[0]["type"]
    chosen = found("--types", kind)
    assert len(chosen) == sum(item["type"] == kind for item in everything)
    assert not found(
        "--assertion", "negated,speculated", "--types", kind, "--min-entity-score", "1"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--types", "gene"), "unknown entity type 'gene'"),
        (("--relations", "binds"), "unknown relation type 'binds'"),
        (("--assertion", "absent"), "unknown assertion 'absent'"),
        (("--min-entity-score", "2"), "min-entity-score"),
        (("--types", ""), "--types names nothing"),
        (("--relations", " ,"), "--relations names nothing"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    corpus: Path, model: tuple[str, ...], options: tuple[str, ...], message: str
) -> None:
    result = run(corpus, *model, *options)
    assert result.exit_code == 2
    assert message in result.stderr
