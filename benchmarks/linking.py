"""How fast texts are linked, and what an open knowledge base costs in time and memory.

``python -m benchmarks.linking --kb DIR``: links the texts of ../shared/data (BioRelEx, ADE) several
times on one core and reports the first pass and the best one, in words per second of CPU time.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.coverage import DATA, read_ade, read_biorelex
from keci.knowledge.base.store import open_knowledge_base
from keci.knowledge.graph import build_background
from keci.knowledge.linking.linker import Linker
from keci.text.words import find_words

BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kb", type=Path, required=True, help="folder of a knowledge base")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with biorelex/ and ade/")
    parser.add_argument("--passes", type=int, default=7)
    options = parser.parse_args()
    texts = [text for text, _ in read_biorelex(options.data / "biorelex" / "train.json")]
    texts += [text for text, _ in read_ade(options.data / "ade" / "train.json")]
    words = sum(len(find_words(text)[0]) for text in texts)
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
    main()
