"""The BioRelEx metric, by the rules of its official script (Khachatrian et al. 2019).

Mentions match by name and span, whatever their type. A predicted interaction stands for all
unordered pairs of its entities' names, whatever its label. A gold interaction is found when every
one of its name pairs was predicted; each predicted pair that no gold interaction has is wrong.
"""

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np

from keci.data.gold import GoldDocument, Interaction, entity_interactions
from keci.documents import Extraction
from keci.evaluation.strict import count_sets
from keci.evaluation.tally import Tally

Pair = tuple[GoldDocument, Extraction | None]
"""A gold document and its prediction, if there is one."""

NamePair = tuple[str, str]


def tally_mentions(pairs: Sequence[Pair], *, skip_missing: bool) -> Tally:
    """Count named spans; a document without prediction is skipped or else all missed."""
    rows = [
        (0, 0, 0)
        if predicted is None and skip_missing
        else count_sets({*_named_spans(gold.extraction)}, {*_named_spans(predicted)})
        for gold, predicted in pairs
    ]
    return _tally(rows)


def tally_interactions(pairs: Sequence[Pair], *, skip_missing: bool) -> Tally:
    """Count interactions; a document without prediction is skipped or else all missed."""
    rows = [
        (0, 0, 0)
        if predicted is None and skip_missing
        else count_interactions(gold.interactions, predicted)
        for gold, predicted in pairs
    ]
    return _tally(rows)


def count_interactions(
    gold: Iterable[Interaction], predicted: Extraction | None
) -> tuple[int, int, int]:
    """Gold interactions found, predicted name pairs that no gold one has, gold ones not found."""
    predictions = () if predicted is None else entity_interactions(predicted)
    predicted_pairs = {pair for item in predictions for pair in _name_pairs(item)}
    gold_pairs = [_name_pairs(interaction) for interaction in gold]
    found = sum(pairs <= predicted_pairs for pairs in gold_pairs)
    wrong = predicted_pairs.difference(*gold_pairs)
    return found, len(wrong), len(gold_pairs) - found


def _name_pairs(interaction: Interaction) -> set[NamePair]:
    pairs = product(interaction.head_names, interaction.tail_names)
    return {(min(pair), max(pair)) for pair in pairs}


def _named_spans(extraction: Extraction | None) -> Iterable[tuple[str, int, int]]:
    mentions = () if extraction is None else extraction.mentions
    return ((mention.text, mention.start, mention.end) for mention in mentions)


def _tally(rows: list[tuple[int, int, int]]) -> Tally:
    return Tally(("all",), np.array(rows, np.int64).reshape(-1, 1, 3))
