"""What the GPU providers are told; running them needs a GPU."""

import shutil
from pathlib import Path

import pytest
import torch

pytest.importorskip("onnxscript")

from keci.runtime.bundle import exported_stages, read_manifest
from keci.runtime.providers import (
    CUDA,
    TENSORRT,
    engine_key,
    provider_options,
    shape_profiles,
)


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


def test_the_arena_grows_by_what_is_asked_for(tiny_bundle: Path) -> None:
    graph = _graphs(tiny_bundle)[0]
    assert provider_options(CUDA, graph)["arena_extend_strategy"] == "kSameAsRequested"
    assert provider_options("CPUExecutionProvider", graph) == {}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")
@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_graphs_run_on_a_gpu(tiny_bundle: Path, device: str) -> None:
    from keci.runtime.session import OnnxStage

    for graph in _graphs(tiny_bundle):
        assert OnnxStage(graph, device=device).session.get_providers()[0] != "CPUExecutionProvider"
