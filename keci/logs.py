"""The log of a command and of the processes that work for it."""

import logging
import sys
from typing import TextIO

from keci.printable import printable_lines

FORMAT = "%(asctime)s %(levelname)s %(message)s"
TIME_FORMAT = "%H:%M:%S"


class PrintableFormatter(logging.Formatter):
    """Messages are made printable and short, whatever names and texts are in them."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # a name of logging
        record.message = printable_lines(record.message)
        return super().formatMessage(record)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the moment: a progress display stands in for it."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        """The stream that the base class would keep is not kept."""


def set_up_logging(level: int) -> None:
    """Log to standard error with the time of day, KECI's own messages from ``level`` on."""
    handler = _StandardError()
    handler.setFormatter(PrintableFormatter(FORMAT, TIME_FORMAT))
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("keci").setLevel(level)
