"""The report that a run leaves in its folder after each epoch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keci.data.gold import GoldDataset
from keci.documents import Extraction
from keci.errors import DataError
from keci.evaluation.analysis import attention_by_type
from keci.knowledge.base.vocabulary import TYPE_NAMES
from keci.view.run_report import validation_record, write_report


def report_epoch(folder: Path, gold: GoldDataset, predicted: Sequence[Extraction]) -> None:
    """Report on the epochs so far, with what the last one made of the validation documents."""
    annotated = [document.extraction for document in gold.documents]
    write_report(folder, validation_record(annotated, predicted, _attention(predicted)))


def _attention(predicted: Sequence[Extraction]) -> dict[str, Any] | None:
    """Mean attention by semantic type, None where the model read no concepts."""
    try:
        record = attention_by_type(predicted).to_record()
    except DataError:
        return None
    types = [row | {"name": TYPE_NAMES.get(row["code"], row["code"])} for row in record["types"]]
    return record | {"types": types}
