"""A task file drafted out of annotated data: its types, and which of them each relation joins."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from keci.data.datasets import read_dataset
from keci.data.gold import GoldDataset
from keci.errors import DataError
from keci.schema import NONE, RelationType, TaskSchema

_ANY = "any"
_SYMMETRIC_SHARE = 0.25
"""A relation of which so many pairs of types occur both ways is taken for one without direction."""
_MISTAKEN_SHARE = 0.02
"""Relations that are so few against those of the other direction are taken for mistakes."""


def draft_task(path: Path) -> str:
    """The task file that annotated data call for, with its counts as comments.

    Raises DataError where the data have no mention.
    """
    dataset = read_dataset(path, TaskSchema(NONE, (_ANY,), ()))
    mentions = Counter(
        mention.type for item in dataset.documents for mention in item.extraction.mentions
    )
    if not mentions:
        count = len(dataset.documents)
        raise DataError(f"{path}: no mention in {count} documents, read as {dataset.layout}")
    return "\n".join(_lines(path, dataset, mentions)) + "\n"


def _lines(path: Path, dataset: GoldDataset, mentions: Counter[str]) -> Iterator[str]:
    pairs = _pairs(dataset)
    count = len(dataset.documents)
    yield f"# Drafted from {path.name}: {count} documents, read as {dataset.layout}."
    yield "# Take out what the model is not to learn; check the direction of each relation."
    yield f"name = {_quoted(re.sub(r'[^A-Za-z0-9]+', '-', path.name.partition('.')[0]) or 'task')}"
    yield "entity_types = ["
    for name, count in sorted(mentions.items(), key=lambda item: (-item[1], item[0])):
        yield f"    {_quoted(name)},  # {count}"
    yield "]"
    for name in sorted(pairs):
        relation = _relation(name, pairs[name])
        yield ""
        yield f"[[relation_types]]  # {pairs[name].total()}"
        yield f"name = {_quoted(name)}"
        if relation.symmetric:
            yield "symmetric = true"
        yield f"head_types = [{', '.join(map(_quoted, relation.head_types))}]"
        yield f"tail_types = [{', '.join(map(_quoted, relation.tail_types))}]"
        for (head, tail), count in sorted(_mistaken(pairs[name]).items()):
            way = f"{count} from {_quoted(head)} to {_quoted(tail)}"
            yield f"# left out, against {pairs[name][tail, head]} the other way: {way}"


def _pairs(dataset: GoldDataset) -> dict[str, Counter[tuple[str, str]]]:
    """How often each relation type joins which types."""
    pairs: dict[str, Counter[tuple[str, str]]] = {}
    for document in dataset.documents:
        types = {mention.id: mention.type for mention in document.extraction.mentions}
        for item in document.extraction.relations:
            found = pairs.setdefault(item.type, Counter())
            found[types[item.head], types[item.tail]] += 1
    return pairs


def _mistaken(pairs: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """The pairs of types that nearly always go the other way."""
    return Counter(
        {
            (head, tail): count
            for (head, tail), count in pairs.items()
            if head != tail and count < _MISTAKEN_SHARE * pairs[tail, head]
        }
    )


def _relation(name: str, pairs: Counter[tuple[str, str]]) -> RelationType:
    kept = pairs - _mistaken(pairs)
    both = sum(
        min(count, kept.get((tail, head), 0))
        for (head, tail), count in kept.items()
        if head != tail
    )
    symmetric = both >= _SYMMETRIC_SHARE * sum(kept.values())
    heads, tails = (sorted({pair[end] for pair in kept}) for end in (0, 1))
    if symmetric:
        heads = tails = sorted({*heads, *tails})
    return RelationType(name, symmetric, tuple(heads), tuple(tails))


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
