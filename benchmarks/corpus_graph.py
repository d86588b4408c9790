"""keci-graph over many documents: time, memory and counts.

    python -m benchmarks.corpus_graph --documents 100000
    python -m benchmarks.corpus_graph --documents 100000 --records entities.jsonl --keep graph/

The documents are made: concepts are drawn by Zipf's law, so that few are frequent and most are
rare, as in the literature. With ``--records`` they are those of keci-extract, repeated under new
ids. The counts of the graph must be those of the records, which are counted apart.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson

from keci.cli.options import errors_told

CONCEPTS = 200_000
MENTIONS = 20
RELATIONS = 4
WORD = "abcillin"


def write_counted(records: Iterable[dict[str, Any]], path: Path) -> tuple[int, int]:
    """Write records; how many mentions and relations they have."""
    mentions = relations = 0
    with path.open("wb") as file:
        for record in records:
            mentions += len(record["entities"])
            relations += len(record["relations"])
            file.write(orjson.dumps(record) + b"\n")
    return mentions, relations


def repeated_documents(path: Path, count: int) -> Iterator[dict[str, Any]]:
    """The records of a file again and again, each time with ids of their own."""
    records = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    for number, record in enumerate(islice(cycle(records), count)):
        yield {**record, "id": f"{record['id']}-{number // len(records)}"}


def made_documents(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """``count`` records with MENTIONS mentions and RELATIONS relations each."""
    chance = random.Random(seed)
    sentence = " ".join([f"{WORD} was given and was followed by {WORD} in some of these patients."])
    text = " ".join([sentence] * (MENTIONS // 2))
    starts = [at for at in range(len(text)) if text.startswith(WORD, at)][:MENTIONS]
    for number in range(count):
        yield _record(number, text, starts, chance)


def _record(number: int, text: str, starts: list[int], chance: random.Random) -> dict[str, Any]:
    entities = []
    for number, start in enumerate(starts):
        concept = min(int(chance.paretovariate(0.3)), CONCEPTS)
        concepts = [{"id": f"MESH:C{concept:06}", "name": f"c {concept}", "types": ["T121"],
                     "weight": 0.8, "xrefs": [f"CHEBI:{concept}"]}]  # fmt: skip
        linked = {"concepts": concepts, "context_weight": 0.2} if chance.random() < 0.7 else {}
        kind = ("Adverse-Effect", "Drug")[number % 2]
        entities.append({"id": f"T{number + 1}", "start": start, "end": start + len(WORD),
                         "text": WORD, "type": kind, "score": 0.9, **linked})  # fmt: skip
    relations = []
    said = ("present", "present", "negated")
    for number in range(RELATIONS):
        at = 1 + 2 * chance.randrange(len(starts) // 2)
        relations.append({"id": f"R{number + 1}", "head": f"T{at}", "tail": f"T{at + 1}",
                          "type": "Adverse-Effect", "score": round(chance.random(), 6),
                          "assertion": chance.choice(said)})  # fmt: skip
    return {"id": str(number), "text": text, "entities": entities, "relations": relations}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--formats", nargs="*", default=["kgx", "parquet"])
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--records", type=Path, help="records of keci-extract to repeat")
    parser.add_argument("--keep", type=Path, help="where the graph stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "entities.jsonl", options.keep or Path(folder) / "graph"
        documents = (
            repeated_documents(options.records, options.documents)
            if options.records
            else made_documents(options.documents)
        )
        mentions, relations = write_counted(documents, source)
        chosen = [item for name in options.formats for item in ("--format", name)]
        command = [sys.executable, "-c", "from keci.cli.graph import main; main()", str(source),
                   "-o", str(target), "--memory", options.memory, *chosen]  # fmt: skip
        began = time.monotonic()
        subprocess.run(command, check=True)
        took = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        report = {
            "documents": options.documents,
            "mentions": mentions,
            "relations": relations,
            "input_MB": source.stat().st_size // 10**6,
            "seconds": round(took, 1),
            "peak_MB": peak // 1024,
        }
        if "kgx" in options.formats:
            sums = _sums(target)
            assert sums["mention_count_of_nodes"] == mentions
            assert sums["evidence_count_of_edges"] == sums["evidence_lines"] == relations
            report |= sums
        print(json.dumps(report))


def _sums(folder: Path) -> dict[str, int]:
    """What the files of KGX add up to."""
    sums: dict[str, int] = {}
    for name, column in (("nodes", "mention_count"), ("edges", "evidence_count")):
        with (folder / f"{name}.tsv").open(encoding="utf-8") as lines:
            index = next(lines).rstrip("\n").split("\t").index(column)
            values = [int(line.rstrip("\n").split("\t")[index]) for line in lines]
        sums |= {name: len(values), f"{column}_of_{name}": sum(values)}
    with (folder / "evidence.tsv").open(encoding="utf-8") as lines:
        sums["evidence_lines"] = sum(1 for _ in lines) - 1
    return sums


if __name__ == "__main__":
    with errors_told():
        main()
