import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.errors import DataError
from keci.formats.json import frame_objects
from keci.formats.stream import ContentStream

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | TEXT
    | st.sampled_from(['"', "\\", '\\"{', "]}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(TEXT, VALUES, max_size=3), max_size=4)


class Dribble:
    """A stream that gives a few bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        self._stream, self._size = io.BytesIO(content), size

    def read1(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._size))

    def close(self) -> None: ...


def frame(content: bytes, depth: int, limit: int = 1000) -> list[Any]:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)))
    return [orjson.loads(part) for part in frame_objects(stream, depth=depth, limit=limit)]


@given(OBJECTS)
def test_objects_are_found_at_their_depth(objects: list[dict[str, Any]]) -> None:
    assert frame(b"\n".join(map(orjson.dumps, objects)), 0) == objects
    assert frame(orjson.dumps(objects), 1) == objects
    assert frame(orjson.dumps({"key": "a", "documents": objects}), 2) == objects
    assert frame(orjson.dumps([{"documents": objects}]), 3) == objects


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_chunks_may_end_anywhere(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = [{"a": '\\"}{', "b": ["]", {"c": "\\\\"}]}, {}, {"d": "\u03b1\U0001f9ec"}] * 3
    monkeypatch.setattr("keci.formats.stream.HEAD_SIZE", size)
    stream = ContentStream(Dribble(orjson.dumps(objects), size))
    parts = frame_objects(stream, depth=1, limit=1000)
    assert [orjson.loads(part) for part in parts] == objects


@pytest.mark.parametrize(
    ("content", "count", "problem"),
    [
        (b'[{"a": 1}, {"a": ', 1, "in the middle of a value"),
        (b'[{"a": 1}, {"a": "x', 1, "in the middle of a value"),
        (b'[{"a": 1}', 1, "in the middle of a value"),
        (b'[{"a": 1}]]', 1, "none has opened"),
        (b'[{"a": 1}, {"a": "' + b"x" * 2000, 1, "longer than the limit of 1,000 bytes"),
    ],
)
def test_damage_comes_after_what_was_whole(content: bytes, count: int, problem: str) -> None:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)))
    parts = frame_objects(stream, depth=1, limit=1000)
    for _ in range(count):
        next(parts)
    with pytest.raises(DataError, match=problem):
        next(parts)


def test_depth_costs_no_memory() -> None:
    content = b'{"documents": [' + b"[" * 500_000 + b"]" * 500_000 + b', {"a": 1}]}'
    assert frame(content, 2) == [[], {"a": 1}]


@given(st.binary(max_size=200), st.integers(0, 3))
def test_any_bytes_are_framed_or_refused(content: bytes, depth: int) -> None:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)))
    try:
        for part in frame_objects(stream, depth=depth, limit=100):
            assert part
    except DataError:
        pass
