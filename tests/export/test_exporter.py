import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

pytest.importorskip("onnxscript")

from keci.documents import Document
from keci.errors import UsageError
from keci.export import exporter
from keci.export.exporter import ADAPTATION_FILE, describe_encoder, export_run
from keci.export.parity import ParityError
from keci.export.validation import largest_change
from keci.prediction import Batching
from keci.runtime.bundle import read_bundle
from keci.runtime.extractor import RuntimeOptions, open_extractor
from tests.exported import graphs_of
from tests.tiny import CONFIG, documents, tiny_knowledge_base
from tests.tiny_run import write_tiny_run

pytestmark = pytest.mark.usefixtures("_one_registry")
TEXTS = ("after rash and pain with abc, drug", "b", "pain pain pain", "abc kinase with a rash")


def test_the_bundle_holds_what_the_manifest_says(tiny_bundle: Path) -> None:
    manifest = read_bundle(tiny_bundle)
    graphs = (
        "encoder", "span_scorer", "pair_scorer", "final_span_scorer", "final_pair_scorer",
    )  # fmt: skip
    expected = {f"{precision}/{name}.onnx" for precision in ("fp32", "int8") for name in graphs}
    assert set(manifest.files) == expected | {"graph.safetensors", "tokenizer.json"}
    assert manifest.default_precision == "fp32"


def test_int8_multiplies_integers(tiny_bundle: Path) -> None:
    operators = [node.op_type for node in onnx.load(tiny_bundle / "int8/encoder.onnx").graph.node]
    assert operators.count("MatMulIntegerToFloat") == 12
    assert "MatMul" not in operators


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("batching", [Batching(token_budget=1), Batching(40, 3), Batching(4096)])
def test_a_sentence_reads_the_same_alone_and_among_strangers(
    precision: str, batching: Batching, tiny_bundle: Path
) -> None:
    texts = documents("rash", "rash after abc", "pain (with abc) after 中 drug", *TEXTS)
    base = tiny_knowledge_base()
    usual = open_extractor(tiny_bundle, base, RuntimeOptions(precision)).predictor(texts)
    options = RuntimeOptions(precision, batching=batching)
    others = open_extractor(tiny_bundle, base, options).predictor(texts[::-1])
    expected = list(usual)
    assert any(extraction.mentions for extraction in expected)
    assert largest_change(expected, list(others)[::-1]) < 1e-4


def test_a_variant_without_knowledge_exports_and_runs(tmp_path: Path) -> None:
    run = write_tiny_run(tmp_path / "run", replace(CONFIG, knowledge="none"))
    manifest = export_run(run, tmp_path / "bundle", ("fp32",))
    assert "final_span_scorer" not in manifest.stages
    extractor = open_extractor(tmp_path / "bundle", None, RuntimeOptions())
    (extraction,) = extractor.predictor([Document("d", "rash after abc")])
    assert extraction.text == "rash after abc"


def test_an_existing_bundle_is_left_alone(tiny_run: Path, tiny_bundle: Path) -> None:
    with pytest.raises(UsageError, match="exists already"):
        export_run(tiny_run, tiny_bundle, ("fp32",))


def test_a_death_before_the_end_leaves_no_bundle(
    tiny_run: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from keci.export import exporter\n"
        "from tests.exported import graphs_of\n"
        "run, bundle, graphs = map(Path, sys.argv[1:])\n"
        "exporter.export_stage = graphs_of(graphs)\n"
        "exporter.export_run(run, bundle, ('fp32',), judge=lambda _: os._exit(9))\n"
    )
    folders = (tiny_run, tmp_path / "bundle", tiny_bundle)
    line = [sys.executable, "-c", code, *map(str, folders)]
    assert subprocess.run(line, check=False).returncode == 9
    assert not (tmp_path / "bundle").exists()
    monkeypatch.setattr(exporter, "export_stage", graphs_of(tiny_bundle))
    export_run(tiny_run, tmp_path / "bundle", ("fp32",))
    assert read_bundle(tmp_path / "bundle").precisions


def test_unknown_precisions_are_refused(tiny_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\['fp8'\]; known are fp32, w8, int8, fp16"):
        export_run(tiny_run, tmp_path / "bundle", ("fp8",))


def test_a_bundle_that_fails_parity_is_not_written(
    tiny_run: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(source: Path, target: Path, precision: str, *, probes: object) -> None:
        shutil.copyfile(source.with_name("encoder.onnx"), target)

    monkeypatch.setattr(exporter, "export_stage", graphs_of(tiny_bundle))
    monkeypatch.setattr(exporter, "convert", swapped)
    with pytest.raises(ParityError, match="graph inputs are"):
        export_run(tiny_run, tmp_path / "bundle", ("fp32",))
    assert list(tmp_path.iterdir()) == []


def test_a_compact_bundle_is_smaller_and_reads_much_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, span_width=64, hidden_width=64, node_width=64, knowledge="fusion")
    run = write_tiny_run(tmp_path / "run", config)
    predictions, sizes = [], []
    for compact in (False, True):
        folder = tmp_path / f"bundle-{compact}"
        manifest = export_run(run, folder, ("int8", "fp32"), compact=compact)
        sizes.append(manifest.files["graph.safetensors"].size)
        monkeypatch.setattr(exporter, "export_stage", graphs_of(folder))
        extractor = open_extractor(folder, None, RuntimeOptions())
        predictions.append(list(extractor.predictor(documents(*TEXTS))))
    assert sizes[1] < sizes[0] / 2
    for whole, small in zip(*predictions, strict=True):
        spans = [[(m.start, m.end) for m in item.mentions] for item in (whole, small)]
        assert spans[0] == spans[1]


def test_a_bundle_tells_of_its_encoder_without_paths(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    assert describe_encoder("sentence-transformers/some") == "sentence-transformers/some"
    assert describe_encoder(str(folder)) == "mine"
    (folder / ADAPTATION_FILE).write_text('{"settings": {"encoder": "minilm"}}')
    assert describe_encoder(str(folder)) == {"settings": {"encoder": "minilm"}}


def test_graphs_tell_no_paths_of_the_machine_they_were_made_on(tiny_bundle: Path) -> None:
    graphs = list(tiny_bundle.rglob("*.onnx"))
    assert graphs
    for path in graphs:
        assert str(Path(__file__).parents[2]).encode() not in path.read_bytes(), path
