"""JSON of unknown origin, parsed inside limits of depth and with a choice about surrogates."""

import re
from typing import Any

import orjson

from keci.corpus.sources import ReadOptions
from keci.errors import DataError

_STRUCTURE = re.compile(rb'"(?:[^"\\]+|\\.)*"?|[{}\[\]]', re.DOTALL)
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
        sign = found.group()[:1]
        depth += (sign in b"{[") - (sign in b"}]")
        if depth > limit:
            raise DataError(f"the JSON is nested deeper than the limit of {limit}")


def _mended_escape(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found.group(1) else found.group()
