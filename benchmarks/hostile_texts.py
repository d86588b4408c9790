"""What texts that grow cost the linker: seconds and megabytes of each hostile family by size."""

import multiprocessing
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keci.knowledge.base.store import KnowledgeBase, open_knowledge_base
from keci.knowledge.linking.linker import Linker

FAMILIES = (
    "cell ", "TNF/IFN/", "protein kinase ", "IFN - ", "tumor necrosis factor (TNF) ",
    "acute lung injury ", "TNF+++", "TNF-alpha/IFN-gamma receptor kinase ", "IL-2 (IL) ", "  (A",
)  # fmt: skip
SIZES = (8_000, 32_000, 128_000)


def linked(kb: Path) -> Iterator[tuple[str, str, float, int]]:
    """Name, problem, seconds and megabytes of texts of a family, and of mixed families.

    16 times as long a text may not be 64 times as dear. POSIX only.
    """
    base = open_knowledge_base(kb)
    Linker(base).link("TNF activates NF-kappaB.")
    chance = random.Random(1)
    mixed = "".join(chance.choices(FAMILIES, k=SIZES[-1] // 4))
    long_words = " ".join(
        "".join(chance.choices("abcde", k=2000)) for _ in range(SIZES[-1] // 2000)
    )
    for family in (*FAMILIES, mixed, long_words):
        costs = [_cost(base, (family * (size // len(family) + 1))[:size]) for size in SIZES]
        seconds, megabytes = zip(*costs, strict=True)
        is_linear = seconds[-1] < 64 * seconds[0] + 0.1 and megabytes[-1] < 64 * max(
            megabytes[0], 1
        )
        told = ", ".join(
            f"{second:.2f} s and {megabyte} MB for {size:,}"
            for size, (second, megabyte) in zip(SIZES, costs, strict=True)
        )
        problem = "" if is_linear else "not linear"
        yield f"{family[:40]!r}: {told}", problem, round(seconds[-1], 2), megabytes[-1]


def _cost(base: KnowledgeBase, text: str) -> tuple[float, int]:
    """Processor seconds, and megabytes beyond those of the opened base, that a text takes.

    A process forked for it links the text, so that nothing is remembered from another one.
    """
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_link_and_tell, args=(base, text, sender))
    process.start()
    sender.close()
    told: tuple[float, int] = receiver.recv()
    process.join()
    return told


def _link_and_tell(base: KnowledgeBase, text: str, sender: Any) -> None:
    before, started = _peak_kilobytes(), time.process_time()
    Linker(base).link(text)
    seconds = time.process_time() - started
    sender.send((seconds, (_peak_kilobytes() - before) // 1024))


def _peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
