"""Limits against hostile input: what a document may hold, and the settings behind them.

Sizes and depths are checked where the bytes are read; what is left, every document's id and
characters, is checked here for all formats alike.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import orjson

from keci.documents import Document, Failure
from keci.errors import DataError, UsageError
from keci.formats.stream import KEPT_BYTES, ReadOptions, kept

DOCUMENT_FORMAT = "document"
"""How a document is kept that is no longer the bytes of its input: ``{"id", "text"}``."""

DEEPEST = 500
MOST_METADATA = 64 << 10
"""Bytes of a document's metadata as JSON; larger ones are left out."""

CHOICES = {
    "invalid_utf8": ("fail", "replace"),
    "lone_surrogates": ("fail", "replace"),
    "nul": ("fail", "replace", "keep"),
    "tables": ("skip", "rows"),
}
_BOUNDS = {"max_xml_depth": DEEPEST, "max_json_depth": DEEPEST}
_NOT_LIMITS = ("text_field", "id_field", "metadata")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"\s")
_REPLACEMENT = "\ufffd"


def limit_names() -> tuple[str, ...]:
    """The names of all limits that can be set."""
    return tuple(item.name for item in fields(ReadOptions) if item.name not in _NOT_LIMITS)


def with_limits(options: ReadOptions, settings: Sequence[str]) -> ReadOptions:
    """The options with ``NAME=VALUE`` settings; raises UsageError on one that makes no sense."""
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator or name not in limit_names():
            raise UsageError(
                f"expected a limit as NAME=VALUE with one of {', '.join(limit_names())}; "
                f"got {setting!r}"
            )
        chosen: dict[str, int] | dict[str, str] = (
            {name: _choice(name, value)} if name in CHOICES else {name: _number(name, value)}
        )
        options = replace(options, **chosen)
    return options


def _choice(name: str, value: str) -> str:
    if value not in CHOICES[name]:
        raise UsageError(f"{name} must be one of {', '.join(CHOICES[name])}, got {value!r}")
    return value


def _number(name: str, value: str) -> int:
    bound = _BOUNDS.get(name)
    number = int(value) if value.isascii() and value.isdecimal() else 0
    if number < 1 or (bound is not None and number > bound):
        range_text = "a whole number above 0" if bound is None else f"from 1 to {bound}"
        raise UsageError(f"{name} must be {range_text}, got {value!r}")
    return number


def checked_document(
    document: Document, source: str, position: int, options: ReadOptions
) -> Document | Failure:
    """The document, its characters replaced where the options say so, or why it is refused."""
    try:
        _check_words(document.text, options.max_word_characters)
        metadata = _checked_metadata(document.metadata) if options.metadata else None
        document_id, text = _checked_id(document.id, options), _checked(document.text, options)
        is_as_read = document_id is document.id and text is document.text
        if is_as_read and metadata is document.metadata:
            return document
        return Document(document_id, text, metadata)
    except DataError as error:
        return refused_document(document, source, position, str(error))


def refused_document(document: Document, source: str, position: int, reason: str) -> Failure:
    """The failure of a document that was read, with its text where that is small."""
    beginning = _encodable(document.text[:200])
    is_small = len(document.text) <= KEPT_BYTES
    record: dict[str, Any] = {}
    if is_small:
        record = {"id": _encodable(document.id), "text": _encodable(document.text)}
        metadata = _checked_metadata(document.metadata)
        record |= {"metadata": metadata} if metadata else {}
    original = kept(orjson.dumps(record)) if record else b""
    form = DOCUMENT_FORMAT if original else ""
    return Failure(source, position, document.id[:1000], reason, beginning, original, form)


def _checked_metadata(metadata: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The metadata as JSON holds them, None where they are too large or no JSON can."""
    if metadata is None:
        return None
    try:
        return metadata if len(orjson.dumps(metadata)) <= MOST_METADATA else None
    except orjson.JSONEncodeError:
        pass
    try:
        cleaned = _encodable(json.dumps(metadata, ensure_ascii=False, allow_nan=False))
        found = orjson.loads(cleaned)
        return found if len(orjson.dumps(found)) <= MOST_METADATA else None
    except (TypeError, ValueError, RecursionError):
        return None


def _checked_id(document_id: str, options: ReadOptions) -> str:
    if len(document_id) > options.max_id_characters:
        raise DataError(
            f"the id has {len(document_id):,} characters, more than the limit of "
            f"{options.max_id_characters:,}"
        )
    return _checked(document_id, options)


def _checked(text: str, options: ReadOptions) -> str:
    if "\x00" in text and options.nul != "keep":
        if options.nul == "fail":
            raise DataError(f"the NUL character at character {text.index(chr(0))}")
        text = text.replace("\x00", _REPLACEMENT)
    if not text.isascii() and (found := _LONE_SURROGATE.search(text)):
        if options.lone_surrogates == "fail":
            raise DataError(f"half of a surrogate pair at character {found.start()}")
        text = _LONE_SURROGATE.sub(_REPLACEMENT, text)
    return text


def _check_words(text: str, limit: int) -> None:
    """Raises DataError at a longer word; only a window of the text is cut into words at once."""
    if len(text) <= limit:
        return
    for middle in range(limit, len(text), limit):
        # A longer word has one of these characters, and more than the limit of it lies around it.
        longest = _longest_word(text[middle - limit : middle + limit + 1])
        if longest > limit:
            whole = _word_end(text, middle) - _word_start(text, middle)
            raise DataError(f"a word of {whole:,} characters, more than the limit of {limit:,}")


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _word_start(text: str, middle: int) -> int:
    while middle > 0 and not text[middle - 1].isspace():
        middle -= 1
    return middle


def _word_end(text: str, middle: int) -> int:
    found = _SPACE.search(text, middle)
    return found.start() if found else len(text)


def _encodable(text: str) -> str:
    return text if text.isascii() else _LONE_SURROGATE.sub(_REPLACEMENT, text)
