"""GLiNER-RelEx (Stepanov and Shtopko 2024 and later), of the wheel ``gliner``, in its own Python.

It is trained by its own trainer. Its thresholds are chosen on the sentences that are scored, which
flatters it a little: for entities first, then for relations, in steps of .05.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from benchmarks.peers.measure import Command, Files
from keci.data.gold import GoldDataset
from keci.documents import Extraction, Mention
from keci.evaluation.evaluation import evaluate

PROGRAM = Path(__file__).with_name("relex_program.py").resolve()
ENCODER_RATE, UPPER_RATE = 1e-4, 5e-4
"""Those of recipes/ade.toml: GLiNER's own are for weights that it was trained with before."""
BATCH_SIZE = 8
THRESHOLDS = tuple(step / 20 for step in range(1, 20))


@dataclass(frozen=True, slots=True)
class Gliner:
    """A Python that has gliner, and the folder of the data."""

    python: Path
    folder: Path
    name: str = "GLiNER-RelEx"

    def training(self, epochs: int) -> Command:
        """Train on the training part; the model of the last step is the result."""
        return self._command(
            "train",
            ("--data", self.folder / "train.json"),
            ("--encoder", self.folder / "encoder"),
            ("--output", self.folder / "gliner"),
            ("--epochs", str(epochs)),
            ("--encoder-rate", str(ENCODER_RATE)),
            ("--upper-rate", str(UPPER_RATE)),
            ("--batch-size", str(BATCH_SIZE)),
        )

    def prediction(self, files: Files) -> Command:
        """Write all that it predicts for the sentences, however unlikely."""
        return self._command(
            "predict",
            ("--model", self.folder / "gliner" / "model"),
            ("--sentences", files.sentences),
            ("--output", files.output),
        )

    def extractions(self, files: Files) -> list[Extraction]:
        """All that it predicted; ``Thresholds`` tells what it asserts."""
        return [Extraction.from_record(orjson.loads(line)) for line in files.output.open("rb")]

    def _command(self, verb: str, *options: tuple[str, str | Path]) -> Command:
        words = (word for option in options for word in option)
        return Command((self.python, PROGRAM, verb, *words))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least scores of what is asserted."""

    entity: float
    relation: float

    def asserted(self, extraction: Extraction) -> Extraction:
        """What reaches the thresholds, as sure; a relation falls with an end of it."""
        mentions = {item.id: item for item in extraction.mentions if self._holds(item)}
        return replace(
            extraction,
            mentions=tuple(mentions.values()),
            relations=tuple(
                replace(item, score=1.0)
                for item in extraction.relations
                if {item.head, item.tail} <= mentions.keys() and (item.score or 0) >= self.relation
            ),
        )

    def _holds(self, mention: Mention) -> bool:
        return (mention.score or 0) >= self.entity


def choose(gold: GoldDataset, extractions: Sequence[Extraction]) -> Thresholds:
    """The thresholds of the highest entity F1 and, with that, of the highest relation F1."""

    def entity_f1(threshold: float) -> float:
        return _evaluated(gold, extractions, Thresholds(threshold, 0.0))[0]

    entity = max(THRESHOLDS, key=entity_f1)

    def relation_f1(threshold: float) -> float:
        return _evaluated(gold, extractions, Thresholds(entity, threshold))[1]

    return Thresholds(entity, max(THRESHOLDS, key=relation_f1))


def _evaluated(
    gold: GoldDataset, extractions: Sequence[Extraction], thresholds: Thresholds
) -> tuple[float, float]:
    evaluation = evaluate(gold, [thresholds.asserted(item) for item in extractions])
    return evaluation.entity.f1, evaluation.relation.f1
