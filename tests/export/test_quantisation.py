import numpy as np
import onnx
import pytest
from onnx import helper

from keci.export.normalised import ChannelRange
from keci.export.quantisation import multiplied_activations, quantise_products
from tests.export.graph_of import Array, graph_of, run

WIDTH, COLUMNS = 33, 24
NUMBERS = np.random.default_rng(5)
WEIGHT = NUMBERS.standard_normal((WIDTH, COLUMNS), np.float32)
BIAS = NUMBERS.standard_normal(COLUMNS, np.float32)
PRODUCT = helper.make_node("MatMul", ["x", "w"], ["y"])


def rows(count: int) -> Array:
    return NUMBERS.standard_normal((count, WIDTH), np.float32)


def quantised(model: onnx.ModelProto, ranges: dict[str, ChannelRange]) -> onnx.ModelProto:
    converted = onnx.ModelProto()
    converted.CopyFrom(model)
    quantise_products(converted, ranges)
    return converted


def ranges_of(x: Array, name: str = "x") -> dict[str, ChannelRange]:
    return {name: ChannelRange(x.min(axis=0), x.max(axis=0), x.mean(axis=0))}


def up_to(peaks: Array, name: str = "x") -> dict[str, ChannelRange]:
    return {name: ChannelRange(-peaks, peaks, np.zeros_like(peaks))}


def error(found: Array, expected: Array) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_products_stay_close() -> None:
    x = rows(40)
    model = quantised(graph_of([PRODUCT], {"w": WEIGHT}), ranges_of(x))
    assert "MatMulIntegerToFloat" in operators(model)
    assert error(run(model, x), x @ WEIGHT) < 0.02


def test_rounded_weights_do_not_shift_what_all_rows_have_in_common() -> None:
    x = rows(400) + 20 * rows(1)
    seen = ranges_of(x)
    unknown = {"x": seen["x"]._replace(mean=np.zeros(WIDTH, np.float32))}
    nodes = [PRODUCT, helper.make_node("Add", ["y", "b"], ["z"])]
    model, exact = graph_of(nodes, {"w": WEIGHT, "b": BIAS}, output="z"), x @ WEIGHT + BIAS
    shifts = [
        np.abs((run(quantised(model, ranges), x) - exact).mean(axis=0)).max()
        for ranges in (seen, unknown)
    ]
    assert shifts[0] < shifts[1] / 3


def test_a_row_does_not_depend_on_the_others() -> None:
    x = rows(9)
    model = quantised(graph_of([PRODUCT], {"w": WEIGHT}), ranges_of(x))
    together = run(model, np.concatenate([x, 1000 * rows(3)]))
    for place in range(len(x)):
        np.testing.assert_array_equal(run(model, x[place : place + 1])[0], together[place])


def test_shuffled_rows_give_shuffled_answers() -> None:
    x, order = rows(12), NUMBERS.permutation(12)
    model = quantised(graph_of([PRODUCT], {"w": WEIGHT}), ranges_of(x))
    np.testing.assert_array_equal(run(model, x[order]), run(model, x)[order])


def test_no_rows_and_zero_rows() -> None:
    model = quantised(graph_of([PRODUCT], {"w": WEIGHT}), ranges_of(rows(4)))
    assert run(model, rows(0)).shape == (0, COLUMNS)
    np.testing.assert_array_equal(run(model, np.zeros((2, WIDTH), np.float32)), 0)


def test_gemm_keeps_its_bias_and_transposition() -> None:
    x = rows(8)
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)
    model = quantised(
        graph_of([node], {"w": np.ascontiguousarray(WEIGHT.T), "b": BIAS}), ranges_of(x)
    )
    assert "Gemm" not in operators(model)
    assert error(run(model, x), x @ WEIGHT + BIAS) < 0.02


def test_large_channels_do_not_drown_the_others() -> None:
    x = rows(30)
    x[:, 7] *= 300
    weight = WEIGHT.copy()
    weight[7] /= 300
    model = graph_of([PRODUCT], {"w": weight})
    smoothed = error(run(quantised(model, ranges_of(x)), x), x @ weight)
    plain = error(run(quantised(model, up_to(np.ones(WIDTH, np.float32))), x), x @ weight)
    assert smoothed < 0.02 < 10 * smoothed < plain


@pytest.mark.parametrize("operator", ["Gelu", "Relu"])
def test_outliers_after_an_activation_function_stay_in_fp32(operator: str) -> None:
    x = rows(30)
    x[:, 3] = 500
    nodes = [
        helper.make_node(operator, ["x"], ["active"]),
        helper.make_node("MatMul", ["active", "w"], ["y"]),
    ]
    model = graph_of(nodes, {"w": WEIGHT})
    active = np.maximum(np.abs(x).max(axis=0), 1)
    converted = quantised(model, up_to(active, "active"))
    expected = run(model, x)
    without = WEIGHT[3] * 500
    assert "Gather" in operators(converted)
    assert error(run(converted, x) - without, expected - without) < 0.02


@pytest.mark.parametrize("operator", ["Gelu", "Relu"])
def test_small_activations_are_not_cut_off(operator: str) -> None:
    x = 0.3 * rows(30)
    nodes = [
        helper.make_node(operator, ["x"], ["active"]),
        helper.make_node("MatMul", ["active", "w"], ["y"]),
    ]
    model = graph_of(nodes, {"w": WEIGHT})
    converted = quantised(model, up_to(np.ones(WIDTH, np.float32), "active"))
    assert error(run(converted, x), run(model, x)) < 0.03


