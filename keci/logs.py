"""The log of a command and of the processes that work for it."""

import logging
import sys

from keci.printable import printable_lines

FORMAT = "%(asctime)s %(levelname)s %(message)s"
TIME_FORMAT = "%H:%M:%S"


class PrintableFormatter(logging.Formatter):
    """Messages are made printable and short, whatever names and texts are in them."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # a name of logging
        record.message = printable_lines(record.message)
        return super().formatMessage(record)


def set_up_logging(level: int) -> None:
    """Log to standard error with the time of day, KECI's own messages from ``level`` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter(FORMAT, TIME_FORMAT))
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("keci").setLevel(level)
