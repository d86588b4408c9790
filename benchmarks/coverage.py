"""How many gold mentions a knowledge base knows: ``python -m benchmarks.coverage --kb DIR``.

Also how often the first candidate of a mention is of the kind that the gold type says (a gene, a
chemical, a disorder), and, in BioRED, the gold concept.
"""

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keci.cli.options import errors_told
from keci.formats import pubtator
from keci.knowledge.base.store import KnowledgeBase, open_knowledge_base
from keci.knowledge.base.vocabulary import GROUP_OF_TYPE
from keci.knowledge.linking.linker import Linker
from keci.text.words import find_words

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
Gold = dict[tuple[int, int], tuple[str, str]]
"""Type and identifier of each span; the identifier is empty where a corpus has none."""

NER = ("BC5CDR", "NCBI-disease", "BC2GM")
PROTEINS = frozenset({"T028", "T116", "T126", "T192"})
KINDS = {
    "gene": ("Gene", "Protein", "protein", "GENE", "GeneOrGeneProduct", "Protein-family"),
    "chemical": ("Chemical", "chemical", "Drug", "ChemicalEntity"),
    "disorder": ("Disease", "DiseaseOrPhenotypicFeature", "Adverse-Effect"),
}
KIND_OF_TYPE = {name: kind for kind, names in KINDS.items() for name in names}


@dataclass(slots=True)
class Coverage:
    """Counts over the texts of a corpus; a mention is covered if its exact span has a candidate.

    ``first`` counts what is said of first candidates: "typed" mentions, those that are "fitting";
    "identified" mentions, those that are "right".
    """

    mentions: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    candidates: int = 0
    first: Counter[str] = field(default_factory=Counter)
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
            "first_fits_percent": _percent(self.first["fitting"], self.first["typed"]),
            "first_is_gold_percent": _percent(self.first["right"], self.first["identified"]),
            "noise_per_text": round(self.noise / self.texts, 2),
            "tokens_per_cpu_second": round(self.tokens / self.seconds),
        }


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def measure(texts: Iterable[tuple[str, Gold]], linker: Linker) -> Coverage:
    """Link the texts and compare with their gold mentions."""
    result = Coverage()
    for text, gold in texts:
        result.texts += 1
        result.tokens += len(find_words(text)[0])
        started = time.process_time()
        mentions = linker.link(text)
        result.seconds += time.process_time() - started
        found = {(mention.start, mention.end): mention.concepts for mention in mentions}
        for span, (kind, identifier) in gold.items():
            result.mentions[kind] += 1
            if span in found:
                result.covered[kind] += 1
                result.candidates += len(found[span])
                result.first.update(_judged(linker.knowledge_base, found[span], kind, identifier))
            else:
                result.missed[f"{kind}: {text[span[0] : span[1]]}"] += 1
        result.noise += sum(span not in gold for span in found)
    return result


def _judged(
    base: KnowledgeBase, candidates: Sequence[int], kind: str, identifier: str
) -> Iterator[str]:
    """What counts of a mention's candidates, of which the gold concept may be one."""
    wanted = KIND_OF_TYPE.get(kind)
    if wanted:
        yield "typed"
        if _kind_of(base.types(candidates[0])) == wanted:
            yield "fitting"
    ids = [_local_ids(base, concept) for concept in candidates] if identifier else []
    if any(identifier in names for names in ids):
        yield "identified"
        if identifier in ids[0]:
            yield "right"


def _kind_of(types: Iterable[str]) -> str:
    codes = frozenset(types)
    if codes & PROTEINS:
        return "gene"
    groups = {GROUP_OF_TYPE.get(code) for code in codes}
    if "chemicals" in groups:
        return "chemical"
    return "disorder" if "disorders" in groups else ""


def _local_ids(base: KnowledgeBase, concept: int) -> set[str]:
    """The ids of a concept without their vocabularies, as BioRED writes them."""
    named = (*base.sources(concept), *base.xrefs(concept))
    return {name.rpartition(":")[2] for name in named if name.startswith(("MESH:", "NCBIGENE:"))}


def read_biorelex(path: Path) -> Iterator[tuple[str, Gold]]:
    for record in json.loads(path.read_text("utf-8")):
        yield (
            record["text"],
            {
                (start, end): (entity["label"], "")
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
                (starts[entity["start"]], starts[entity["end"]] - 1): (entity["type"], "")
                for entity in record["entities"]
            },
        )


def read_ner(path: Path) -> Iterator[tuple[str, Gold]]:
    with gzip.open(path) as lines:
        for line in lines:
            record = json.loads(line)
            spans = {(item["start"], item["end"]): item["type"] for item in record["entities"]}
            yield record["text"], {span: (kind, "") for span, kind in spans.items()}


def read_biored(path: Path) -> Iterator[tuple[str, Gold]]:
    for block in pubtator.blocks(path.read_bytes().split(b"\n")):
        document = pubtator.read_block(block)
        yield (
            document.text,
            {
                (row.start, row.end): (row.type, (*row.identifiers, "")[0])
                for row in document.mentions
            },
        )


def corpora(data: Path) -> Iterator[tuple[str, Path, Callable[[Path], Iterator[tuple[str, Gold]]]]]:
    yield "biorelex", data / "biorelex" / "train.json", read_biorelex
    yield "ade", data / "ade" / "train.json", read_ade
    for name in NER:
        yield name, data / "ner" / f"{name}.jsonl.gz", read_ner
    yield "biored", data / "biored" / "Train.PubTator", read_biored


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
    for name, path, reader in corpora(options.data):
        if not path.is_file():
            print(f"{name}: skipped, {path} is not there")
            continue
        result = measure(reader(path), linker)
        print(name, json.dumps(result.record(), indent=2))
        for mention, count in result.missed.most_common(options.missed):
            print(f"  {count:4d} {mention}")


if __name__ == "__main__":
    with errors_told():
        main()
