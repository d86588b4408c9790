"""What the commands of keci-evaluate read: annotated documents, and what a model says of them."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.completion import completed_first, shipped_models
from keci.cli.options import KB_HELP, options_of, step_shown
from keci.documents import Extraction
from keci.errors import DataError, UsageError
from keci.options import REQUIRED, Options, option

if TYPE_CHECKING:
    from keci.data.gold import GoldDataset
    from keci.opening import ModelOptions
    from keci.prediction import Predictor

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Annotated:
    """The documents to score on; ``left_out`` are the ids of the others in the same file."""

    gold: "GoldDataset"
    left_out: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationInputs(Options):
    """The choice of annotated documents, and how models are run on them."""

    task: str = option(REQUIRED, "ade, biorelex, biored, or a schema file in TOML.")
    data: Path = option(REQUIRED, "Annotated documents.")
    ids: Path | None = option(
        None, "File with the ids of the documents of --data to use, one a line."
    )
    kb: Path | None = option(None, KB_HELP)
    without_kb: bool = option(False, "Run the model without a knowledge base.", "--no-kb")
    precision: str | None = option(None, "Precision of a bundle; its default one if not given.")

    def read_files(self, source: Path | None) -> Iterator[Path]:
        """What is read where ``source`` is evaluated: a file, or a model and what it reads."""
        yield from (path for path in (Path(self.task), self.data, self.ids) if path)
        yield from self._model_options(source or Path()).read_files()

    def load(self) -> Annotated:
        from keci.data.datasets import load_dataset
        from keci.data.splits import select_documents
        from keci.schema import load_schema

        dataset = load_dataset(self.data, load_schema(self.task))
        gold = select_documents(dataset, self.ids) if self.ids else dataset
        chosen = {document.id for document in gold.documents}
        return Annotated(gold, frozenset(item.id for item in dataset.documents) - chosen)

    def open_model(self, model: Path, annotated: Annotated) -> "Predictor":
        """The predictor of a run or bundle; raises UsageError where it has another task."""
        from keci.opening import open_model

        if model.is_file():
            raise UsageError(f"{model} is a file; a training run or a bundle is needed here")
        options = self._model_options(model)
        with step_shown(f"opening {model}"):
            predictor = open_model(options, reads_runs=True, needs_base=True).predictor
        if not predictor.schema.has_task_of(annotated.gold.schema):
            raise UsageError(f"{model} was trained for the task {predictor.schema.name!r}")
        return predictor

    def _model_options(self, model: Path) -> "ModelOptions":
        from keci.opening import ModelOptions

        return ModelOptions(
            model=str(model), kb=self.kb, without_kb=self.without_kb, precision=self.precision
        )

    def predictions(self, source: Path, annotated: Annotated) -> Sequence[Extraction]:
        """The predictions in a file, or those that a run or bundle makes.

        A model reads each annotated document as keci-extract reads one with ``--unit document``.
        """
        if source.is_file():
            return read_predictions(source, annotated)
        return list(_read(self.open_model(source, annotated), annotated))


def _read(predictor: "Predictor", annotated: Annotated) -> Iterator[Extraction]:
    """Raises DataError at a document that cannot be read."""
    from keci.corpus.extraction import CorpusExtractor
    from keci.corpus.records import records_of
    from keci.text.sentences import DOCUMENT

    documents = (document.extraction.document for document in annotated.gold.documents)
    for chunk in CorpusExtractor(predictor, unit=DOCUMENT)(records_of("gold", documents)):
        for result in chunk:
            if not isinstance(result.outcome, Extraction):
                raise DataError(f"{result.outcome.id!r} cannot be read: {result.outcome.reason}")
            yield result.outcome


def read_predictions(path: Path, annotated: Annotated) -> Sequence[Extraction]:
    """The predictions in a file for the chosen documents."""
    from keci.data.predictions import load_predictions

    gold = annotated.gold
    predictions = load_predictions(path, gold.schema, gold=gold)
    chosen = [item for item in predictions if item.id not in annotated.left_out]
    if len(chosen) < len(predictions):
        message = "%s: %d of %d predictions are for documents that --ids leaves out"
        _LOGGER.info(message, path, len(predictions) - len(chosen), len(predictions))
    return chosen


evaluation_inputs = options_of(EvaluationInputs, "inputs")
"""Adds the options that choose documents and run models; the command gets them as ``inputs``."""

model_argument = click.argument(
    "model", type=click.Path(path_type=Path), shell_complete=completed_first(shipped_models)
)
"""Adds the run, bundle, shipped model or file that a subcommand looks at."""
