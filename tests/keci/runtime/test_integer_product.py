import numpy as np
import pytest
import torch

from keci.runtime import integers as integer_product
from keci.runtime.integers import IntegerProduct, integer_type, kernel_is_faster


@pytest.mark.parametrize("uses_kernel", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 9])
def test_products_are_exact_by_either_means(
    uses_kernel: bool, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integer_product, "kernel_is_faster", lambda: uses_kernel)
    random = np.random.default_rng(4)
    left = torch.from_numpy(random.integers(-127, 128, (rows, 1024), np.int8))
    right = torch.from_numpy(random.integers(-63, 64, (1024, 33), np.int8))
    product = IntegerProduct(right)
    given = left.to(integer_type(left.device))
    assert given.dtype == (torch.int8 if uses_kernel else torch.float32)
    assert torch.equal(product(given).long(), left.long() @ right.long())


def test_a_slow_kernel_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def plain_loop(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return torch.stack([row @ right.long() for row in left.long()])

    monkeypatch.setattr(torch, "_int_mm", plain_loop)
    kernel_is_faster.cache_clear()
    assert not kernel_is_faster()
    kernel_is_faster.cache_clear()


def test_a_missing_kernel_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    monkeypatch.setattr(torch, "_int_mm", refuse)
    kernel_is_faster.cache_clear()
    assert not kernel_is_faster()
    kernel_is_faster.cache_clear()
