"""SpERT (Eberts and Ulges 2020), run from a checkout of its code with a Python of its own.

It is trained with its defaults. Its predictions cover words and bear no scores; what it predicts is
what it asserts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.peers.measure import Command, Files
from benchmarks.peers.sentences import Sentence, read
from keci.documents import Extraction, Mention, Relation
from keci.errors import DataError

EPOCHS = 20


@dataclass(frozen=True, slots=True)
class Spert:
    """SpERT's code and Python, and the folder of the data."""

    code: Path
    python: Path
    folder: Path
    name: str = "SpERT"

    def training(self, epochs: int) -> Command:
        """Train on the training part; the model of the last epoch is the result."""
        config = {
            "label": "ade",
            "model_path": self.folder / "encoder",
            "tokenizer_path": self.folder / "encoder",
            "train_path": self.folder / "train.json",
            "valid_path": self.folder / "validation.json",
            "epochs": epochs,
            "final_eval": "true",
            "seed": 1,
            "log_path": self.folder / "spert" / "log",
            "save_path": self.folder / "spert" / "save",
        }
        return self._command("train", config)

    def prediction(self, files: Files) -> Command:
        """Predict the words of the sentences."""
        inputs = files.sentences.with_suffix(".spert.json")
        inputs.write_bytes(orjson.dumps([item.tokens for item in read(files.sentences)]))
        config = {
            "model_path": self._model(),
            "tokenizer_path": self._model(),
            "dataset_path": inputs,
            "predictions_path": files.output,
        }
        return self._command("predict", config)

    def extractions(self, files: Files) -> list[Extraction]:
        """What it predicted, over characters."""
        records = orjson.loads(files.output.read_bytes())
        return [
            extraction(sentence, record)
            for sentence, record in zip(read(files.sentences), records, strict=True)
        ]

    def _model(self) -> Path:
        found = sorted((self.folder / "spert" / "save").glob("ade/*/final_model"))
        if not found:
            raise DataError(f"{self.folder} holds no trained SpERT: run the command train first")
        return found[-1]

    def _command(self, verb: str, config: Mapping[str, object]) -> Command:
        settings = {
            "model_type": "spert",
            "types_path": self.folder / "types.json",
            "lowercase": "true",
            "sampling_processes": 0,
            "cpu": "true",
        }
        path = self.folder / f"spert-{verb}.conf"
        lines = [f"{name} = {value}\n" for name, value in {**settings, **config}.items()]
        path.write_text("[1]\n" + "".join(lines), "utf-8")
        return Command((self.python, "spert.py", verb, "--config", path), self.code)


def extraction(sentence: Sentence, record: dict[str, list[dict[str, object]]]) -> Extraction:
    """A sentence with what SpERT found: entities over words, relations between their numbers."""
    mentions = tuple(
        _mention(sentence, f"T{number}", entity)
        for number, entity in enumerate(record["entities"], start=1)
    )
    relations = tuple(
        Relation(
            f"R{number}",
            mentions[int(str(item["head"]))].id,
            mentions[int(str(item["tail"]))].id,
            str(item["type"]),
            1.0,
        )
        for number, item in enumerate(record["relations"], start=1)
    )
    return Extraction(sentence.id, sentence.text, mentions, relations)


def _mention(sentence: Sentence, mention_id: str, entity: dict[str, object]) -> Mention:
    first, end = int(str(entity["start"])), int(str(entity["end"]))
    start, stop = sentence.words[first][0], sentence.words[end - 1][1]
    return Mention(mention_id, start, stop, sentence.text[start:stop], str(entity["type"]), 1.0)
