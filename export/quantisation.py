"""Matrix products on 8-bit integers, in which no row of activations depends on the others.

A row is one token, span or pair, and products are summed exactly. After a layer norm, which gives
all rows one size, the steps s of the channels are fixed (normalised.py); any other row has a scale
of its own, from itself alone:

    x W + b  =  q(x / s + z) Q(s W) * column scale + (b - z Q(s W) * column scale)
    x W + b  =  (q(x / s) Q(s W)) * row scale * column scale + x[o] W[o] + b

Channels that are far larger than the others would leave these few steps of the scale. Where
activations have either sign, the factors s share the range out between activations and weights
(SmoothQuant, Xiao et al. 2023); after an activation function the few outlying channels o are
multiplied in fp32.

Where a bias is added, it makes up for what rounding the weights takes from the product of a mean
row (bias correction, Nagel et al. 2019): without it scores rise.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from keci.export.normalised import NORMALISATION, ChannelRange, fixed_steps, shifted_normalisation
from keci.runtime.integers import Weights, quantise_columns

_CONTRIBUTED = "com.microsoft"
_NARROWEST = 16
"""Columns that a product must have: narrower ones, the classifiers, gain nothing."""
_LARGEST_INTEGER = 255
_SMALLEST_SCALE = 1e-12

_UNEVEN = 4
"""Times the median channel that one must reach at its peak for the channels to be smoothed."""

_OUTLYING = 8
"""Times the median channel that one must reach at its peak to stay in fp32."""

Channels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Range:
    """How the values of a row fit into 0..255: where zero lies, and the least value to expect."""

    zero: int
    least: float | None = None

    @property
    def smallest_scale(self) -> float:
        return max(-(self.least or 0.0) / max(self.zero, 1), _SMALLEST_SCALE)


_SYMMETRIC = _Range(128)
_RANGES = {"Relu": _Range(0, 0.0), "Gelu": _Range(20, -0.17)}
"""By the operator that makes the activations; anything else may be as negative as positive."""


@dataclass(frozen=True, slots=True)
class _Quantised:
    """Activations that are there as integers: zero point, factors s of their channels (width,).

    The factors of the ``outliers``, which are left out, are 0. Where steps are fixed there is no
    scale of rows, and ``offsets`` z (width,) have been added.
    """

    zero: int
    factors: Weights
    outliers: Channels
    offsets: Weights | None = None


@dataclass(slots=True)
class _Rewriting:
    """The nodes and initializers of the new graph, and which activations are quantised already.

    ``makers`` has the node that makes a tensor, ``biases`` the addition of a constant that is the
    only reader of one, ``multiplied`` the largest sizes of the rows (width,) of all weights that
    the activations are multiplied with.
    """

    weights: dict[str, onnx.TensorProto]
    makers: dict[str, onnx.NodeProto]
    biases: dict[str, onnx.NodeProto]
    ranges: Mapping[str, ChannelRange]
    multiplied: Mapping[str, Weights]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    quantised: dict[str, _Quantised] = field(default_factory=dict)

    def add(self, node: onnx.NodeProto) -> str:
        self.nodes.append(node)
        return str(node.output[0])

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(value, name)
        return name


def quantise_products(model: onnx.ModelProto, ranges: Mapping[str, ChannelRange]) -> None:
    """Turn the products of ``model`` with constant weights into products of 8-bit integers.

    ``ranges`` has those of the channels of its ``multiplied_activations``.
    """
    graph = model.graph
    rewriting = _Rewriting(
        {weight.name: weight for weight in graph.initializer},
        {output: node for node in graph.node for output in node.output},
        _constant_additions(graph),
        ranges,
        multiplied_activations(model),
    )
    absorbed = set[str]()
    for node in graph.node:
        if node.output[0] in absorbed:
            continue
        weight = _constant_factor(node, rewriting.weights)
        if weight is None:
            rewriting.nodes.append(node)
        else:
            absorbed.add(_quantise_product(node, weight, rewriting))
    del graph.node[:], graph.initializer[:]
    graph.node.extend(rewriting.nodes)
    graph.initializer.extend(_used_weights(rewriting))
    model.opset_import.append(helper.make_opsetid(_CONTRIBUTED, 1))


def multiplied_activations(model: onnx.ModelProto) -> dict[str, Weights]:
    """The activations that ``quantise_products`` turns into integers.

    With each the largest sizes (width,) of the rows of all weights that multiply it.
    """
    weights = {weight.name: weight for weight in model.graph.initializer}
    found: dict[str, Weights] = {}
    for node in model.graph.node:
        factor = _constant_factor(node, weights)
        if factor is not None:
            sizes = np.abs(factor).max(axis=1)
            found[node.input[0]] = np.maximum(sizes, found.get(node.input[0], 0))
    return found


def _used_weights(rewriting: _Rewriting) -> Iterator[onnx.TensorProto]:
    used = {name for node in rewriting.nodes for name in node.input}
    return (weight for name, weight in rewriting.weights.items() if name in used)


def _constant_factor(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> Weights | None:
    """The (rows, columns) that ``node`` multiplies with; None where it is no such product."""
    if node.op_type not in ("MatMul", "Gemm") or node.input[1] not in weights:
        return None
    attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    transposed = attributes.pop("transB", 0)
    plain = {"alpha": 1.0, "beta": 1.0, "transA": 0}
    weight = numpy_helper.to_array(weights[node.input[1]])
    if weight.ndim != 2 or any(value != plain.get(name) for name, value in attributes.items()):
        return None
    factor = weight.T if transposed else weight
    return factor if factor.shape[1] >= _NARROWEST else None


def _constant_additions(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """The additions of a constant vector by what they are added to, where that has no other use."""
    vectors = {weight.name for weight in graph.initializer if len(weight.dims) == 1}
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(output.name for output in graph.output)
    return {
        given: node
        for node in graph.node
        if node.op_type == "Add"
        for given, constant in (node.input, reversed(node.input))
        if constant in vectors and given not in vectors and uses[given] == 1
    }


def _quantise_product(node: onnx.NodeProto, factor: Weights, rewriting: _Rewriting) -> str:
    """Add the nodes of a product; the name of the tensor that they make.

    That is the sum with a bias where the graph adds one and it can be had at once.
    """
    activations, _, *bias = node.input
    product = node.output[0]
    if activations not in rewriting.quantised:
        rewriting.quantised[activations] = _quantise_activations(activations, rewriting)
    kind = rewriting.quantised[activations]
    values, scales = quantise_columns(factor * kind.factors[:, None])
    inputs = [
        f"{activations}.integers",
        rewriting.constant(f"{product}.factor", values),
        rewriting.constant("unit_scale", np.array(1, np.float32)),
        rewriting.constant(f"{product}.factor_scales", scales),
        rewriting.constant(f"zero_point_{kind.zero}", np.array(kind.zero, np.uint8)),
    ]
    addition = None if bias else rewriting.biases.get(product)
    bias = bias or [name for name in (addition.input if addition else ()) if name != product]
    output = addition.output[0] if addition else product
    total = _rounding_bias(factor, values, scales, kind, rewriting.ranges[activations])
    total = total + sum(numpy_helper.to_array(rewriting.weights[name]) for name in bias)
    if kind.offsets is not None:
        total -= kind.offsets @ (values * scales.astype(np.float64))
        inputs += ["", rewriting.constant(f"{product}.bias", total.astype(np.float32))]
        return rewriting.add(
            helper.make_node("MatMulIntegerToFloat", inputs, [output], domain=_CONTRIBUTED)
        )
    unscaled = rewriting.add(
        helper.make_node(
            "MatMulIntegerToFloat", inputs, [f"{product}.unscaled"], domain=_CONTRIBUTED
        )
    )
    terms = [rewriting.constant(f"{product}.bias", total.astype(np.float32))] if bias else []
    if kind.outliers.size:
        rows = rewriting.constant(f"{product}.outlying_factor", factor[kind.outliers])
        exact = helper.make_node("MatMul", [f"{activations}.outlying", rows], [f"{product}.exact"])
        terms.insert(0, rewriting.add(exact))
    names = [f"{product}.sum{number}" for number in range(len(terms))] + [output]
    rewriting.add(helper.make_node("Mul", [unscaled, f"{activations}.scales"], [names[0]]))
    for term, before, after in zip(terms, names, names[1:], strict=False):
        rewriting.add(helper.make_node("Add", [before, term], [after]))
    return str(output)


def _rounding_bias(
    factor: Weights,
    values: npt.NDArray[np.int8],
    scales: Weights,
    kind: _Quantised,
    seen: ChannelRange,
) -> npt.NDArray[np.float64]:
    """What rounding the weights takes from the product of a mean row, by column.

    Channels whose mean is far from zero turn errors of their weights into a shift of every row.
    """
    inner = np.divide(seen.mean, kind.factors, out=np.zeros_like(seen.mean), where=kind.factors > 0)
    exact = factor * kind.factors[:, None]
    lost: npt.NDArray[np.float64] = inner @ (exact - values * scales.astype(np.float64))
    return lost


def _quantise_activations(name: str, rewriting: _Rewriting) -> _Quantised:
    """Make integers of activations, a scale for each row, and the channels that stay in fp32."""
    maker = rewriting.makers.get(name)
    if maker is not None and maker.op_type == NORMALISATION:
        return _quantise_normalised(maker, rewriting)
    kind = _RANGES.get(maker.op_type if maker is not None else "", _SYMMETRIC)
    factors = _channel_factors(rewriting.ranges[name].peaks, rewriting.multiplied[name], kind)
    outliers = np.flatnonzero(factors == 0)
    inner = name
    if (factors != 1).any():
        inverse = np.divide(1, factors, out=np.zeros_like(factors), where=factors > 0)
        shares = rewriting.constant(f"{name}.shares", inverse)
        inner = rewriting.add(helper.make_node("Mul", [name, shares], [f"{name}.inner"]))
    if outliers.size:
        columns = rewriting.constant(f"{name}.outliers", outliers)
        rewriting.add(helper.make_node("Gather", [name, columns], [f"{name}.outlying"], axis=-1))
    scales = _scale_rows(inner, f"{name}.scales", kind, rewriting)
    shape = rewriting.add(helper.make_node("Shape", [scales], [f"{scales}.shape"]))
    zero = helper.make_tensor("value", TensorProto.UINT8, [1], [kind.zero])
    zeros = rewriting.add(
        helper.make_node("ConstantOfShape", [shape], [f"{name}.zeros"], value=zero)
    )
    integers = [f"{name}.integers"]
    rewriting.add(
        helper.make_node(
            "QuantizeLinear", [inner, scales, zeros], integers, axis=-1, block_size=len(factors)
        )
    )
    return _Quantised(kind.zero, factors, outliers)


def _quantise_normalised(maker: onnx.NodeProto, rewriting: _Rewriting) -> _Quantised:
    """Make integers of what a layer norm gives, in fixed steps."""
    name = str(maker.output[0])
    steps = fixed_steps(rewriting.ranges[name], rewriting.multiplied[name])
    gain, *bias = (numpy_helper.to_array(rewriting.weights[part]) for part in maker.input[1:])
    node, weights = shifted_normalisation(
        maker, steps, gain, bias[0] if bias else np.zeros_like(gain)
    )
    for key, value in weights.items():
        rewriting.constant(key, value)
    inputs = [
        rewriting.add(node),
        rewriting.constant("unit_scale", np.array(1, np.float32)),
        rewriting.constant("zero_point_0", np.array(0, np.uint8)),
    ]
    rewriting.add(helper.make_node("QuantizeLinear", inputs, [f"{name}.integers"]))
    return _Quantised(0, steps.sizes, np.zeros(0, np.int64), steps.offsets)


def _channel_factors(peaks: Weights, multiplied: Weights, kind: _Range) -> Weights:
    """Factors s of the channels (width,): 1 where nothing stands out, 0 for what stays in fp32."""
    typical = np.median(peaks[peaks > 0]) if peaks.any() else 0.0
    if kind is not _SYMMETRIC:
        return (peaks <= _OUTLYING * typical).astype(np.float32)
    if peaks.max() <= _UNEVEN * typical:
        return np.ones_like(peaks)
    smallest = np.float32(1e-5)
    factors: Weights = np.sqrt(np.maximum(peaks, smallest) / np.maximum(multiplied, smallest))
    return factors


def _scale_rows(name: str, scales: str, kind: _Range, rewriting: _Rewriting) -> str:
    """Scales (rows, 1) with which the largest value of each row just fits."""
    sizes = name
    if kind.least is None:
        sizes = rewriting.add(helper.make_node("Abs", [name], [f"{name}.sizes"]))
    last_axis = rewriting.constant("last_axis", np.array([-1]))
    step = rewriting.constant(
        f"step_{kind.zero}", np.array(1 / (_LARGEST_INTEGER - kind.zero), np.float32)
    )
    least = rewriting.constant(
        f"least_scale_{kind.zero}", np.array(kind.smallest_scale, np.float32)
    )
    wide = rewriting.add(
        helper.make_node("ReduceMax", [sizes, last_axis], [f"{name}.maxima"], keepdims=1)
    )
    # ONNX Runtime leaves the width as it was where there are no rows.
    first, second = (rewriting.constant(f"place_{at}", np.array([at])) for at in (0, 1))
    peaks = rewriting.add(
        helper.make_node("Slice", [wide, first, second, last_axis], [f"{name}.peaks"])
    )
    steps = rewriting.add(helper.make_node("Mul", [peaks, step], [f"{name}.steps"]))
    return rewriting.add(helper.make_node("Max", [steps, least], [scales]))
