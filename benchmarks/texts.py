"""Texts to measure with: real ones of a file, or made ones with the lengths of real ones."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import orjson

from keci.batch import BatchBuilder
from keci.corpus.reader import CorpusReader
from keci.documents import Document
from keci.errors import UsageError
from keci.knowledge.base.store import KnowledgeBase
from keci.text.windows import WindowBudget, text_units

MEDIAN_PIECES, SPREAD = 32, 0.42
"""Word pieces of a sentence: log-normal, so that the mean is 35 and one in a hundred has 85."""

NAME_SHARE = 0.17
"""Share of names among the phrases of a sentence; about seven are linked, as in real ones."""

SENTENCES_PER_DOCUMENT = 8
_NAMES = 2000
_PLAIN_NAME = re.compile(r"(?:[A-Za-z][A-Za-z0-9]*[ -]){0,2}[A-Za-z]{4,}")
"""One that does not end as an abbreviation would, so that a full stop after it ends a sentence."""

_WORDS = [
    "the", "of", "and", "in", "with", "to", "for", "was", "were", "by", "that", "after",
    "which", "from", "is", "during", "on", "not", "these", "as", "patients", "treatment",
    "expression", "activity", "increased", "reduced", "compared", "significant", "observed",
    "levels", "response", "cells", "associated", "induced", "showed", "between", "group",
    "dose", "study", "effect", "binding", "both", "developed", "following", "clinical",
    "protein", "receptor", "results", "severe", "acute", "chronic", "daily",
    "suggest", "whereas", "more", "than", "two", "had", "been", "revealed", "did",
    "concentration", "function", "mediated",
]  # fmt: skip


def made_documents(
    base: KnowledgeBase | None, builder: BatchBuilder, *, sentences: int, seed: int = 1
) -> list[Document]:
    """Documents of up to eight sentences, made of our words and of names of the knowledge base."""
    chance = np.random.default_rng(seed)
    names = _plain_names(base, chance) or _WORDS
    phrases = [*_WORDS, *names]
    pieces = [len(tokens.piece_ids) for tokens in builder.tokenizer(phrases)]
    longest = builder.max_tokens // 2
    made = [
        _sentence(chance, phrases, pieces, min(length, longest))
        for length in chance.lognormal(np.log(MEDIAN_PIECES), SPREAD, sentences)
    ]
    parts = range(0, sentences, SENTENCES_PER_DOCUMENT)
    return [
        Document(f"made-{start}", " ".join(made[start : start + SENTENCES_PER_DOCUMENT]))
        for start in parts
    ]


def read_documents(path: Path, budget: WindowBudget, *, sentences: int) -> list[Document]:
    """The first documents of a file that have so many sentences, or all where it has fewer.

    Raises UsageError where there is no text.
    """
    contents = (record.content for record in CorpusReader([str(path)]).read())
    documents = (content for content in contents if isinstance(content, Document))
    taken, total = [], 0
    for document in documents:
        taken.append(document)
        total += len(text_units(document.text, unit="sentence", budget=budget))
        if total >= sentences:
            break
    if not total:
        raise UsageError(f"there is no text in {path}")
    return taken


def sentences_of(documents: Iterable[Document], budget: WindowBudget) -> list[Document]:
    """What the model reads at once, each as a document of its own."""
    return [
        Document(f"{document.id}#{number}", unit.text)
        for document in documents
        for number, unit in enumerate(text_units(document.text, unit="sentence", budget=budget))
    ]


def spread_sample(sentences: Sequence[Document], size: int) -> list[Document]:
    """So many sentences at most, of all lengths alike."""
    ranked = sorted(sentences, key=lambda sentence: len(sentence.text))
    indices = np.linspace(0, len(ranked) - 1, min(size, len(ranked))).round().astype(int)
    return [ranked[index] for index in indices]


def write_corpus(documents: Iterable[Document], path: Path) -> None:
    """A jsonl file that keci-extract reads."""
    with path.open("wb") as file:
        for document in documents:
            record = {"id": document.id, "text": document.text}
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def _plain_names(base: KnowledgeBase | None, chance: np.random.Generator) -> list[str]:
    if base is None:
        return []
    shuffled = (base.names(int(index))[0] for index in chance.permutation(len(base)))
    return list(islice(filter(_PLAIN_NAME.fullmatch, shuffled), _NAMES))


def _sentence(
    chance: np.random.Generator, phrases: list[str], pieces: list[int], length: float
) -> str:
    chosen: list[str] = []
    total = 3  # the full stop, and half of a phrase that goes beyond the length
    while total < length or not chosen:
        index = _phrase(chance, len(phrases))
        chosen.append(phrases[index])
        total += pieces[index]
    text = " ".join(chosen)
    return f"{text[0].upper()}{text[1:]}."


def _phrase(chance: np.random.Generator, count: int) -> int:
    if chance.random() < NAME_SHARE:
        return int(chance.integers(len(_WORDS), count))
    return int(chance.integers(len(_WORDS)))
