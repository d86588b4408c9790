"""What the GPU providers are told; running them needs a GPU."""

import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

pytest.importorskip("onnxscript")

import onnx

from keci.errors import UsageError
from keci.runtime import providers
from keci.runtime.bundle import exported_stages, read_manifest
from keci.runtime.extractor import BatchSizes, RuntimeOptions, open_extractor
from keci.runtime.float_graphs import TENSORRT_OPSET, lowered, to_half
from keci.runtime.onnx_runtime import ort
from keci.runtime.providers import (
    CUDA,
    TENSORRT,
    engine_key,
    has_engines,
    provider_options,
    shape_profiles,
)
from keci.runtime.session import OnnxStage, use_gpu_stream
from tests.tiny import documents, tiny_knowledge_base


def _graphs(bundle: Path) -> list[Path]:
    stages = exported_stages(read_manifest(bundle).model)
    return [bundle / "fp32" / f"{name}.onnx" for name in stages]


def test_two_models_of_one_shape_keep_their_engines_apart(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    first = _graphs(tiny_bundle)[0]
    second = tmp_path / first.name
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1  # another weight, the same names and shapes
    second.write_bytes(content)
    same = shutil.copy(first, tmp_path / "copy.onnx")
    assert engine_key(first, "H100", ["x==1"]) == engine_key(Path(same), "H100", ["x==1"])
    keys = {
        engine_key(graph, gpu, versions)
        for graph in (first, second)
        for gpu in ("H100", "L4")
        for versions in (["x==1"], ["x==2"])
    }
    assert len(keys) == 8
    folders = {
        provider_options(TENSORRT, graph)["trt_engine_cache_path"] for graph in (first, Path(same))
    }
    assert len(folders) == 1


def test_every_open_input_has_a_profile_of_ascending_shapes(tiny_bundle: Path) -> None:
    for graph in _graphs(tiny_bundle):
        profiles = [
            dict(item.split(":") for item in shapes.split(","))
            for shapes in shape_profiles(graph).values()
        ]
        smallest, usual, largest = profiles
        assert smallest.keys() == usual.keys() == largest.keys()
        assert smallest
        for name, shape in smallest.items():
            sizes = [list(map(int, each[name].split("x"))) for each in profiles]
            assert len(shape.split("x")) == len(sizes[1])
            assert all(a <= b <= c for a, b, c in zip(*sizes, strict=True))


def test_no_batch_is_beyond_the_profiles(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else TensorRT would build an engine in the middle of a run."""
    words = "rash after abc and pain with drug"
    texts = documents(*["x"] * 600, *[words] * 600, " ".join([words] * 8), *[f"{words} x y"] * 90)
    seen: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    run = OnnxStage.run

    def watched(
        stage: OnnxStage, tensors: Mapping[str, torch.Tensor]
    ) -> Mapping[str, torch.Tensor]:
        for name in () if stage._has_nothing_to_do(tensors) else stage.input_names:
            seen[name].append(tuple(tensors[name].shape))
        return run(stage, tensors)

    monkeypatch.setattr(OnnxStage, "run", watched)
    sizes = BatchSizes.of("tensorrt")
    options = RuntimeOptions(batching=sizes.batching, pairs_at_once=sizes.pairs_at_once)
    list(open_extractor(tiny_bundle, tiny_knowledge_base(), options).predictor(texts))
    assert max(shape[0] for shape in seen["token_states"]) > sizes.batching.token_budget / 2
    for graph in _graphs(tiny_bundle):
        smallest, _, largest = (
            {name: tuple(map(int, shape.split("x"))) for name, shape in _pairs(shapes)}
            for shapes in shape_profiles(graph).values()
        )
        for name, least in smallest.items():
            assert seen[name]
            ranges = [*zip(least, largest[name], strict=True)]
            beyond = {
                shape
                for shape in seen[name]
                if not all(a <= b <= c for b, (a, c) in zip(shape, ranges, strict=True))
            }
            assert not beyond, (graph.name, name, ranges)


def _pairs(shapes: str) -> list[list[str]]:
    return [item.split(":") for item in shapes.split(",")]


def test_both_providers_compute_in_the_stream_that_is_given(tiny_bundle: Path) -> None:
    graph = _graphs(tiny_bundle)[0]
    for provider in (CUDA, TENSORRT):
        assert provider_options(provider, graph, stream=4096)["user_compute_stream"] == "4096"
        # ONNX Runtime takes the address 0, torch's usual stream, for none.
        assert "user_compute_stream" not in provider_options(provider, graph)


@pytest.mark.parametrize(("provider", "library"), [(CUDA, "cuda"), (TENSORRT, "tensorrt")])
def test_the_provider_of_this_version_knows_every_option(
    tiny_bundle: Path, provider: str, library: str
) -> None:
    """A misspelt option stops a session, which this machine could not open."""
    files = [*Path(ort.__file__).parent.glob(f"capi/*onnxruntime_providers_{library}.*")]
    if not files:
        pytest.skip("this ONNX Runtime is for CPUs alone")
    content = files[0].read_bytes()
    for graph in _graphs(tiny_bundle):
        for name in provider_options(provider, graph, stream=1):
            assert name.encode() + b"\0" in content, name


def test_half_precision_is_allowed_where_a_graph_has_it(tiny_bundle: Path, tmp_path: Path) -> None:
    plain = _graphs(tiny_bundle)[0]
    half = tmp_path / plain.name
    onnx.save(to_half(onnx.load(plain)), half)
    for graph, allowed in ((plain, "False"), (half, "True")):
        options = provider_options(TENSORRT, graph)
        assert options["trt_fp16_enable"] == options["trt_layer_norm_fp32_fallback"] == allowed


def test_a_graph_has_engines_when_some_were_built_for_it(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "user_cache_path", lambda name: tmp_path / name)
    first, second = _graphs(tiny_bundle)[:2]
    assert not has_engines(first)
    folder = Path(provider_options(TENSORRT, first)["trt_engine_cache_path"])
    folder.mkdir(parents=True)
    (folder / "timing.cache").touch()
    assert not has_engines(first)
    (folder / "TensorrtExecutionProvider_sm90.engine").touch()
    assert has_engines(first)
    assert not has_engines(second)


def test_the_arena_grows_by_what_is_asked_for(tiny_bundle: Path) -> None:
    graph = _graphs(tiny_bundle)[0]
    assert provider_options(CUDA, graph)["arena_extend_strategy"] == "kSameAsRequested"
    assert provider_options("CPUExecutionProvider", graph) == {}


on_a_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU"),
]


class TestOnAGpu:
    pytestmark = on_a_gpu

    def test_graphs_run_on_cuda(self, tiny_bundle: Path) -> None:
        for graph in _graphs(tiny_bundle):
            assert OnnxStage(graph, device="cuda").session.get_providers()[0] == CUDA

    def test_tensorrt_builds_engines_once_and_never_in_a_run(
        self, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(providers, "user_cache_path", lambda name: tmp_path / name)
        for graph in _graphs(tiny_bundle):
            lower = tmp_path / graph.name
            onnx.save(lowered(onnx.load(graph), TENSORRT_OPSET), lower)
            with pytest.raises(UsageError, match="keci-extract warm-up"):
                OnnxStage(lower, device="tensorrt")
            built = OnnxStage(lower, device="tensorrt", builds_engines=True)
            assert built.session.get_providers()[0] == TENSORRT
            OnnxStage(lower, device="tensorrt")

    def test_no_answer_changes_in_the_stream_of_torch(self, tiny_bundle: Path) -> None:
        texts = documents("rash after abc and pain", "pain with drug", "x")
        options = RuntimeOptions("fp32", device="cuda")
        predictor = open_extractor(tiny_bundle, tiny_knowledge_base(), options).predictor
        in_its_thread = list(predictor(texts))
        predictor.close()
        predictor._pool = None  # read in this thread, whose stream is another one
        assert list(predictor(texts)) == in_its_thread
        use_gpu_stream()
        assert list(predictor(texts)) == in_its_thread
