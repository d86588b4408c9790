import logging
import re

import pytest

from keci.logs import set_up_logging


@pytest.mark.usefixtures("_as_before")
def test_lines_have_the_time_and_nothing_that_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logging(logging.INFO)
    logging.getLogger("keci.somewhere").info("read %s", "a\x1b[31mb")
    logging.getLogger("keci.somewhere").debug("not said")
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO read a\\x1b\[31mb", line)
