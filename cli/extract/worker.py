"""``python -m keci.cli.extract.worker``: one of the processes of a run of keci-extract."""

import atexit
import logging
from collections.abc import Mapping
from typing import Any

from keci.cli.options import set_up_logging
from keci.corpus.workers.worker import work
from keci.knowledge.linking.metamap import ForeignMentions
from keci.pipeline import ModelChoice, OpenedModel, open_with_mentions

_LOGGER = logging.getLogger(__name__)


def open_chosen(settings: Mapping[str, Any]) -> OpenedModel:
    """Set up logging and open the model as ``extract_processes`` says."""
    set_up_logging(settings["log_level"])
    opened, mentions = open_with_mentions(ModelChoice.from_record(settings["choice"]))
    if mentions:
        atexit.register(_tell_unused, mentions)
    return opened


def _tell_unused(mentions: ForeignMentions) -> None:
    """Log what this process could not use; the other processes read other documents."""
    told = mentions.report()
    if told and not mentions.placed:
        _LOGGER.warning("in one of several processes, %s", told)


if __name__ == "__main__":
    work(open_chosen)
