"""Tokens with tags (CoNLL files, jsonl with ``tokens`` and ``ner_tags``): flat mentions.

The text is the tokens joined by single spaces. Tags are ``O`` and a letter, ``-`` or ``_`` and the
type: B begins, I goes on, E and L end, S and U stand alone. An I that goes on with nothing begins a
mention, as in IOB1. Of CoNLL-U the second column is the token.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from keci.errors import DataError
from keci.formats.annotated import AnnotatedText, MentionRow
from keci.formats.fields import checked, field

TAG = re.compile(r"O|([BIELSU])[-_](\S+)")
TAG_FIELDS = ("ner_tags", "tags", "labels", "bio_tags")
_COLUMNS = re.compile(r"\t|(?<!\t) +(?!\t)")
_UNTYPED_LINE = re.compile(rb"\S+(?:[\t ]+\S+)*?[\t ]+[BIOELSU]\s*")
_LINE = re.compile(rb"\S+(?:[\t ]+\S+)*?[\t ]+(?:O|[BIELSU][-_]\S+)\s*")
_BREAK = "-DOCSTART-"


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Tokens and their tags; ``id`` is the line that they begin at, or their record's id."""

    id: str
    tokens: tuple[str, ...]
    tags: tuple[str, ...]


def is_conll(content: bytes) -> bool:
    """Whether the first lines that say something have a token and a tag."""
    return _is_made_of(content, _LINE)


def has_no_types(content: bytes) -> bool:
    """Whether the tags of these lines are ``B``, ``I`` and ``O`` alone."""
    return _is_made_of(content, _UNTYPED_LINE)


def _is_made_of(content: bytes, pattern: re.Pattern[bytes]) -> bool:
    lines = (line for line in content[:20_000].split(b"\n") if line.strip())
    told = [line for line in lines if not line.startswith((b"#", _BREAK.encode()))][:50]
    return bool(told) and all(pattern.fullmatch(line) for line in told[: max(len(told) - 1, 1)])


def sentences(content: bytes) -> Iterator[TaggedSentence]:
    """The sentences of a CoNLL file, parted by blank lines; raises DataError naming a bad line."""
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"not valid UTF-8: {error}") from error
    rows: list[list[str]] = []
    start = 1
    for number, line in enumerate([*lines, ""], start=1):
        columns = _COLUMNS.split(line.strip())
        is_comment = line.startswith("#") and not (len(columns) > 1 and TAG.fullmatch(columns[-1]))
        if not line.strip() or columns[0] == _BREAK:
            if rows:
                column = _token_column(rows)
                tokens = tuple(row[column] for row in rows)
                yield TaggedSentence(str(start), tokens, tuple(row[-1] for row in rows))
            rows, start = [], number + 1
        elif not is_comment:
            if len(columns) < 2 or not TAG.fullmatch(columns[-1]):
                raise DataError(f"line {number}: expected a token and a tag, got {line[:60]!r}")
            rows.append(columns)


def _token_column(rows: Sequence[Sequence[str]]) -> int:
    """The first column, or the second where the first numbers the tokens of a sentence."""
    numbered = all(row[0] == str(number) for number, row in enumerate(rows, start=1))
    return int(numbered and min(map(len, rows)) > _COLUMNS_OF_WORDS)


_COLUMNS_OF_WORDS = 3
"""No more columns stand beside tokens that happen to be 1, 2, 3."""


def tagged_record(record: Mapping[str, Any], number: int) -> TaggedSentence:
    """A record with tokens and tags; raises DataError where the tags are numbers without names."""
    tokens = tuple(checked(token, "tokens", str) for token in field(record, "tokens", list))
    name = next(name for name in TAG_FIELDS if name in record)
    tags = field(record, name, list)
    if not all(isinstance(tag, str) and TAG.fullmatch(tag) for tag in tags):
        raise DataError(
            f"{name!r} must hold tags such as 'O', 'B-Drug' and 'I-Drug', got {tags[:5]}; numbers "
            "must be replaced by the names that their data set gives them"
        )
    if len(tags) != len(tokens):
        raise DataError(f"there are {len(tokens)} tokens and {len(tags)} tags")
    return TaggedSentence(str(record.get("id", number)), tokens, tuple(tags))


def read_sentence(sentence: TaggedSentence) -> AnnotatedText:
    text, starts = joined(sentence.tokens)
    mentions = tuple(
        mention_of_tokens(text, starts, first, last, kind)
        for first, last, kind in _runs(sentence.tags)
    )
    return AnnotatedText(sentence.id, text, mentions)


def joined(tokens: Sequence[str]) -> tuple[str, list[int]]:
    """The tokens joined by single spaces, and where each begins (and the end, and one more)."""
    return " ".join(tokens), [0, *accumulate(len(token) + 1 for token in tokens)]


def mention_of_tokens(
    text: str, starts: Sequence[int], first: int, last: int, kind: str, *, row_id: str = ""
) -> MentionRow:
    """The mention of the tokens ``first`` to ``last``, the last one included."""
    start, end = starts[first], starts[last + 1] - 1
    return MentionRow(start, end, text[start:end], kind, id=row_id)


def _runs(tags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """First token, last token and type of each mention."""
    first, kind = -1, ""
    for index, tag in enumerate((*tags, "O")):
        found = TAG.fullmatch(tag)
        letter, named = (found[1] or "", found[2] or "") if found else ("", "")
        if first >= 0 and (letter not in ("I", "E", "L") or named != kind):
            yield first, index - 1, kind
            first = -1
        if letter and first < 0:
            first, kind = index, named
        if letter in ("E", "L", "S", "U"):
            yield first, index, kind
            first = -1
