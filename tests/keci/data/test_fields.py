import pytest

from keci.errors import DataError
from keci.formats.fields import checked, field, identifier, indexed


def test_values_of_the_right_type_come_through():
    record = {"name": "a", "count": 3, "flag": True}
    assert field(record, "name", str) == "a"
    assert field(record, "count", int) == 3
    assert field(record, "flag", bool) is True
    assert identifier(record, "count") == "3"
    assert indexed(("x", "y"), 1, "place") == "y"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: field([], "name", str), "expected an object with the field 'name', got list"),
        (lambda: field({"b": 1, "a": 2}, "name", str), r"missing; there are \['a', 'b'\]"),
        (lambda: checked(True, "count", int), "'count' must be of type int, got bool 'True'"),
        (lambda: identifier({"id": 1.5}, "id"), "'id' must be of type str, got float"),
        (lambda: indexed(("x",), -1, "place"), "'place' is -1, but there are 1"),
    ],
)
def test_anything_else_is_told(call, message):
    with pytest.raises(DataError, match=message):
        call()
