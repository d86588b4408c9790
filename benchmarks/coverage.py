"""How many gold mentions a knowledge base knows: ``python -m benchmarks.coverage --kb DIR``."""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keci.knowledge.base.store import open_knowledge_base
from keci.knowledge.linking.linker import Linker
from keci.text.words import find_words

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
Gold = dict[tuple[int, int], str]


@dataclass(slots=True)
class Coverage:
    """Counts over the texts of a corpus; a mention is covered if its exact span has a candidate."""

    mentions: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    candidates: int = 0
    noise: int = 0
    texts: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def record(self) -> dict[str, Any]:
        covered, total = sum(self.covered.values()), sum(self.mentions.values())
        return {
            "texts": self.texts,
            "mentions": total,
            "covered_percent": round(100 * covered / total, 2),
            "by_type": {
                name: {"mentions": count, "percent": round(100 * self.covered[name] / count, 1)}
                for name, count in self.mentions.most_common()
            },
            "candidates_per_covered_mention": round(self.candidates / covered, 2),
            "noise_per_text": round(self.noise / self.texts, 2),
            "tokens_per_cpu_second": round(self.tokens / self.seconds),
        }


def measure(texts: Iterable[tuple[str, Gold]], linker: Linker) -> Coverage:
    """Link the texts and compare with their gold mentions (start, end) -> type."""
    result = Coverage()
    for text, gold in texts:
        result.texts += 1
        result.tokens += len(find_words(text)[0])
        started = time.process_time()
        mentions = linker.link(text)
        result.seconds += time.process_time() - started
        found = {(mention.start, mention.end): mention.concepts for mention in mentions}
        for span, kind in gold.items():
            result.mentions[kind] += 1
            if span in found:
                result.covered[kind] += 1
                result.candidates += len(found[span])
            else:
                result.missed[f"{kind}: {text[span[0] : span[1]]}"] += 1
        result.noise += sum(span not in gold for span in found)
    return result


def read_biorelex(path: Path) -> Iterator[tuple[str, Gold]]:
    for record in json.loads(path.read_text("utf-8")):
        yield (
            record["text"],
            {
                (start, end): entity["label"]
                for entity in record["entities"]
                for name in entity["names"].values()
                if name["is_mentioned"]
                for start, end in name["mentions"]
            },
        )


def read_ade(path: Path) -> Iterator[tuple[str, Gold]]:
    """Tokens joined by single spaces."""
    for record in json.loads(path.read_text("utf-8")):
        starts = [0]
        for token in record["tokens"]:
            starts.append(starts[-1] + len(token) + 1)
        yield (
            " ".join(record["tokens"]),
            {
                (starts[entity["start"]], starts[entity["end"]] - 1): entity["type"]
                for entity in record["entities"]
            },
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kb", type=Path, required=True, help="folder of a knowledge base")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with biorelex/ and ade/")
    parser.add_argument("--max-candidates", type=int, default=6)
    parser.add_argument("--no-compounds", action="store_true", help="known names alone")
    parser.add_argument("--no-abbreviations", action="store_true", help="without short forms")
    parser.add_argument("--missed", type=int, default=0, help="list the most frequent misses")
    options = parser.parse_args()
    linker = Linker(
        open_knowledge_base(options.kb),
        max_candidates=options.max_candidates,
        compounds=not options.no_compounds,
        abbreviations=not options.no_abbreviations,
    )
    for name, reader in (("biorelex", read_biorelex), ("ade", read_ade)):
        path = options.data / name / "train.json"
        if not path.is_file():
            print(f"{name}: skipped, {path} is not there")
            continue
        result = measure(reader(path), linker)
        print(name, json.dumps(result.record(), indent=2))
        for mention, count in result.missed.most_common(options.missed):
            print(f"  {count:4d} {mention}")


if __name__ == "__main__":
    main()
