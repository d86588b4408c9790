from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.errors import DataError
from keci.fields import Fields

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)
READERS = ("text", "mapping", "items", "inner", "inner_items", "count", "file_name", "sha256")


@given(ANY, st.sampled_from(READERS))
def test_any_value_is_read_or_refused_by_name(value: Any, reader: str) -> None:
    complaint = ""
    try:
        getattr(Fields({"field": value}, "x.json"), reader)("field")
    except DataError as error:
        complaint = str(error)
    assert not complaint or ("x.json" in complaint and "field" in complaint)


@pytest.mark.parametrize("name", ["/dev/zero", "../x", "a/b", "", ".", "..", "a\\b", "a\0", 3])
def test_a_name_leads_nowhere_else(name: Any) -> None:
    with pytest.raises(DataError, match="name must be"):
        Fields({"name": name}, "x").file_name("name")


@pytest.mark.parametrize("number", [-1, True, 1.0, "1", None, 2**70])
def test_a_count_is_a_whole_number(number: Any) -> None:
    with pytest.raises(DataError, match="whole number"):
        Fields({"n": number}, "x").count("n")


def test_missing_fields_and_other_values_are_named() -> None:
    with pytest.raises(DataError, match="the field a is missing"):
        Fields({}, "x.json").text("a")
    with pytest.raises(DataError, match=r"x: parts\[2\]: expected an object"):
        Fields({"parts": [{}, 7]}, "x").inner_items("parts")
    assert Fields({"a": None}, "x").optional("a") is None
