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


FIELDS = frozenset([*NAMES, "metadata"])
"""The fields of a jsonl record that may hold metadata."""


def from_record(
    record: Mapping[str, Any], fields: frozenset[str] = FIELDS
) -> Mapping[str, Any] | None:
    """What the ``fields`` of a jsonl record tell; ``metadata`` has an object, others plain values.

    >>> from_record({"id": "1", "text": "Rash.", "year": 1998, "metadata": {"site": "Leeds"}})
    {'year': 1998, 'site': 'Leeds'}
    """
    if fields.isdisjoint(record):
        return None
    found: dict[str, Any] = {}
    for name in NAMES:
        value = record.get(name) if name in fields else None
        if isinstance(value, str | int) and not isinstance(value, bool):
            found[name] = value
    own = record.get("metadata") if "metadata" in fields else None
    found |= own if isinstance(own, Mapping) else {}
    return found or None
