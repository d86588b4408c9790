import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("onnxscript")

from keci.documents import Document
from keci.errors import UsageError
from keci.export import exporter
from keci.export.exporter import export_run
from keci.export.parity import ParityError
from keci.export.precision import convert
from keci.runtime.bundle import read_bundle
from keci.runtime.extractor import RuntimeOptions, open_extractor
from tests.tiny import CONFIG
from tests.tiny_run import write_tiny_run


def test_the_bundle_holds_what_the_manifest_says(tiny_bundle: Path) -> None:
    manifest = read_bundle(tiny_bundle)
    graphs = ("encoder", "span_scorer", "pair_scorer", "final_scorer")
    expected = {f"{precision}/{name}.onnx" for precision in ("fp32", "int8") for name in graphs}
    assert set(manifest.files) == expected | {"graph.safetensors", "tokenizer.json"}
    assert manifest.default_precision == "fp32"


def test_int8_quantises_the_encoder_alone(tiny_bundle: Path) -> None:
    def size(name: str) -> int:
        return (tiny_bundle / name).stat().st_size

    assert (tiny_bundle / "int8/encoder.onnx").read_bytes() != (
        tiny_bundle / "fp32/encoder.onnx"
    ).read_bytes()
    assert size("int8/span_scorer.onnx") == size("fp32/span_scorer.onnx")


def test_a_variant_without_knowledge_exports_and_runs(tmp_path: Path) -> None:
    run = write_tiny_run(tmp_path / "run", replace(CONFIG, knowledge="none"))
    manifest = export_run(run, tmp_path / "bundle", ("fp32",))
    assert "final_scorer" not in manifest.stages
    extractor = open_extractor(tmp_path / "bundle", None, RuntimeOptions())
    (extraction,) = extractor.predictor([Document("d", "rash after abc")])
    assert extraction.text == "rash after abc"


def test_an_existing_bundle_is_left_alone(tiny_run: Path, tiny_bundle: Path) -> None:
    with pytest.raises(UsageError, match="exists already"):
        export_run(tiny_run, tiny_bundle, ("fp32",))


def test_unknown_precisions_are_refused(tiny_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\['fp8'\]; known are fp32, w8, int8, fp16"):
        export_run(tiny_run, tmp_path / "bundle", ("fp8",))


def test_a_bundle_that_fails_parity_is_not_written(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(source: Path, target: Path, precision: str, *, stage: str) -> None:
        shutil.copyfile(source.with_name("encoder.onnx"), target)

    monkeypatch.setattr(exporter, "convert", swapped)
    with pytest.raises(ParityError, match="graph inputs are"):
        export_run(tiny_run, tmp_path / "bundle", ("fp32",))
    assert list(tmp_path.iterdir()) == []


def test_an_int8_export_leaves_the_log_as_it_was(tiny_bundle: Path, tmp_path: Path) -> None:
    level = logging.getLogger().level
    convert(tiny_bundle / "fp32/encoder.onnx", tmp_path / "e.onnx", "int8", stage="encoder")
    assert logging.getLogger().level == level
