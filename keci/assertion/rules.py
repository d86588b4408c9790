"""The rules of rules.toml, compiled."""

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

PSEUDO = "pseudo"
NEGATES_AFTER, NEGATES_BEFORE = "negates_after", "negates_before"
NEGATES_NEAR, NEGATES_JUST_BEFORE = "negates_near", "negates_just_before"
SUPPOSES_AFTER, SUPPOSES_BEFORE = "supposes_after", "supposes_before"
ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Rules:
    """Triggers of scopes, each in a pattern of its kind, and what is read between two mentions."""

    triggers: Mapping[str, re.Pattern[str]]
    unrelated: Mapping[str, re.Pattern[str]]
    indication: Mapping[str, re.Pattern[str]]


@functools.cache
def load_rules() -> Rules:
    """The rules that come with the package."""
    content = tomllib.loads(files(__package__).joinpath("rules.toml").read_text("utf-8"))
    return Rules(*(_compiled(content[part]) for part in ("scopes", "unrelated", "indication")))


def _compiled(part: Mapping[str, Sequence[str]]) -> dict[str, re.Pattern[str]]:
    return {kind: _pattern(expressions) for kind, expressions in part.items()}


def _pattern(expressions: Iterable[str]) -> re.Pattern[str]:
    """Any of the expressions, as whole words, the longest first.

    What begins alike stands together: a character at which no word begins is passed over at once.
    """
    ordered = sorted(expressions, key=lambda written: (-len(written), written))
    alike: dict[str, list[str]] = {}
    for written in ordered:
        left, inner = _expression(written)
        alike.setdefault(left, []).append(inner)
    groups = (f"{left}(?:{'|'.join(inner)})" for left, inner in alike.items())
    return re.compile("|".join(groups), re.IGNORECASE)


def _expression(written: str) -> tuple[str, str]:
    """How it begins, and the rest; a blank is white space, B and E are the ends of what is read."""
    begins, ends = written.startswith("B"), written.endswith("E")
    inner = written[begins : len(written) - ends].replace(" ", r"\s+").replace(r"\s+*", r"\s*")
    inner = inner.replace(r"\s+?", r"\s*")
    left = r"\A\W*" if begins else r"(?<!\w)" if _is_word(inner[:1]) else ""
    right = r"\W*\Z" if ends else r"(?!\w)" if _is_word(inner[-1:]) else ""
    return left, f"(?:{inner}){right}"


def _is_word(character: str) -> bool:
    return character not in ",;:\\"
