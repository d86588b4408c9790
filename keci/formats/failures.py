"""Failures as lines of jsonl: what keci-extract keeps of a record that failed, read and written."""

from base64 import b64decode, b64encode
from typing import Any

import orjson

from keci.documents import Failure
from keci.errors import DataError


def encode_failure(failure: Failure, ordinal: int) -> bytes:
    """The failure's line of jsonl, lone surrogates escaped: a failure must always be writable.

    The original is text where it is UTF-8, else base64.
    """
    record: dict[str, Any] = {
        "source": _writable(failure.source),
        "position": failure.position,
        "id": _writable(failure.id),
        "reason": _writable(failure.reason),
        "excerpt": _writable(failure.excerpt),
        "ordinal": ordinal,
    }
    if failure.original:
        record["format"] = failure.format
        try:
            record["original"] = failure.original.decode()
        except UnicodeDecodeError:
            record["original_base64"] = b64encode(failure.original).decode()
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def decode_failure(line: bytes) -> tuple[Failure, int]:
    """The failure of a line and its record's ordinal; raises DataError where it is none."""
    try:
        record = orjson.loads(line)
        texts = [record[name] for name in ("source", "id", "reason", "excerpt")]
        texts += [record.get("format", ""), record.get("original", "")]
        numbers = (record["position"], record["ordinal"])
        if not all(isinstance(item, str) for item in texts) or set(map(type, numbers)) != {int}:
            raise DataError("expected a failure of keci-extract in each line: a field is mistyped")
        source, document_id, reason, beginning, form, text = texts
        original = b64decode(record.get("original_base64", ""), validate=True) or text.encode()
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise DataError(f"expected a failure of keci-extract in each line: {error}") from error
    position, ordinal = numbers
    return Failure(source, position, document_id, reason, beginning, original, form), ordinal


def _writable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
