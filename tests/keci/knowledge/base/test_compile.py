"""What a build says of its memory, on systems that count it otherwise or not at all."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from keci.knowledge.base.compile import BuildClock, peak_memory_mb


def _resource(peak: int) -> ModuleType:
    module = ModuleType("resource")
    module.RUSAGE_SELF = 0  # type: ignore[attr-defined]  # made here
    module.getrusage = lambda _: SimpleNamespace(ru_maxrss=peak)  # type: ignore[attr-defined]  # as above
    return module


@pytest.mark.parametrize(
    ("system", "peak", "expected"), [("linux", 3 << 10, 3), ("darwin", 3 << 20, 3)]
)
def test_the_peak_is_in_megabytes(
    system: str, peak: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resource", _resource(peak))
    monkeypatch.setattr(sys, "platform", system)
    assert peak_memory_mb() == expected


def test_a_system_that_does_not_tell_builds_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory_mb() is None
    assert BuildClock().record()["peak_memory_mb"] is None
