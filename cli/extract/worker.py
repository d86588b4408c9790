"""``python -m keci.cli.extract.worker``: one of the processes of a run of keci-extract."""

from collections.abc import Mapping
from typing import Any

from keci.cli.options import set_up_logging
from keci.corpus.workers.worker import work
from keci.pipeline import ModelChoice, OpenedModel, open_model


def open_chosen(settings: Mapping[str, Any]) -> OpenedModel:
    """Set up logging and open the model as ``extract_processes`` says."""
    set_up_logging(settings["log_level"])
    return open_model(ModelChoice.from_record(settings["choice"]))


if __name__ == "__main__":
    work(open_chosen)
