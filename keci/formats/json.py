"""JSON of unknown origin, parsed inside limits of depth and with a choice about surrogates."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import orjson

from keci.errors import DataError
from keci.formats.stream import BOM, ContentStream, ReadOptions

_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)
"""Possessive: what is passed over is not kept to be tried again, which took 60 bytes for each."""

_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rb"\\\\|" + _HIGH + _LOW + rb"|(" + _HIGH + rb"|" + _LOW + rb")")


def parse_json(content: bytes, options: ReadOptions) -> Any:
    """The value; raises DataError where it is no JSON, too deep, or has half a surrogate pair."""
    if options.lone_surrogates == "replace" and b"\\u" in content:
        content = _ESCAPE.sub(_mended_escape, content)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        _check_depth(content, options.max_json_depth)
        raise DataError(f"not valid JSON: {error}") from error
    if not _is_flat(value):
        _check_depth(content, options.max_json_depth)
    return value


def _is_flat(value: Any) -> bool:
    """Whether it is a plain value, or an object of these."""
    if type(value) is dict:
        return _CONTAINERS.isdisjoint(map(type, value.values()))
    return type(value) is not list


_CONTAINERS = frozenset([dict, list])


def parse_lenient(content: bytes) -> Any:
    """The value where NaN and Infinity may stand for numbers, as Python writes them: None here.

    Whole numbers of any length are exact, others the text that they are written in.
    """
    if any(found.group(1) for found in _ESCAPE.finditer(content)):
        raise DataError("half of a surrogate pair in JSON with NaN or long numbers")
    try:
        return json.loads(
            content.decode(), parse_float=_Number, parse_int=_Number, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError) as error:
        raise DataError(f"not valid JSON: {error}") from error


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def digits_of(number: object) -> str | None:
    """A number of ``parse_lenient`` without the ``.0`` of a table's column; None for no number."""
    return _WHOLE.sub("", number) if isinstance(number, _Number) else None


_WHOLE = re.compile(r"\.0+\Z")


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


_NO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
"""Whole strings and what stands between them; it matches anywhere, if only nothing."""

_STRING_EVENT = re.compile(rb'["\\]')
_OPENING, _QUOTE = b"{[", ord('"')
_BETWEEN = b" \t\r\n,"


def frame_objects(
    stream: ContentStream, *, depth: int, limit: int, keys: tuple[str, ...] = ()
) -> Iterator[bytes]:
    """The bytes of each value in a list that lies inside ``depth - 1`` brackets, in order.

    Of a list among them only its brackets are given, as no record is one.
    ``keys`` are the names that the list may have; in depth 0 the values stand behind each other.
    Raises DataError where brackets do not match, where the stream ends inside a value, and where a
    value has more than ``limit`` bytes.
    """
    framer = _Framer(depth, limit, keys)
    chunk = stream.read().removeprefix(BOM)
    while chunk:
        yield from framer.feed(chunk)
        chunk = stream.read()
    yield from framer.finish()


_LONGEST_KEY = 64


