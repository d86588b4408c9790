"""What the hardware could do: matrix products a second, and what a sentence needs of them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from keci.batch import BatchBuilder
from keci.documents import Document
from keci.model.network import Network
from keci.prediction import to_tensors

SIZE = 1024
SECONDS = 0.5
_OPSET, _IR = 21, 10
Product = Callable[[], object]
Numbers = npt.NDArray[np.generic]


def gemm_peak(precision: str, device: torch.device, threads: int) -> float:
    """Operations a second of large matrix products in the arithmetic of a precision.

    That is 8-bit integers for int8 on the CPU, half precision for fp16 on a GPU, else fp32. On the
    CPU each thread multiplies on its own and counts its own processor time, so that the peak is
    that of the cores, whatever else runs on them.
    """
    if device.type == "cuda":
        half = precision == "fp16"
        product = _on_gpu(torch.float16 if half else torch.float32, device)
        return _rate([product], time.perf_counter)
    make = _of_integers if precision == "int8" else _of_floats
    intra_op = torch.get_num_threads()
    try:
        return _rate([make() for _ in range(threads)], time.thread_time)
    finally:
        torch.set_num_threads(intra_op)


def _rate(products: Sequence[Product], clock: Callable[[], float]) -> float:
    def repeat(multiply: Product) -> float:
        multiply()
        count, started = 0, clock()
        while (passed := clock() - started) < SECONDS:
            multiply()
            count += 1
        return count / passed

    # A thread whose first operation is a matrix product has the process's number of threads.
    one_each = partial(torch.set_num_threads, 1)
    with ThreadPoolExecutor(len(products), initializer=one_each) as pool:
        return 2.0 * SIZE**3 * sum(pool.map(repeat, products))


def _on_gpu(kind: torch.dtype, device: torch.device) -> Product:
    left, right = (torch.rand(SIZE, SIZE, device=device).to(kind) for _ in range(2))

    def multiply() -> None:
        left @ right
        torch.cuda.synchronize(device)

    return multiply


def _of_floats() -> Product:
    chance = np.random.default_rng(0)
    values, weight = (chance.random((SIZE, SIZE), dtype=np.float32) for _ in range(2))
    return _in_onnxruntime("MatMul", values, weight, (TensorProto.FLOAT, TensorProto.FLOAT))


def _of_integers() -> Product:
    chance = np.random.default_rng(0)
    values = chance.integers(0, 255, (SIZE, SIZE)).astype(np.uint8)
    weight = chance.integers(-127, 127, (SIZE, SIZE)).astype(np.int8)
    kinds = (TensorProto.UINT8, TensorProto.INT32)
    return _in_onnxruntime("MatMulInteger", values, weight, kinds)


def _in_onnxruntime(
    operator: str, values: Numbers, weight: Numbers, kinds: tuple[int, int]
) -> Product:
    """One product on one thread; ``kinds`` are the element types of values and product."""
    graph = helper.make_graph(
        [helper.make_node(operator, ["values", "weight"], ["product"])],
        "peak",
        [helper.make_tensor_value_info("values", kinds[0], [SIZE, SIZE])],
        [helper.make_tensor_value_info("product", kinds[1], [SIZE, SIZE])],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"values": values})


def operations_per_sentence(
    network: Network, builder: BatchBuilder, sentences: Sequence[Document]
) -> float:
    """Mean of the additions and multiplications in the matrix products of one forward pass.

    Every sentence runs alone, so that padding does not count.
    """
    network.requires_grad_(False)  # the counter follows gradients where there are any
    total = 0
    for text in builder.prepare(sentences):
        batch = builder.build([text])
        if not len(text.spans):
            continue
        counter = FlopCounterMode(display=False)
        with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), counter:
            network(to_tensors(batch, torch.device("cpu")))
        total += counter.get_total_flops()
    return total / max(len(sentences), 1)
