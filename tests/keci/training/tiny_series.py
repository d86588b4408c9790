"""Tiny runs for the tests of series and tuning: an encoder of random weights, six sentences."""

from pathlib import Path
from typing import Any

import orjson

from keci.config import TrainConfig
from keci.training.experiment import Experiment
from keci.training.lessons import NO_LESSONS, Lessons
from keci.training.run_data import DataFiles, Protocol, RunData, read_run_data
from tests.keci.data.annotations import write_jsonl
from tests.keci.training.sentences import annotated_sentences
from tests.tiny import CONFIG, SCHEMA, knowledge_config, tiny_knowledge_base
from tests.tiny_network import save_tiny_encoder

TRAIN = TrainConfig(
    epochs=2,
    batch_size=2,
    encoder_learning_rate=5e-3,
    upper_learning_rate=1e-2,
    validation_share=0.3,
    precision="fp32",
)
RESULT_NAMES = ("results.json", "results.csv", "scores.json", "metrics.csv", "best.safetensors")


def tiny_experiment(folder: Path, lessons: Lessons = NO_LESSONS) -> Experiment:
    """Runs with a random encoder that is kept in ``folder``, and the tiny knowledge base."""
    encoder, base = folder / "encoder", tiny_knowledge_base()
    if not encoder.exists():
        save_tiny_encoder(encoder)
    return Experiment(
        SCHEMA,
        str(encoder),
        knowledge_config(CONFIG, base),
        base=base,
        show_progress=False,
        lessons=lessons,
    )


def gold_file(folder: Path) -> Path:
    return write_jsonl(
        folder / "gold.jsonl", [sentence.to_record() for sentence in annotated_sentences()]
    )


def single_split(folder: Path) -> RunData:
    return read_run_data(DataFiles(gold_file(folder)), SCHEMA, TRAIN, protocol=Protocol.CLEAN)


def results(folder: Path) -> dict[str, bytes]:
    """What a series or a tuning leaves, by path: tables, scores and best weights."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.name in RESULT_NAMES
    }


def read(path: Path) -> Any:
    return orjson.loads(path.read_bytes())
