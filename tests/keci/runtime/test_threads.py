import os

import pytest

from keci.runtime.threads import ThreadPlan, threads_of_processes, usable_cores


def test_threads_are_divided_between_batches_and_operators() -> None:
    plans = [ThreadPlan.divide(threads, "cpu") for threads in (1, 2, 4, 16)]
    assert [(plan.workers, plan.per_worker) for plan in plans] == [(1, 1), (2, 1), (4, 1), (4, 4)]
    for device in ("cuda", "tensorrt"):
        assert ThreadPlan.divide(16, device) == ThreadPlan(workers=1, per_worker=16)


@pytest.mark.parametrize(
    ("threads", "processes", "device", "shares"),
    [
        (1, None, "cpu", [1]),
        (2, None, "cpu", [2]),
        (5, None, "cpu", [2, 2, 1]),
        (16, None, "cpu", [2] * 8),
        (16, None, "cuda", [16]),
        (16, 1, "cpu", [16]),
        (7, 3, "cuda", [3, 2, 2]),
        (2, 4, "cpu", [1, 1, 1, 1]),
    ],
)
def test_threads_are_divided_between_processes(
    threads: int, processes: int | None, device: str, shares: list[int]
) -> None:
    assert threads_of_processes(threads, processes, device) == shares


def test_all_cores_are_used_where_nothing_is_said() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    assert sum(threads_of_processes(None, None, "cpu")) == usable_cores()
    plan = ThreadPlan.divide(None, "cpu")
    assert plan.workers * plan.per_worker <= usable_cores()
