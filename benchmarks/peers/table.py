"""The table: predictions, scores, speed and memory of every system."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

from benchmarks.peers.measure import Command, Files, Usage, rate, run
from benchmarks.peers.sentences import SOME, read
from benchmarks.polarity import SENTENCES, judge, read_sentences, rows
from keci.data.gold import GoldDataset
from keci.documents import Extraction
from keci.evaluation.evaluation import evaluate

COLUMNS = (
    "system",
    "entity F1 (P / R)",
    "relation F1 (P / R)",
    "sentences/s",
    "peak MB",
    "wrongly asserted",
    "real ones found",
)
Asserted = Callable[[Extraction], Extraction]


class System(Protocol):
    """What is compared."""

    @property
    def name(self) -> str: ...

    def prediction(self, files: Files) -> Command: ...

    def extractions(self, files: Files) -> list[Extraction]: ...


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of a system; scores are precision, recall and F1 in percent."""

    system: str
    entity: tuple[float, float, float]
    relation: tuple[float, float, float]
    rate: float | None
    peak: float
    wrong: int
    found: int
    sentences: int
    real: int

    def cells(self) -> tuple[str, ...]:
        """The row as it is printed."""
        return (
            self.system,
            *(f"{f1:.2f} ({p:.1f} / {r:.1f})" for p, r, f1 in (self.entity, self.relation)),
            "too fast to tell" if self.rate is None else f"{self.rate:.0f}",
            f"{self.peak:.0f}",
            f"{self.wrong} of {self.sentences}",
            f"{self.found} of {self.real}",
        )


def measured(
    system: System,
    gold: GoldDataset,
    folder: Path,
    *,
    choose: Callable[[GoldDataset, Sequence[Extraction]], Asserted] | None = None,
) -> Row:
    """Run a system on the sentences of the folder and score it.

    ``choose`` tells from the predictions of the validation sentences what the system asserts.
    """
    whole, found = _predicted(system, folder, "validation")
    part, _ = _predicted(system, folder, "some")
    _, written = _predicted(system, folder, "polarity")
    asserted = choose(gold, found) if choose else None
    if asserted:
        found, written = ([*map(asserted, items)] for items in (found, written))
    evaluation = evaluate(gold, found)
    polarity = _polarity(written)
    row = Row(
        system.name,
        (evaluation.entity.precision, evaluation.entity.recall, evaluation.entity.f1),
        (evaluation.relation.precision, evaluation.relation.recall, evaluation.relation.f1),
        rate(whole, part, len(read(folder / "validation.jsonl")) - SOME),
        whole.peak,
        *(int(str(polarity[name])) for name in ("wrongly asserted", "found", "sentences", "real")),
    )
    _kept(system, folder).write_bytes(orjson.dumps(asdict(row), option=orjson.OPT_INDENT_2))
    return row


def kept(system: System, folder: Path) -> Row | None:
    """The figures that an earlier ``measured`` left in the folder."""
    path = _kept(system, folder)
    if not path.is_file():
        return None
    record: dict[str, Any] = orjson.loads(path.read_bytes())
    entity, relation = (tuple(record.pop(name)) for name in ("entity", "relation"))
    return Row(entity=entity, relation=relation, **record)


def _kept(system: System, folder: Path) -> Path:
    return folder / f"{_file_name(system)}.json"


def _predicted(system: System, folder: Path, name: str) -> tuple[Usage, list[Extraction]]:
    output = folder / f"{_file_name(system)}-{name}.jsonl"
    files = Files(folder / f"{name}.jsonl", output)
    usage = run(system.prediction(files), output.with_suffix(".log"))
    return usage, system.extractions(files)


def _file_name(system: System) -> str:
    return "-".join(system.name.lower().split())


def _polarity(written: Sequence[Extraction]) -> Mapping[str, object]:
    """The counts of all kinds together."""
    by_id = {item.id: item for item in written}
    return rows(judge(sentence, by_id[sentence.id]) for sentence in read_sentences(SENTENCES))[-1]
