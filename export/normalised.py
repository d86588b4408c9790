"""Integers of what a layer norm gives, in steps that are the same for every row.

A layer norm gives all rows one size, so that each channel keeps to a range of its own, whatever
the text. The range is cut into steps, and a second layer norm beside the first, with another gain
and bias, gives values whose integers these are: no row has to be measured, and no product scaled.
"""

from typing import NamedTuple

import numpy as np
import onnx

from keci.runtime.integers import Weights


class ChannelRange(NamedTuple):
    """The least, the largest and the mean value (width,) of each channel."""

    least: Weights
    largest: Weights
    mean: Weights

    @property
    def peaks(self) -> Weights:
        """The largest size of each channel (width,)."""
        return np.maximum(np.abs(self.least), np.abs(self.largest))


NORMALISATION = "LayerNormalization"

_MARGIN = 1.2
"""By which the ranges of other texts may be wider than those that were seen."""

_ACTIVATION_SHARE = 0.85
"""How far steps follow the ranges of activations; the rest is the rows of the weights.

Of 0.5, 0.7, 0.85 and 1 it gave the least error of products on MiniLM (docs/decisions/precision.md).
"""
_SMALLEST = 1e-5
_CENTRE, _REACH = 127.5, 127.0


class Steps(NamedTuple):
    """x is read as ``integer = round(x / sizes + offsets)``, 0 to 255; (width,) both."""

    sizes: Weights
    offsets: Weights


def fixed_steps(seen: ChannelRange, multiplied: Weights) -> Steps:
    """Steps for channels of these ranges, whose weights have rows of these sizes (width,)."""
    reach = np.maximum((seen.largest - seen.least) / 2 * _MARGIN, _SMALLEST)
    rows = np.maximum(multiplied, _SMALLEST)
    shares = reach**_ACTIVATION_SHARE / rows ** (1 - _ACTIVATION_SHARE)
    sizes = (shares * (reach / shares).max() / _REACH).astype(np.float32)
    centres = (seen.largest + seen.least) / 2
    return Steps(sizes, (_CENTRE - centres / sizes).astype(np.float32))


def shifted_normalisation(
    node: onnx.NodeProto, steps: Steps, gain: Weights, bias: Weights
) -> tuple[onnx.NodeProto, dict[str, Weights]]:
    """The layer norm that gives x / sizes + offsets, and its constants by name."""
    name = node.output[0]
    gain_name, bias_name, output = f"{name}.gain", f"{name}.bias", f"{name}.shifted"
    shifted = onnx.NodeProto()
    shifted.CopyFrom(node)
    shifted.name = output
    del shifted.input[1:], shifted.output[:]
    shifted.input.extend([gain_name, bias_name])
    shifted.output.append(output)
    weights = {
        gain_name: (gain / steps.sizes).astype(np.float32),
        bias_name: (bias / steps.sizes + steps.offsets).astype(np.float32),
    }
    return shifted, weights
