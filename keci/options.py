"""Options as fields of frozen dataclasses: a field has its type, default, help and check.

Commands make their command-line options of such fields (``keci.cli.options.options_of``), and
functions take the same dataclass, so that an option is written down once.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Reading(Options):
        limit: int | None = option(None, "Take so many records at most.", least=1)
"""

from dataclasses import MISSING, Field, dataclass, field, fields
from types import UnionType
from typing import Any, get_args, get_origin

from keci.errors import UsageError
from keci.printable import printable

_KEY = "option"
LARGEST_NUMBER = 2**53
"""What JSON, numpy and torch hold exactly too."""
REQUIRED: Any = MISSING
"""The default of an option that must be given."""


@dataclass(frozen=True, slots=True)
class Option:
    """What is known of an option beside its type and default.

    ``flags`` are its spellings on a command line, where they are not made of the field's name.
    ``least`` is the smallest number, ``choices`` are all values, ``exists`` says that a path must
    name something; ``shown_default`` stands in the help where the default itself says nothing.
    """

    help: str
    flags: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    least: int | None = None
    metavar: str | None = None
    exists: str = ""
    shown_default: str | bool = True


def option(
    default: Any,
    help_text: str,
    *flags: str,
    choices: tuple[str, ...] = (),
    least: int | None = None,
    metavar: str | None = None,
    exists: str = "",
    shown_default: str | bool = True,
) -> Any:
    """A field of an Options dataclass; ``exists`` is "file", "folder", "path" or nothing."""
    known = Option(help_text, flags, choices, least, metavar, exists, shown_default)
    return field(default=default, metadata={_KEY: known})


def option_of(item: "Field[Any]") -> Option | None:
    """The option that a field is; None for a field that is no option."""
    return item.metadata.get(_KEY)


class Options:
    """Base of dataclasses whose fields are options; each value is checked."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Raises UsageError where a value is none that its option allows."""
        for item in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            known, value = option_of(item), getattr(self, item.name)
            if known is None or value is None:
                continue
            if not _is_of(item.type, value):
                kind = getattr(item.type, "__name__", item.type)
                raise UsageError(f"{item.name} must be {kind}, got {printable(repr(value), 60)}")
            for each in value if isinstance(value, tuple) else (value,):
                _check(item.name, known, each)


def _is_of(kind: Any, value: Any) -> bool:
    """Whether a value is of a field's type; True and False are no numbers."""
    if isinstance(kind, UnionType):
        return any(_is_of(one, value) for one in get_args(kind))
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, get_origin(kind) or kind)


def _check(name: str, known: Option, value: Any) -> None:
    if known.choices and value not in known.choices:
        expected = ", ".join(known.choices)
        raise UsageError(f"{name} must be one of {expected}, got {value!r}")
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise UsageError(f"{name} must be at most {LARGEST_NUMBER}, got {printable(value, 30)}")
    if known.least is not None and value < known.least:
        raise UsageError(f"{name} must be {known.least} or more, got {value!r}")
