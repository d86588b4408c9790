import doctest

from hypothesis import given
from hypothesis import strategies as st

from keci import printable as module
from keci.printable import LONGEST_MESSAGE, printable, printable_lines


def test_the_example_holds() -> None:
    assert doctest.testmod(module).failed == 0


@given(st.text(st.characters()), st.integers(1, 50))
def test_what_is_shown_is_printable_and_short(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert shown.isprintable()
    assert len(shown) <= 10 * limit + 40
    if text.isprintable() and len(text) <= limit:
        assert shown == text


def test_terminals_are_not_commanded() -> None:
    assert printable("a\x1b]0;x\x07\u202eb\udc80\nc") == r"a\x1b]0;x\x07\u202eb\udc80\nc"
    assert printable("x" * 5_000_000).endswith("... (5,000,000 characters)")
    assert printable_lines("one\ntwo\x1b[2J") == "one\n" + r"two\x1b[2J"
    assert len(printable_lines("x" * 5_000_000)) < 2 * LONGEST_MESSAGE
