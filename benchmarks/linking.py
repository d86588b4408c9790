"""How fast texts are linked, and what an open knowledge base costs in time and memory.

``python -m benchmarks.linking --kb DIR``: links the texts of ../shared/data (BioRelEx, ADE) several
times on one core and reports the first pass and the best one, in words per second of CPU time.
With ``--against CHECKOUT`` the texts are linked by this code and by that of another checkout in
turn, in new processes, twice each: the first pass, before which nothing is remembered, and the
second. Above 1, this code is faster.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.coverage import DATA, read_ade, read_biorelex
from keci.cli.options import errors_told
from keci.knowledge.base.store import open_knowledge_base
from keci.knowledge.graph import build_background
from keci.knowledge.linking.linker import Linker
from keci.text.words import find_words

BATCH = 64
HERE = Path(__file__).resolve().parent.parent
TWO_PASSES = """
import hashlib, json, sys, time
from pathlib import Path
from keci.knowledge.base.store import open_knowledge_base
from keci.knowledge.linking.linker import Linker
texts = json.loads(Path(sys.argv[1]).read_bytes())
linker = Linker(open_knowledge_base(Path(sys.argv[2])))
seconds = []
for _ in range(2):
    start = time.process_time()
    links = [linker.link(text) for text in texts]
    seconds.append(time.process_time() - start)
print(json.dumps([*seconds, hashlib.sha256(repr(links).encode()).hexdigest()]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kb", type=Path, required=True, help="folder of a knowledge base")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with biorelex/ and ade/")
    parser.add_argument("--passes", type=int, default=7)
    parser.add_argument("--against", type=Path, help="another checkout, to be compared with")
    parser.add_argument("--rounds", type=int, default=11, help="with --against")
    options = parser.parse_args()
    texts = [text for text, _ in read_biorelex(options.data / "biorelex" / "train.json")]
    texts += [text for text, _ in read_ade(options.data / "ade" / "train.json")]
    words = sum(len(find_words(text)[0]) for text in texts)
    if options.against:
        compared = compare(texts, words, options.kb, options.against, options.rounds)
        print(json.dumps(compared, indent=2))
        return
    before = _resident_megabytes()
    opening = _best(lambda: open_knowledge_base(options.kb), 5)
    base = open_knowledge_base(options.kb)
    opened = _resident_megabytes()
    report: dict[str, object] = {
        "texts": len(texts),
        "words": words,
        "concepts": len(base),
        "open_ms": round(1000 * opening, 1),
        "resident_mb_before_open": before,
        "resident_mb_after_open": opened,
    }
    for name, switched in (("all rules", True), ("known names alone", False)):
        linker = Linker(base, compounds=switched, abbreviations=switched)
        passes = [_seconds(partial(_link, linker, texts)) for _ in range(options.passes)]
        report[name] = {
            "first_pass_words_per_s": round(words / passes[0]),
            "best_pass_words_per_s": round(words / min(passes)),
        }
    linker = Linker(base)
    linked = [linker.link(text) for text in texts]
    seconds = _best(
        lambda: [
            build_background(linked[start : start + BATCH], base)
            for start in range(0, len(linked), BATCH)
        ],
        3,
    )
    report["graphs_texts_per_s"] = round(len(texts) / seconds)
    report["resident_mb_at_the_end"] = _resident_megabytes()
    report["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(report, indent=2))


def compare(
    texts: Sequence[str], words: int, kb: Path, against: Path, rounds: int
) -> dict[str, object]:
    """Words a second of both passes and, as medians over the rounds, how many times the other's."""
    spent: dict[Path, list[list[float]]] = {HERE: [], against.resolve(): []}
    digests = set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.json"
        path.write_text(json.dumps(texts))
        for number in range(rounds):
            for checkout in list(spent)[:: 1 if number % 2 else -1]:
                *seconds, digest = _two_passes(checkout, path, kb.resolve())
                spent[checkout].append(seconds)
                digests.add(digest)
    report: dict[str, object] = {"texts": len(texts), "words": words, "same": len(digests) == 1}
    for number, name in enumerate(("first pass", "second pass")):
        these, others = ([pair[number] for pair in pairs] for pairs in spent.values())
        ratios = sorted(other / this for this, other in zip(these, others, strict=True))
        report[name] = {
            "words_per_s": round(words / median(these)),
            "others_words_per_s": round(words / median(others)),
            "ratio": round(median(ratios), 3),
            "lowest": round(ratios[0], 3),
            "highest": round(ratios[-1], 3),
        }
    return report


def _two_passes(checkout: Path, texts: Path, kb: Path) -> list[Any]:
    command = [sys.executable, "-P", "-c", TWO_PASSES, str(texts), str(kb)]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    found: list[Any] = json.loads(done.stdout)
    return found


def _link(linker: Linker, texts: list[str]) -> None:
    for text in texts:
        linker.link(text)


def _best(action: Callable[[], object], repeats: int) -> float:
    return min(_seconds(action) for _ in range(repeats))


def _seconds(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started


def _resident_megabytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


if __name__ == "__main__":
    with errors_told():
        main()
