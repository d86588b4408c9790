"""SpERT json (Eberts and Ulges 2020): tokens, and entities over token positions.

The text is the tokens joined by single spaces. A relation's ends are positions in ``entities``.
"""

from itertools import accumulate
from typing import Any

from keci.documents import Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats.fields import checked, field, identifier, indexed


def read_sentence(record: Any, document_id: str) -> Extraction:
    """One annotated or predicted sentence, each repeated annotation taken once.

    Raises DataError where the record is not what the format promises.
    """
    tokens = [checked(token, "tokens", str) for token in field(record, "tokens", list)]
    text = " ".join(tokens)
    starts = [0, *accumulate(len(token) + 1 for token in tokens)]
    spans = tuple(_read_span(item, tokens, starts) for item in field(record, "entities", list))
    ids = {span: f"T{number}" for number, span in enumerate(dict.fromkeys(spans), start=1)}
    mentions = tuple(
        Mention(mention_id, start, end, text[start:end], entity_type)
        for (start, end, entity_type), mention_id in ids.items()
    )
    relations = _read_relations(record, tuple(ids[span] for span in spans))
    return Extraction(document_id, text, mentions, relations)


def sentence_id(record: Any) -> str | None:
    """The identifier that the data set gives a sentence, if it has one."""
    given = [name for name in ("orig_id", "id") if isinstance(record, dict) and name in record]
    return identifier(record, given[0]) if given else None


def _read_span(record: Any, tokens: list[str], starts: list[int]) -> tuple[int, int, str]:
    """The characters that an entity covers, and its type; ``starts`` are the tokens' offsets."""
    first, end = field(record, "start", int), field(record, "end", int)
    if not 0 <= first < end <= len(tokens):
        raise DataError(f"an entity covers the tokens {first}:{end} of {len(tokens)}")
    start, stop = starts[first], starts[end] - 1
    if start >= stop:
        raise DataError(f"an entity covers the tokens {first}:{end}, which are empty")
    return start, stop, field(record, "type", str)


def _read_relations(record: Any, mention_ids: tuple[str, ...]) -> tuple[Relation, ...]:
    found = {
        (
            indexed(mention_ids, field(item, "head", int), "head"),
            indexed(mention_ids, field(item, "tail", int), "tail"),
            field(item, "type", str),
        ): None
        for item in field(record, "relations", list)
    }
    return tuple(Relation(f"R{number}", *ends) for number, ends in enumerate(found, start=1))
