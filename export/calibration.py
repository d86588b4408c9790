"""What values the channels of activations take in an exported graph, seen on given inputs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor

from keci.export.normalised import ChannelRange
from keci.export.quantisation import multiplied_activations
from keci.runtime.session import OnnxStage


def channel_ranges(
    model: onnx.ModelProto, probes: Sequence[Mapping[str, Tensor]]
) -> dict[str, ChannelRange]:
    """The ranges of the channels of the activations that weights multiply."""
    names = list(multiplied_activations(model))
    if not names:
        return {}
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    del observed.graph.output[:]
    observed.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "observed.onnx"
        onnx.save(observed, str(path))
        stage = OnnxStage(path, device="cpu")
    runs = [stage.run(probe) for probe in probes]
    return {name: _range([run[name] for run in runs]) for name in names}


def _range(activations: Sequence[Tensor]) -> ChannelRange:
    rows = torch.cat([tensor.flatten(0, -2) for tensor in activations])
    return ChannelRange(rows.amin(0).numpy(), rows.amax(0).numpy(), rows.mean(0).numpy())
