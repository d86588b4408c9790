"""One value of a record of another tool is exchanged for one of another kind."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from keci.data.layouts import Layout
from keci.data.readers import read_text
from keci.errors import DataError
from tests.keci.data.test_layouts_read import (
    BIGBIO,
    DOCCANO,
    LABEL_STUDIO,
    PRODIGY,
    PUBANNOTATION,
)

BIOC = {
    "id": "5",
    "passages": [
        {
            "offset": 0,
            "infons": {"type": "title"},
            "text": "A rash after X1 .",
            "annotations": [
                {
                    "id": "1",
                    "infons": {"type": "Effect", "identifier": "MESH:D1"},
                    "text": "rash",
                    "locations": [{"offset": 2, "length": 4}],
                }
            ],
        }
    ],
    "relations": [
        {
            "id": "R",
            "infons": {"type": "caused-by"},
            "nodes": [{"refid": "1", "role": "a"}, {"refid": "1", "role": "b"}],
        }
    ],
}
OTHERS: list[Any] = [7, 1.5, True, None, "odd", "", [], [7], [[7]], ["odd"], {}, {"odd": 7}]
WORDS_OF_PYTHON = re.compile(
    r"\w+Error\(|object has no attribute|object is not|not iterable|indices"
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container inside a record with every one of its keys."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def damaged(record: Any) -> Iterator[Any]:
    for number in range(sum(1 for _ in places(record))):
        for other in OTHERS:
            copy = deepcopy(record)
            holder, key = list(places(copy))[number]
            holder[key] = other
            yield copy
        copy = deepcopy(record)
        holder, key = list(places(copy))[number]
        del holder[key]
        yield copy


@pytest.mark.parametrize(
    ("layout", "record"),
    [
        (Layout.BIGBIO, BIGBIO),
        (Layout.BIOC, BIOC),
        (Layout.DOCCANO, DOCCANO),
        (Layout.LABEL_STUDIO, LABEL_STUDIO),
        (Layout.PRODIGY, PRODIGY),
        (Layout.PUBANNOTATION, PUBANNOTATION),
    ],
)
def test_a_value_of_another_kind_is_told_in_plain_words(layout: Layout, record: Any) -> None:
    messages = set()
    for other in damaged(record):
        try:
            read_text(layout, other, 1)
        except DataError as error:
            messages.add(str(error))
    assert len(messages) > 10
    assert [message for message in messages if WORDS_OF_PYTHON.search(message)] == []


@pytest.mark.parametrize(
    ("layout", "record", "name"),
    [
        (Layout.BIOC, BIOC, "passages"),
        (Layout.PRODIGY, PRODIGY, "spans"),
        (Layout.PUBANNOTATION, PUBANNOTATION, "denotations"),
    ],
)
def test_a_list_that_makes_the_layout_may_not_be_missing(
    layout: Layout, record: dict[str, Any], name: str
) -> None:
    others = {key: value for key, value in record.items() if key != name}
    for other in (others, {**others, name: None}):
        with pytest.raises(DataError, match=name):
            read_text(layout, other, 1)
