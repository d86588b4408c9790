"""The data that all systems read, written once into a folder.

``train.json`` and ``validation.json`` are sentences of the ADE corpus in SpERT's format, split as
keci-train splits the file. ``encoder`` is the adapted encoder of models/encoder as a folder that
Hugging Face's library reads. ``validation.jsonl``, ``some.jsonl`` (its first sentences) and
``polarity.jsonl`` are what is predicted: a line has ``id``, ``text`` and ``words``, the characters
that each word covers.
"""

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import torch

from benchmarks.polarity import SENTENCES, read_sentences
from examples.ade_data.__main__ import split_ade
from keci.model.stored_weights import stored_weights

ENCODER = Path("models/encoder")
SOME = 24
"""Sentences of the short prediction, whose time is taken off that of the whole."""
_TYPES = ("Adverse-Effect", "Drug")
_RELATION = "Adverse-Effect"
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and the characters that each of its words covers."""

    id: str
    text: str
    words: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, sentence_id: str, text: str, word: re.Pattern[str]) -> "Sentence":
        """The sentence with the words that a pattern finds."""
        return cls(sentence_id, text, tuple(match.span() for match in word.finditer(text)))

    @property
    def tokens(self) -> list[str]:
        return [self.text[start:end] for start, end in self.words]


def read(path: Path) -> list[Sentence]:
    """The sentences of a file that ``prepare`` wrote."""
    return [
        Sentence(record["id"], record["text"], tuple(map(tuple, record["words"])))
        for record in map(orjson.loads, path.read_bytes().splitlines())
    ]


def prepare(ade: Path, encoder: Path, folder: Path) -> None:
    """Write the folder; ``ade`` is the training part of a fold in SpERT's format."""
    folder.mkdir(parents=True, exist_ok=True)
    write_encoder(encoder, folder / "encoder")
    (folder / "types.json").write_bytes(orjson.dumps(types()))
    _, validation = split_ade(ade)
    apart = {item.id for item in validation}
    records = orjson.loads(ade.read_bytes())
    for name, wanted in (("train", False), ("validation", True)):
        part = [record for record in records if (str(record["orig_id"]) in apart) is wanted]
        (folder / f"{name}.json").write_bytes(orjson.dumps(part))
    between_spaces = re.compile(r"\S+")
    sentences = [Sentence.of(item.id, item.text, between_spaces) for item in validation]
    _write(folder / "validation.jsonl", sentences)
    _write(folder / "some.jsonl", sentences[:SOME])
    written = (Sentence.of(item.id, item.text, _WORD) for item in read_sentences(SENTENCES))
    _write(folder / "polarity.jsonl", written)


def write_encoder(stored: Path, folder: Path) -> None:
    """Write an encoder whose weights are in 8 bits as one of 32, with its vocabulary."""
    folder.mkdir(exist_ok=True)
    torch.save(stored_weights(stored / "weights.safetensors"), folder / "pytorch_model.bin")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(stored / name, folder / name)
    tokenizer = orjson.loads((stored / "tokenizer.json").read_bytes())
    pieces: dict[str, int] = tokenizer["model"]["vocab"]
    lines = (f"{piece}\n" for piece in sorted(pieces, key=pieces.__getitem__))
    (folder / "vocab.txt").write_text("".join(lines), "utf-8")


def types() -> dict[str, Any]:
    """The types of ADE as SpERT reads them."""
    entities: Sequence[str] = _TYPES
    return {
        "entities": {name: {"short": name, "verbose": name} for name in entities},
        "relations": {_RELATION: {"short": _RELATION, "verbose": _RELATION, "symmetric": False}},
    }


def _write(path: Path, sentences: Iterable[Sentence]) -> None:
    lines = [
        orjson.dumps({"id": item.id, "text": item.text, "words": item.words}) for item in sentences
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
