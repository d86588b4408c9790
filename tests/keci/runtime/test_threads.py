import pytest

from keci.runtime import threads as planning
from keci.runtime.threads import ThreadPlan, threads_of_processes


def test_threads_are_divided_between_batches_and_operators() -> None:
    plans = [ThreadPlan.divide(threads, "cpu") for threads in (1, 2, 4, 16)]
    assert [(plan.workers, plan.per_worker) for plan in plans] == [(1, 1), (2, 1), (4, 1), (4, 4)]
    for device in ("cuda", "tensorrt"):
        assert ThreadPlan.divide(16, device) == ThreadPlan(workers=1, per_worker=16)


@pytest.mark.parametrize("threads", range(1, 65))
def test_few_threads_are_left_over_and_none_is_added(threads: int) -> None:
    plan = ThreadPlan.divide(threads, "cpu")
    used = plan.workers * plan.per_worker
    assert threads - 1 <= used <= threads
    assert plan.workers >= min(threads, 2)


@pytest.mark.parametrize(
    ("threads", "processes", "device", "shares"),
    [
        (1, None, "cpu", [1]),
        (2, None, "cpu", [2]),
        (5, None, "cpu", [2, 2, 1]),
        (16, None, "cpu", [2] * 8),
        (64, None, "cpu", [4] * 16),
        (16, None, "cuda", [16]),
        (16, 1, "cpu", [16]),
        (7, 3, "cuda", [3, 2, 2]),
        (2, 4, "cpu", [1, 1, 1, 1]),
    ],
)
def test_threads_are_divided_between_processes(
    threads: int,
    processes: int | None,
    device: str,
    shares: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "usable_memory", lambda: None)
    assert threads_of_processes(threads, processes, device) == shares


@pytest.mark.parametrize(("gigabytes", "processes"), [(1, 1), (3, 1), (8, 4), (31, 8), (999, 8)])
def test_processes_fit_into_memory(
    gigabytes: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "usable_memory", lambda: gigabytes << 30)
    shares = threads_of_processes(16, None, "cpu")
    assert (len(shares), sum(shares)) == (processes, 16)
    assert len(threads_of_processes(16, 12, "cpu")) == 12


def test_all_cores_are_used_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "usable_cores", lambda: 6)
    assert sum(threads_of_processes(None, None, "cpu")) == 6
    assert ThreadPlan.divide(None, "cpu") == ThreadPlan(3, 2)
