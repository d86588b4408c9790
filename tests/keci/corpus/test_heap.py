import ctypes
import sys
from collections.abc import Iterator

import pytest

from keci.corpus.extraction import find_trim, give_back
from keci.corpus.metrics import Memory

MEGABYTE = 1 << 20
BLOCK = 64 << 10


@pytest.mark.skipif(find_trim() is None, reason="needs glibc")
def test_gaps_between_blocks_go_back_to_the_system() -> None:
    c = ctypes.CDLL(None)
    c.malloc.restype = ctypes.c_void_p
    blocks = [c.malloc(BLOCK) for _ in range(1600)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    for block in blocks[:-1]:
        c.free(ctypes.c_void_p(block))
    before = Memory().read()["rss_bytes"]
    give_back()
    assert before - Memory().read()["rss_bytes"] > 50 * MEGABYTE
    c.free(ctypes.c_void_p(blocks[-1]))


@pytest.fixture
def _other_system(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    find_trim.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    yield
    find_trim.cache_clear()


@pytest.mark.usefixtures("_other_system")
def test_other_systems_have_nothing_of_the_kind() -> None:
    assert find_trim() is None
    give_back()
