import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("transformers")
pytest.importorskip("onnxscript")

import onnx
import torch

from keci.errors import UsageError
from keci.export import exporter
from keci.prediction import Batching
from keci.runtime import float_graphs as making
from keci.runtime.bundle import read_manifest
from keci.runtime.extractor import RuntimeOptions, open_extractor
from keci.runtime.session import OnnxStage
from tests.exported import graphs_of
from tests.keci.runtime.test_extractor import DOCUMENTS, structure
from tests.tiny import tiny_knowledge_base


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(making, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "keci" / "graphs"


@pytest.fixture(scope="module")
def integers(tiny_run: Path, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that has int8 graphs alone, as the shipped ones."""
    bundle = tmp_path_factory.mktemp("bundles") / "int8"
    export_again(tiny_run, tiny_bundle, bundle, ("int8",))
    return bundle


def export_again(run: Path, exported: Path, bundle: Path, precisions: Sequence[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "export_stage", graphs_of(exported))
        exporter.export_run(run, bundle, precisions)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_bundle_of_integers_runs_in_floating_point(
    integers: Path, tiny_bundle: Path, precision: str
) -> None:
    base = tiny_knowledge_base()
    made = open_extractor(integers, base, RuntimeOptions(precision))
    own = open_extractor(tiny_bundle, base, RuntimeOptions("fp32"))
    assert made.precision == precision
    found, expected = list(made.predictor(DOCUMENTS)), list(own.predictor(DOCUMENTS))
    assert any(extraction.mentions for extraction in found)
    scores = [
        {(m.start, m.end, m.type): m.score for e in read for m in e.mentions}
        for read in (found, expected)
    ]
    common = scores[0].keys() & scores[1].keys()
    assert len(common) >= 0.8 * len(scores[0].keys() | scores[1].keys())
    assert max(abs(scores[0][key] - scores[1][key]) for key in common) < 0.1


def test_neighbours_change_no_answer_in_what_was_made(integers: Path) -> None:
    base = tiny_knowledge_base()
    together = open_extractor(integers, base, RuntimeOptions("fp32"))
    alone = open_extractor(integers, base, RuntimeOptions("fp32", batching=Batching(1, 1)))
    read = [list(map(structure, e.predictor(DOCUMENTS))) for e in (together, alone)]
    assert read[0] == read[1]


def test_graphs_are_made_once(integers: Path, cache: Path) -> None:
    manifest = read_manifest(integers)
    folder = making.float_graphs(integers, manifest, "fp16", source="int8")
    assert folder.is_relative_to(cache)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        path.name for path in (integers / "int8").iterdir()
    )
    stamps = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert making.float_graphs(integers, manifest, "fp16", source="int8") == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == stamps


def test_another_bundle_has_other_graphs(integers: Path, tiny_bundle: Path) -> None:
    folders = {
        making.float_graphs(bundle, read_manifest(bundle), "fp16", source="int8")
        for bundle in (integers, tiny_bundle)
    }
    assert len(folders) == 2


def test_what_another_process_made_meanwhile_is_kept(
    integers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(integers)

    def widened_late(path: Path) -> onnx.ModelProto:
        monkeypatch.undo()
        monkeypatch.setattr(making, "user_cache_path", lambda _: integers.parent / "raced")
        making.float_graphs(integers, manifest, "fp32", source="int8")
        return making.widened(path)

    monkeypatch.setattr(making, "user_cache_path", lambda _: integers.parent / "raced")
    monkeypatch.setattr(making, "widened", widened_late)
    folder = making.float_graphs(integers, manifest, "fp32", source="int8")
    assert [path.name for path in folder.parent.iterdir()] == ["fp32"], "no partial folder is left"


def test_half_precision_takes_half_the_room(integers: Path) -> None:
    manifest = read_manifest(integers)
    sizes = [
        (making.float_graphs(integers, manifest, name, source="int8") / "encoder.onnx")
        .stat()
        .st_size
        for name in ("fp16", "fp32")
    ]
    assert sizes[0] < 0.75 * sizes[1]


def test_a_cache_that_cannot_be_written_to_is_named(integers: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(UsageError, match=r"cannot write graphs to .*cache"):
        making.float_graphs(integers, read_manifest(integers), "fp16", source="int8")


def test_without_onnx_the_error_tells_what_to_install(
    integers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "keci.runtime.float_graphs")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r"has no fp16 graphs.*pip install 'keci\[cuda\]'"):
        open_extractor(integers, None, RuntimeOptions("fp16"))


@pytest.fixture(scope="module")
def encoders(
    tiny_run: Path, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The encoder of one run in every precision that TensorRT may be given."""
    bundle = tmp_path_factory.mktemp("bundles") / "all"
    export_again(tiny_run, tiny_bundle, bundle, ("fp32", "fp16", "w8"))
    return {name: bundle / name / "encoder.onnx" for name in ("fp32", "fp16", "w8")}


@pytest.mark.parametrize("opset", [20, 21, 22])
@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-5), ("w8", 1e-5), ("fp16", 5e-3)])
def test_a_lower_opset_has_no_attention_and_the_same_outputs(
    encoders: dict[str, Path], tmp_path: Path, precision: str, bound: float, opset: int
) -> None:
    model = onnx.load(encoders[precision])
    assert "Attention" in {node.op_type for node in model.graph.node}
    path = tmp_path / "encoder.onnx"
    onnx.save(making.lowered(model, opset), path)
    lower = onnx.load(path)
    assert {item.version for item in lower.opset_import if not item.domain} == {opset}
    assert "Attention" not in {node.op_type for node in lower.graph.node}
    for rows, columns in ((1, 3), (4, 17), (3, 30)):
        ids = torch.arange(rows * columns).view(rows, columns) % 20
        mask = (torch.arange(columns) < torch.arange(3, 3 + rows)[:, None]).to(ids.dtype)
        given = {"input_ids": ids, "attention_mask": mask, "token_slots": mask.flatten().nonzero()}
        given["token_slots"] = given["token_slots"].flatten()
        found, expected = (
            OnnxStage(each, device="cpu").run(given)["token_states"]
            for each in (path, encoders[precision])
        )
        torch.testing.assert_close(found, expected, atol=bound, rtol=bound)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_tensorrt_reads_graphs_of_a_lower_opset_that_answer_alike(
    integers: Path, precision: str
) -> None:
    manifest = read_manifest(integers)
    stages = {}
    for opset in (None, making.TENSORRT_OPSET):
        folder = making.float_graphs(integers, manifest, precision, source="int8", opset=opset)
        stages[opset] = {path.stem: onnx.load(path) for path in folder.iterdir()}
    assert stages[None].keys() == stages[making.TENSORRT_OPSET].keys()
    for name, model in stages[making.TENSORRT_OPSET].items():
        assert [item.version for item in model.opset_import if not item.domain] == [20]
        for side in ("input", "output"):
            assert list(getattr(model.graph, side)) == list(getattr(stages[None][name].graph, side))
    from keci.runtime.extractor import _graphs

    for device, wanted in (("cuda", precision), ("tensorrt", f"{precision}-opset20")):
        assert _graphs(integers, manifest, precision, device).name == wanted
