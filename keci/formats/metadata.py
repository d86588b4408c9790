"""What a source says about a document beside its text: title, journal, year and the like."""

import re
from collections.abc import Mapping
from typing import Any

_YEAR = re.compile(r"(?<!\d)(1[5-9]|20|21)\d\d(?!\d)")
NAMES = ("title", "journal", "year", "doi")
"""What every format names alike; a jsonl record may have more, in its field ``metadata``."""


def citation(**told: str | int | None) -> Mapping[str, Any] | None:
    """What is told of a document, without what is empty; None where nothing is.

    >>> citation(title="Rash", journal="", year="1998 Jan-Feb")
    {'title': 'Rash', 'year': 1998}
    """
    known = {name: value for name, value in told.items() if value not in (None, "")}
    if "year" in known:
        year = year_of(str(known.pop("year")))
        known |= {} if year is None else {"year": year}
    return known or None


def year_of(text: str) -> int | None:
    """The first year in a date as people write it."""
    found = _YEAR.search(text)
    return int(found[0]) if found else None


def from_record(record: Mapping[str, Any], used: tuple[str, ...]) -> Mapping[str, Any] | None:
    """The field ``metadata`` of a jsonl record, and its fields that NAMES has.

    The fields ``used`` for text and id are no metadata, nor is anything that is no plain value.
    """
    found: dict[str, Any] = {}
    for name in NAMES:
        value = record.get(name)
        if name not in used and isinstance(value, str | int) and not isinstance(value, bool):
            found[name] = value
    own = record.get("metadata")
    found |= own if isinstance(own, Mapping) else {}
    return found or None