def test_channels_that_never_fire_make_no_outliers_of_the_others() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["active"]),
        helper.make_node("MatMul", ["active", "w"], ["y"]),
    ]
    peaks = np.zeros(WIDTH, np.float32)
    peaks[:5] = 1
    converted = quantised(graph_of(nodes, {"w": WEIGHT}), up_to(peaks, "active"))
    assert "Gather" not in operators(converted)


def test_one_set_of_integers_serves_several_products() -> None:
    x = rows(5)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["x", "v"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    model = quantised(graph_of(nodes, {"w": WEIGHT, "v": 2 * WEIGHT}), ranges_of(x))
    assert operators(model).count("QuantizeLinear") == 1
    assert error(run(model, x), 3 * (x @ WEIGHT)) < 0.02


def test_one_weight_serves_several_products() -> None:
    weight = NUMBERS.standard_normal((WIDTH, WIDTH), np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["first"]),
        helper.make_node("Mul", ["first", "uneven"], ["inner"]),
        helper.make_node("MatMul", ["inner", "w"], ["y"]),
    ]
    uneven = np.ones(WIDTH, np.float32)
    uneven[5] = 300
    model, x = graph_of(nodes, {"w": weight, "uneven": uneven}), rows(30)
    inner = (x @ weight) * uneven
    converted = quantised(model, ranges_of(x) | ranges_of(inner, "inner"))
    assert error(run(converted, x), inner @ weight) < 0.03


@pytest.mark.parametrize(
    ("node", "weight"),
    [
        (PRODUCT, WEIGHT[:, :3]),
        (helper.make_node("Gemm", ["x", "w"], ["y"], alpha=0.5), WEIGHT),
        (helper.make_node("Gemm", ["x", "w"], ["y"], transA=1), WEIGHT),
        (PRODUCT, WEIGHT[None]),
    ],
)
def test_other_products_are_left_alone(node: onnx.NodeProto, weight: Array) -> None:
    model = graph_of([node], {"w": np.ascontiguousarray(weight)})
    assert multiplied_activations(model) == {}
    assert operators(quantised(model, {})) == operators(model)


NORMALISED = [
    helper.make_node("LayerNormalization", ["x", "gain", "shift"], ["n"], axis=-1),
    helper.make_node("MatMul", ["n", "w"], ["product"]),
    helper.make_node("Add", ["product", "b"], ["y"]),
]


def normalisation() -> tuple[dict[str, Array], dict[str, ChannelRange]]:
    """Weights of NORMALISED, a channel of which is large and weighs little, and the ranges."""
    gain, shift = NUMBERS.uniform(0.2, 2, WIDTH), NUMBERS.standard_normal(WIDTH)
    gain[4], shift[9] = 20, 30
    weight = WEIGHT.copy()
    weight[4] /= 20
    weights = {"gain": gain, "shift": shift, "w": weight, "b": BIAS}
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    seen = run(graph_of(NORMALISED[:1], weights, output="n"), rows(200))
    return weights, ranges_of(seen, "n")


def test_after_a_layer_norm_steps_are_fixed_and_the_bias_is_in_the_product() -> None:
    weights, ranges = normalisation()
    model = graph_of(NORMALISED, weights)
    converted = quantised(model, ranges)
    assert sorted(set(operators(converted))) == [
        "LayerNormalization", "MatMulIntegerToFloat", "QuantizeLinear",
    ]  # fmt: skip
    x = 1000 * rows(40)
    assert error(run(converted, x), run(model, x)) < 0.02


def test_the_sum_after_a_layer_norm_may_be_written_the_other_way_round() -> None:
    weights, ranges = normalisation()
    nodes = [*NORMALISED[:2], helper.make_node("Add", ["b", "product"], ["y"])]
    x = rows(10)
    turned = run(quantised(graph_of(nodes, weights), ranges), x)
    np.testing.assert_array_equal(turned, run(quantised(graph_of(NORMALISED, weights), ranges), x))


def test_what_else_is_read_of_a_layer_norm_and_its_products_stays() -> None:
    weights, ranges = normalisation()
    nodes = [
        *NORMALISED[:2],
        helper.make_node("Add", ["product", "b"], ["sum"]),
        helper.make_node("Mul", ["sum", "product"], ["squared"]),
        helper.make_node("MatMul", ["n", "v"], ["other"]),
        helper.make_node("Mul", ["squared", "other"], ["y"]),
    ]
    model = graph_of(nodes, {**weights, "v": weights["w"][:, ::-1].copy()})
    converted, x = quantised(model, ranges), rows(10)
    assert operators(converted).count("QuantizeLinear") == 1
    assert operators(converted).count("Add") == 1
    assert error(run(converted, x), run(model, x)) < 0.05


def test_values_beyond_the_seen_range_are_read_as_its_end() -> None:
    weights, ranges = normalisation()
    narrow = {"n": ChannelRange(*(0.5 * part for part in ranges["n"]))}
    x = rows(40)
    expected = run(graph_of(NORMALISED, weights), x)
    assert 0.02 < error(run(quantised(graph_of(NORMALISED, weights), narrow), x), expected) < 1


def test_a_row_after_a_layer_norm_does_not_depend_on_the_others() -> None:
    weights, ranges = normalisation()
    converted, x = quantised(graph_of(NORMALISED, weights), ranges), rows(9)
    together = run(converted, np.concatenate([x, 1000 * rows(3)]))
    for place in range(len(x)):
        np.testing.assert_array_equal(run(converted, x[place : place + 1])[0], together[place])
