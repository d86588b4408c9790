"""Text of unknown origin made fit for a message, a log line, a table cell or XML."""

import re

LONGEST = 200
LONGEST_MESSAGE = 4000
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: object, limit: int = LONGEST) -> str:
    r"""``text`` on one line and short, with nothing in it that a terminal would obey.

    Characters that are not printable (controls, line breaks, marks that turn the direction of
    writing, halves of surrogate pairs) are shown as escapes.

    >>> printable(chr(27) + "]0;title" + chr(7))
    '\\x1b]0;title\\x07'
    """
    whole = str(text)
    shown = whole if len(whole) <= limit else whole[:limit]
    if not shown.isprintable():
        shown = "".join(sign if sign.isprintable() else _escaped(sign) for sign in shown)
    return shown if len(whole) <= limit else f"{shown}... ({len(whole):,} characters)"


def printable_lines(text: object) -> str:
    """A message of our own with several lines, printable; its line breaks stay."""
    lines = str(text)[: 16 * LONGEST_MESSAGE].split("\n")
    return "\n".join(printable(line, LONGEST_MESSAGE) for line in lines)


def numbered(count: int, noun: str, plural: str = "") -> str:
    """How many of a thing there are.

    >>> numbered(1, "document"), numbered(2000, "entity", "entities")
    ('1 document', '2,000 entities')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def xml_text(text: str) -> str:
    """``text`` with U+FFFD for each character that XML 1.0 cannot hold."""
    return _NOT_IN_XML.sub("\ufffd", text)


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
