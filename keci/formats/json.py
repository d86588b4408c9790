"""JSON of unknown origin, parsed inside limits of depth and with a choice about surrogates."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from keci.errors import DataError
from keci.formats.stream import ContentStream, ReadOptions

_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)
"""Possessive: what is passed over is not kept to be tried again, which took 60 bytes for each."""

_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rb"\\\\|" + _HIGH + _LOW + rb"|(" + _HIGH + rb"|" + _LOW + rb")")


def parse_json(content: bytes, options: ReadOptions) -> Any:
    """The value; raises DataError where it is no JSON, too deep, or has half a surrogate pair."""
    _check_depth(content, options.max_json_depth)
    if options.lone_surrogates == "replace" and b"\\u" in content:
        content = _ESCAPE.sub(_mended_escape, content)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise DataError(f"not valid JSON: {error}") from error


def _check_depth(content: bytes, limit: int) -> None:
    if content.count(b"{") + content.count(b"[") <= limit:
        return
    depth = 0
    for found in _STRUCTURE.finditer(content):
        sign = content[found.start() : found.start() + 1]
        depth += (sign in b"{[") - (sign in b"}]")
        if depth > limit:
            raise DataError(f"the JSON is nested deeper than the limit of {limit}")


def _mended_escape(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found.group(1) else found.group()


_FRAME_STRUCTURE = re.compile(rb'["{}\[\]]')
_STRING_EVENT = re.compile(rb'["\\]')
_OPENING, _QUOTE = b"{[", b'"'


def frame_objects(stream: ContentStream, *, depth: int, limit: int) -> Iterator[bytes]:
    """The bytes of each object that lies inside ``depth`` others, in order.

    Raises DataError where brackets do not match, where the stream ends inside a value, and where an
    object has more than ``limit`` bytes.
    """
    framer = _Framer(depth, limit)
    while chunk := stream.read():
        yield from framer.feed(chunk)
    framer.finish()


class _Framer:
    """Follows brackets and strings across chunks; ``level`` counts the brackets that are open."""

    def __init__(self, depth: int, limit: int) -> None:
        self._depth, self._limit = depth, limit
        self._level = 0
        self._in_string = False
        self._after_backslash = False
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        start = 0 if self._parts else -1
        position = 0
        while (position := self._next_bracket(chunk, position)) >= 0:
            opening = chunk[position] in _OPENING
            self._level += 1 if opening else -1
            if self._level < 0:
                raise DataError("a bracket closes in the JSON that none has opened")
            if opening and self._level == self._depth + 1 and chunk[position] == ord("{"):
                start = position
            position += 1
            if not opening and self._level == self._depth and start >= 0:
                yield self._take(chunk[start:position])
                start = -1
        if start >= 0:
            self._keep(chunk[start:])

    def _next_bracket(self, chunk: bytes, position: int) -> int:
        """Where the next bracket outside strings is; -1 where the chunk has no more."""
        while True:
            if self._in_string:
                position = self._end_of_string(chunk, position)
            found = None if self._in_string else _FRAME_STRUCTURE.search(chunk, position)
            if found is None:
                return -1
            if found.group() != _QUOTE:
                return found.start()
            self._in_string = True
            position = found.end()

    def _end_of_string(self, chunk: bytes, position: int) -> int:
        """Move past the string that is open; the chunk may end before it does."""
        if self._after_backslash and position < len(chunk):
            position += 1
            self._after_backslash = False
        while found := _STRING_EVENT.search(chunk, position):
            position = found.end()
            if found.group() == _QUOTE:
                self._in_string = False
                return position
            position += 1
            self._after_backslash = position > len(chunk)
        return len(chunk)

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._limit:
            raise DataError(f"a record is longer than the limit of {self._limit:,} bytes")

    def _take(self, last: bytes) -> bytes:
        self._keep(last)
        whole = b"".join(self._parts)
        self._parts, self._size = [], 0
        return whole

    def finish(self) -> None:
        if self._level or self._in_string:
            raise DataError("the JSON ends in the middle of a value")
