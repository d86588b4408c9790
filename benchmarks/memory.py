"""The most memory that a process takes which does nothing but extract.

``python -m benchmarks.memory BUNDLE CORPUS ...`` prints it; other parts of a benchmark would add
to it, so that they ask for it in a process of its own. With ``--steps`` it prints what the process
holds when libraries are imported, when the model is opened, and when the corpus is read: resident,
proportional (a page that n processes share counts an nth) and private megabytes. Linux only.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.pipeline import Pipeline, Setup
from keci.cli.options import errors_told


def peak_rss_megabytes(setup: Setup, corpus: Path) -> float:
    """Measured in a new process; raises CalledProcessError where that fails."""
    command = [
        sys.executable, "-m", "benchmarks.memory", str(setup.bundle), str(corpus),
        "--kb", str(setup.base), "--device", setup.device, "--threads", str(setup.threads),
        *(("--precision", setup.precision) if setup.precision else ()),
    ]  # fmt: skip
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True, text=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("corpus", type=Path, help="jsonl file")
    parser.add_argument("--kb", type=Path, required=True)
    parser.add_argument("--precision")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", action="store_true", help="what is held after each step")
    chosen = parser.parse_args()

    setup = Setup(chosen.bundle, chosen.kb, chosen.precision, chosen.device, chosen.threads)
    steps = {"imported": held()}
    pipeline = Pipeline(setup.open().predictor, chosen.corpus)
    steps["opened"] = held()
    pipeline.run()
    steps["read"] = held()
    print(json.dumps(steps) if chosen.steps else _high_water_mark())


def held(process: int | str = "self") -> dict[str, int]:
    """Megabytes that a process holds now."""
    kilobytes = {}
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]:
        name, size, _ = line.split()
        kilobytes[name.rstrip(":")] = int(size)
    return {
        "resident": kilobytes["Rss"] // 1024,
        "proportional": kilobytes["Pss"] // 1024,
        "private": (kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]) // 1024,
    }


def _high_water_mark() -> float:
    """Megabytes; of this program alone, where getrusage would count its parent's as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    with errors_told():
        main()
