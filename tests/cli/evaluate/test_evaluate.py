"""keci-evaluate on files of predictions, runs and bundles with a tiny network."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from keci.batch import MOST_ROWS
from keci.cli.evaluate.evaluate import main
from keci.documents import Extraction
from keci.evaluation.significance import holm
from keci.text.tokens import TextTokenizer
from tests.cli.extraction import records
from tests.cli.extraction import run as extract
from tests.keci.data.annotations import write_jsonl
from tests.keci.training.sentences import annotated_sentences
from tests.short_rows import with_short_rows
from tests.tiny import CONFIG, knowledge_config, tiny_knowledge_base

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
def shared(tmp_path: Path) -> tuple[str, ...]:
    """The options that name schema and gold data."""
    (tmp_path / "tiny.toml").write_text(SCHEMA, "utf-8")
    write(tmp_path / "gold.jsonl", annotated_sentences())
    return ("--task", str(tmp_path / "tiny.toml"), "--data", str(tmp_path / "gold.jsonl"))


@pytest.fixture
def with_kb(shared: tuple[str, ...], tiny_kb_folder: Path) -> tuple[str, ...]:
    return (*shared, "--kb", str(tiny_kb_folder))


def write(path: Path, extractions: list[Extraction]) -> Path:
    return write_jsonl(path, [item.to_record() for item in extractions])


def silenced(*places: int) -> list[Extraction]:
    """The annotated sentences, those at ``places`` without any mention."""
    return [
        Extraction(item.id, item.text) if place in places else item
        for place, item in enumerate(annotated_sentences())
    ]


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(item) for item in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_file_stands_in_place_of_a_model(shared: tuple[str, ...], tmp_path: Path) -> None:
    path = write(tmp_path / "out.jsonl", silenced(0))
    named = run(path, *shared, "--json", "--resamples", "100")
    assert named.exit_code == 0, named.stderr
    assert (
        named.stdout == run("--predictions", path, *shared, "--json", "--resamples", "100").stdout
    )
    record = orjson.loads(named.stdout)
    assert record["types"]["entity"]["drug"]["fn"] == 1
    assert record["intervals"]["entity"]["low"] < record["entity"]["f1"] < 100
    assert record["intervals"]["entity"]["high"] == 100
    assert set(record["intervals"]) == {"entity", "relation"}


@pytest.mark.parametrize("target", ["gold.jsonl", "tiny.toml", "ids", "bundle/int8/graph", "link"])
def test_predictions_are_not_written_over_what_is_read(
    shared: tuple[str, ...], tmp_path: Path, target: str
) -> None:
    (tmp_path / "bundle" / "int8").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    for name in ("ids", "bundle/manifest.json", "bundle/int8/graph"):
        (tmp_path / name).write_text("s1\n")
    path = tmp_path / target
    before = path.read_bytes() if path.exists() else None
    given = (tmp_path / "bundle", *shared, "--ids", tmp_path / "ids", "--no-kb")
    done = run(*given, "--output", path)
    assert done.exit_code == 2
    assert "which is read" in done.stderr or "in the way" in done.stderr
    assert (path.read_bytes() if path.exists() else None) == before


def test_tables_show_intervals_and_types(shared: tuple[str, ...], tmp_path: Path) -> None:
    shown = run(write(tmp_path / "out.jsonl", silenced()), *shared, "--resamples", "50").stdout
    assert "95 % intervals of F1" in shown
    assert "caused-by" in shown


def test_predictions_beyond_the_chosen_ids_are_left_out(
    shared: tuple[str, ...], tmp_path: Path
) -> None:
    ids = tmp_path / "ids"
    ids.write_text("s2\ns5\n", "utf-8")
    path = write(tmp_path / "out.jsonl", silenced(0))
    result = run(path, *shared, "--ids", ids, "--json", "--resamples", "20")
    record = orjson.loads(result.stdout)
    assert (record["documents"], record["entity"]["fn"]) == (2, 0)
    assert "4 of 6 predictions" in result.stderr


def test_two_files_are_compared(shared: tuple[str, ...], tmp_path: Path) -> None:
    worse = write(tmp_path / "worse.jsonl", silenced(0, 1, 2, 3))
    better = write(tmp_path / "better.jsonl", silenced(0))
    shown = run("--compare", worse, better, *shared, "--resamples", "500")
    assert shown.exit_code == 0, shown.stderr
    assert "bootstrap" in shown.stdout
    assert str(better) in shown.stdout
    result = run("--compare", worse, better, *shared, "--resamples", "500", "--json")
    record = orjson.loads(result.stdout)
    assert (record["baseline"], record["system"]) == ([str(worse)], [str(better)])
    entity = record["figures"]["entity"]
    assert entity["difference"]["f1"] > 0
    assert entity["difference"]["low"] <= entity["difference"]["f1"] <= entity["difference"]["high"]
    assert 0 < entity["randomisation_p"] <= 1


def test_the_mean_of_several_runs_is_compared(shared: tuple[str, ...], tmp_path: Path) -> None:
    for place in range(3):
        write(tmp_path / f"seed-{place}.jsonl", silenced(place, 4))
    other = write(tmp_path / "other.jsonl", silenced())
    options = ("--compare", str(tmp_path / "seed-*"), str(other), *shared, "--resamples", "50")
    record = orjson.loads(run(*options, "--json").stdout)
    assert len(record["baseline"]) == len(record["figures"]["entity"]["baseline"]["runs"]) == 3
    assert record["figures"]["relation"]["system"] == {
        "f1": 100.0, "deviation": None, "runs": [100.0],
    }  # fmt: skip
    assert "±" in run(*options).stdout


def test_several_comparisons_are_corrected_for_their_number(
    shared: tuple[str, ...], tmp_path: Path
) -> None:
    base = write(tmp_path / "base.jsonl", silenced(0, 1, 2, 3))
    systems = [write(tmp_path / f"{place}.jsonl", silenced(*range(place))) for place in range(3)]
    pairs = [word for system in systems for word in ("--compare", base, system)]
    options = (*pairs, "--each", *shared, "--resamples", "200")
    record = orjson.loads(run(*options, "--json").stdout)
    compared = record["comparisons"]
    assert [item["system"] for item in compared] == [[str(system)] for system in systems]
    figures = [item["figures"]["entity"] for item in compared]
    expected = holm([max(item["bootstrap_p"], item["randomisation_p"]) for item in figures])
    assert [item["holm_p"] for item in figures] == expected
    shown = run(*options).stdout
    assert shown.count("Holm") == 4, "a column of each table, and what it is"
    assert run(base, "--each", *shared).exit_code == 2


@pytest.mark.parametrize(
    ("sides", "complaint"),
    [
        (("gold.jsonl", "gold.jsonl"), "both sides"),
        (("gold.jsonl", "none-*"), "nothing matches"),
        (("gold.jsonl", "tiny.toml"), "tiny.toml"),
    ],
)
def test_what_cannot_be_compared_is_told(
    sides: tuple[str, str], complaint: str, shared: tuple[str, ...], tmp_path: Path
) -> None:
    result = run("--compare", *(tmp_path / side for side in sides), *shared)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_one_thing_is_scored_at_a_time(shared: tuple[str, ...], tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    assert run(gold, "--compare", gold, "x", *shared).exit_code == 2
    assert "--output" in run("--compare", gold, "x", "--output", "y", *shared).stderr


def test_runs_are_compared_with_their_predictions(
    tiny_run: Path, with_kb: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    written = run(tiny_run, *with_kb, "--output", output, "--resamples", "10")
    assert written.exit_code == 0, written.stderr
    record = orjson.loads(
        run("--compare", tiny_run, output, *with_kb, "--resamples", "10", "--json").stdout
    )
    figures = record["figures"].values()
    assert [(item["difference"]["f1"], item["bootstrap_p"]) for item in figures] == [(0, 1)] * 2


def test_documents_are_read_as_keci_extract_reads_them_with_unit_document(
    tmp_path: Path, with_kb: tuple[str, ...], tiny_kb_folder: Path, tiny_bundle: Path
) -> None:
    """In a row of the encoder, in several, and in windows beyond what the model reads at once."""
    bundle = with_short_rows(tiny_bundle, tmp_path / "bundle", 34)
    sentences = "Pain with rash and abc kinase. Rash after drug. "
    texts = [Extraction(f"d{count}", (sentences * count).strip()) for count in (1, 4, 10)]
    tokenizer = TextTokenizer.from_file(bundle / "tokenizer.json")
    rows = [tokenizer.count_pieces(item.text) / 32 for item in texts]
    assert rows[0] <= 1 < rows[1] <= MOST_ROWS < rows[2]
    write(tmp_path / "gold.jsonl", texts)
    scored = tmp_path / "scored.jsonl"
    result = run(bundle, *with_kb, "--output", scored, "--resamples", "10")
    assert result.exit_code == 0, result.stderr
    assert all(record["relations"] for record in records(scored))
    for unit, is_read_so in (("document", True), ("sentence", False)):
        output = tmp_path / f"{unit}.jsonl"
        model = ("--model", bundle, "--kb", tiny_kb_folder, "--unit", unit)
        result = extract(tmp_path / "gold.jsonl", *model, "-o", output)
        assert result.exit_code == 0, result.stderr
        assert (output.read_bytes() == scored.read_bytes()) == is_read_so


def test_attention_is_the_same_from_a_run_and_from_its_output(
    tiny_run: Path, with_kb: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    run(tiny_run, *with_kb, "--output", output, "--resamples", "10")
    found = [run("attention", source, *with_kb, "--json") for source in (tiny_run, output)]
    records = [orjson.loads(result.stdout) for result in found]
    weights = [[(row["code"], row["weight"]) for row in item["types"]] for item in records]
    assert weights[0] == weights[1]
    assert weights[0]
    assert records[0]["linked"] > 0
    assert weights[0][0][0] in run("attention", tiny_run, *with_kb).stdout


def test_calibration_is_the_same_from_a_run_and_from_its_output(
    tiny_run: Path, with_kb: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "found.jsonl"
    run(tiny_run, *with_kb, "--output", output, "--resamples", "10")
    one, other = (
        orjson.loads(run("calibration", source, *with_kb, "--json").stdout)
        for source in (tiny_run, output)
    )
    assert one == other
    counts = [sum(row["count"] for row in one[name]["bins"]) for name in ("mentions", "relations")]
    found = [orjson.loads(line) for line in output.read_bytes().splitlines()]
    assert counts == [sum(len(item[key]) for item in found) for key in ("entities", "relations")]
    assert "calibration error" in run("calibration", tiny_run, *with_kb).stdout


def test_attention_at_annotated_mentions(tiny_run: Path, with_kb: tuple[str, ...]) -> None:
    options = ("attention", str(tiny_run), *with_kb, "--mentions", "gold")
    record = orjson.loads(run(*options, "--json").stdout)
    assert record["linked"] + record["unlinked"] + record["pruned"] == 12
    assert "gold mentions" in run(*options).stdout


def test_attention_needs_concepts(tiny_run: Path, shared: tuple[str, ...], tmp_path: Path) -> None:
    assert "candidate concepts" in run("attention", tiny_run, *shared, "--no-kb").stderr
    gold = run("attention", tmp_path / "gold.jsonl", *shared, "--mentions", "gold")
    assert "needs a run or bundle" in gold.stderr


def test_refinement_tells_each_change(tmp_path: Path, with_kb: tuple[str, ...]) -> None:
    pytest.importorskip("transformers")
    from tests.tiny_run import write_tiny_run

    config = knowledge_config(CONFIG, tiny_knowledge_base())
    changeable = write_tiny_run(tmp_path / "run", replace(config, final_inputs="fused"))
    result = run("refinement", changeable, *with_kb, "--json")
    assert result.exit_code == 0, result.stderr
    changed = [orjson.loads(line) for line in result.stdout.splitlines()]
    assert changed
    for record in changed:
        for change in record["entities"]:
            assert record["text"][change["start"] : change["end"]] == change["text"]
    assert f"{6 - len(changed)} documents are the same" in result.stderr
    shown = run("refinement", changeable, *with_kb).stdout
    assert all(f"{record['id']}: {record['text']}" in shown for record in changed)
    assert "better" in shown


def test_refinement_needs_a_model(shared: tuple[str, ...], tmp_path: Path) -> None:
    result = run("refinement", tmp_path / "gold.jsonl", *shared)
    assert result.exit_code == 2
    assert "a training run or a bundle is needed" in result.stderr


def test_help_names_the_subcommands() -> None:
    shown = run("--help").stdout
    for name in ("attention", "calibration", "refinement"):
        assert f"  {name} " in shown
        assert f"keci-evaluate {name}" in run(name, "--help").stdout
