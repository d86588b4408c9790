"""The pipeline as keci-extract runs it, and its encoder alone on the batches that it makes."""

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from keci.corpus.extraction import CorpusExtractor
from keci.corpus.quarantine import Quarantine
from keci.corpus.reader import CorpusReader
from keci.corpus.run.streaming import StreamOutput
from keci.errors import DataError
from keci.formats.write import format_of
from keci.knowledge.base.store import open_knowledge_base
from keci.prediction import Predictor
from keci.runtime.extractor import Extractor, RuntimeOptions, open_extractor
from keci.stages import Stage

EncoderBatch = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Setup:
    """A bundle, the folder of the knowledge base that it reads, and how it runs."""

    bundle: Path
    base: Path
    precision: str | None
    device: str
    threads: int

    def open(self) -> Extractor:
        """The bundle ready to run; raises what ``open_extractor`` does."""
        options = RuntimeOptions(self.precision, self.device, self.threads)
        return open_extractor(self.bundle, open_knowledge_base(self.base), options)


class Pipeline:
    """A predictor that reads the jsonl file ``corpus`` sentence by sentence."""

    def __init__(self, predictor: Predictor, corpus: Path) -> None:
        self.predictor = predictor
        self.corpus = corpus
        self.extract = CorpusExtractor(predictor, unit="sentence")
        self.workers = max(predictor.workers, 1)

    @property
    def base_name(self) -> str | None:
        """The name of the knowledge base that is read."""
        knowledge = self.predictor.builder.knowledge
        return knowledge.base.name if knowledge else None

    def run(self) -> float:
        """Seconds from the file's text to jsonl bytes that nobody keeps.

        Raises DataError where a document fails, which would leave out work.
        """
        quarantine = Quarantine(None)
        output = StreamOutput(os.devnull, format_of(os.devnull, "jsonl"), quarantine)
        started = time.perf_counter()
        records = CorpusReader([str(self.corpus)]).read()
        output.write(self.extract(records), stop=lambda: False, watch=lambda _: None)
        seconds = time.perf_counter() - started
        if output.failed:
            raise DataError(f"{output.failed} of the documents could not be extracted")
        return seconds

    def encoder_batches(self) -> list[EncoderBatch]:
        """The encoder's inputs in a run, batch by batch."""
        encoder, *others = self.predictor.stages
        recorder = _Recorder(encoder)
        self.predictor.stages = [recorder, *others]
        try:
            self.run()
        finally:
            self.predictor.stages = [encoder, *others]
        return recorder.batches

    def run_encoder(self, batches: Sequence[EncoderBatch]) -> float:
        """Seconds that the encoder alone takes for the batches, as many at once as in a run."""
        encoder = self.predictor.stages[0]

        def encode(batch: EncoderBatch) -> None:
            with torch.inference_mode():
                encoder.run(batch)

        started = time.perf_counter()
        with ThreadPoolExecutor(self.workers) as pool:
            for _ in pool.map(encode, batches):
                pass
        finish_device(self.predictor.device)
        return time.perf_counter() - started


class _Recorder:
    """A stage that keeps what another one is given."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.batches: list[EncoderBatch] = []

    @property
    def input_names(self) -> tuple[str, ...]:
        return self.stage.input_names

    def run(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        self.batches.append({name: tensors[name] for name in self.input_names})
        return self.stage.run(tensors)


def finish_device(device: torch.device) -> None:
    """Wait for what a GPU has been given to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def padding_share(batches: Sequence[EncoderBatch]) -> float:
    """Share of the encoder's input that is padding."""
    cells = sum(batch["attention_mask"].numel() for batch in batches)
    filled = sum(int(batch["attention_mask"].sum()) for batch in batches)
    return 1 - filled / cells
