"""``python -m keci.cli.extract_worker``: one of the processes of a run of keci-extract."""

from collections.abc import Mapping
from typing import Any

from keci.cli.extract_model import ModelChoice, OpenedModel, open_model
from keci.cli.options import set_up_logging
from keci.corpus.worker import work


def open_chosen(settings: Mapping[str, Any]) -> OpenedModel:
    """Set up logging and open the model as ``extract_processes`` says."""
    set_up_logging(settings["log_level"])
    return open_model(ModelChoice.from_record(settings["choice"]))


if __name__ == "__main__":
    work(open_chosen)