class _Framer:
    """Follows brackets and strings across chunks; ``level`` counts the brackets that are open."""

    def __init__(self, depth: int, limit: int, keys: tuple[str, ...]) -> None:
        self._depth, self._limit = depth, limit
        names = "|".join(map(re.escape, keys)).encode()
        self._key = re.compile(rb'"(?:' + names + rb')"\s*:\s*\Z') if keys else None
        self._level = 0
        self._in_string = False
        self._after_backslash = False
        self._is_in_list = depth == 0
        self._parts: list[bytes] = []
        self._size = 0
        self._loose: list[bytes] = []
        self._before = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        start = 0 if self._parts else -1
        position = behind = 0
        while (position := self._next_bracket(chunk, position)) >= 0:
            opening = chunk[position] in _OPENING
            if self._is_in_list and self._level == self._depth:
                self._keep_loose(chunk[behind:position])
                yield from self._take_loose()
            self._level += 1 if opening else -1
            if self._level < 0:
                raise DataError("a bracket closes in the JSON that none has opened")
            if self._level == self._depth and self._depth and opening:
                self._is_in_list = self._is_list(chunk, position)
            elif self._level < self._depth:
                self._is_in_list = False
            elif opening and self._is_in_list and self._level == self._depth + 1:
                if chunk[position] == ord("{"):
                    start = position
                else:
                    yield b"[]"
            position += 1
            behind = position
            if not opening and self._level == self._depth and start >= 0:
                yield self._take(chunk[start:position])
                start = -1
        if start >= 0:
            self._keep(chunk[start:])
        elif self._is_in_list and self._level == self._depth:
            self._keep_loose(chunk[behind:])
        self._before = (self._before + chunk[-_LONGEST_KEY:])[-_LONGEST_KEY:]

    def _is_list(self, chunk: bytes, position: int) -> bool:
        """Whether the bracket opens a list whose name is among the keys."""
        before = self._before + chunk[max(position - _LONGEST_KEY, 0) : position]
        is_named = self._key is None or self._key.search(before) is not None
        return chunk[position] == ord("[") and is_named

    def _keep_loose(self, part: bytes) -> None:
        """Keep what stands between brackets in the list: commas, and values without brackets."""
        part = part.strip(_BETWEEN) if not self._loose else part
        if part:
            self._loose.append(part)
            self._size += len(part)
            if self._size > self._limit:
                raise DataError(f"a record is longer than the limit of {self._limit:,} bytes")

    def _take_loose(self) -> Iterator[bytes]:
        content = b"".join(self._loose).strip(_BETWEEN)
        if self._loose:
            self._loose, self._size = [], 0
        if not content:
            return
        try:
            values = orjson.loads(b"[" + content + b"]")
        except orjson.JSONDecodeError:
            yield content
            return
        yield from map(orjson.dumps, values)

    def _next_bracket(self, chunk: bytes, position: int) -> int:
        """Where the next bracket outside strings is; -1 where the chunk has no more."""
        while True:
            if self._in_string:
                position = self._end_of_string(chunk, position)
            if self._in_string:
                return -1
            position = cast(re.Match[bytes], _NO_BRACKET.match(chunk, position)).end()
            if position == len(chunk):
                return -1
            if chunk[position] != _QUOTE:
                return position
            self._in_string = True
            position += 1

    def _end_of_string(self, chunk: bytes, position: int) -> int:
        """Move past the string that is open; the chunk may end before it does."""
        if self._after_backslash and position < len(chunk):
            position += 1
            self._after_backslash = False
        while found := _STRING_EVENT.search(chunk, position):
            position = found.end()
            if chunk[found.start()] == _QUOTE:
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

    def finish(self) -> Iterator[bytes]:
        if self._level or self._in_string:
            raise DataError("the JSON ends in the middle of a value")
        yield from self._take_loose()


_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"?|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_DEEPEST_PATH = 6


def value_paths(content: bytes) -> dict[tuple[str, ...], str]:
    """The keys on the way to each value in the beginning of a JSON text, ``[]`` in lists.

    Each has the first character of the first value there.
    """
    found: dict[tuple[str, ...], str] = {}
    opened: list[bytes] = []
    keys: list[str] = []
    awaits_key = False
    for token in _TOKEN.finditer(content):
        sign = token.group()[:1]
        if sign in (b":", b","):
            awaits_key = sign == b"," and opened[-1:] == [b"{"]
        elif sign in (b"}", b"]"):
            opened, keys, awaits_key = opened[:-1], keys[:-1], False
        elif awaits_key:
            keys[-1] = (token.group(1) or b"").decode("utf-8", "replace")
        else:
            if len(keys) <= _DEEPEST_PATH:
                found.setdefault(tuple(keys), sign.decode("ascii", "replace"))
            if sign in (b"{", b"["):
                if len(keys) > _DEEPEST_PATH:
                    return found
                opened.append(sign)
                keys.append("" if sign == b"{" else "[]")
                awaits_key = sign == b"{"
    return found
