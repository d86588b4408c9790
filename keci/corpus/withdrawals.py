"""The list of records that the corpus itself took back: one line of jsonl for each."""

from dataclasses import asdict

import orjson

from keci.corpus.records import Withdrawal
from keci.errors import DataError


def encode_withdrawal(withdrawal: Withdrawal, ordinal: int) -> bytes:
    """The withdrawal's line, with the place of its record among those taken."""
    record = asdict(withdrawal) | {"ordinal": ordinal}
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def decode_withdrawal(line: bytes) -> tuple[Withdrawal, int]:
    """The withdrawal of a line and its record's ordinal; raises DataError where it is none."""
    try:
        record = orjson.loads(line)
        ordinal = record.pop("ordinal")
        return Withdrawal(**record), ordinal
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise DataError(f"expected a withdrawn record in each line: {error}") from error
