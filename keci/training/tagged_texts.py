"""Texts to adapt an encoder on: word pieces, the tags of annotated corpora, masked pieces."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from keci.errors import DataError
from keci.fields import Fields
from keci.text.tokens import TextTokenizer, TokenisedText

Integers = npt.NDArray[np.int64]

IGNORED = -100
"""Label of a piece that takes no part in a loss, as torch's cross-entropy has it."""


@dataclass(frozen=True, slots=True)
class TaggedText:
    """The pieces of a text, special ones included, and a tag for each.

    ``piece_ids`` and ``tags`` - (pieces,); tags are those of corpus ``corpus``, IGNORED on special
    pieces and in a corpus without mentions.
    """

    piece_ids: npt.NDArray[np.int32]
    tags: npt.NDArray[np.int16]
    corpus: int


@dataclass(frozen=True, slots=True)
class TaggedCorpora:
    """The texts of several corpora; ``tag_counts`` has the number of tags of each."""

    texts: Sequence[TaggedText]
    names: tuple[str, ...]
    tag_counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Entity:
    start: int
    end: int
    type: str


@dataclass(frozen=True, slots=True)
class _Record:
    text: str
    entities: tuple[_Entity, ...]


def read_tagged_corpora(
    paths: Sequence[Path], tokenizer: TextTokenizer, *, most_pieces: int
) -> TaggedCorpora:
    """Read corpora of KECI jsonl, plain or gzip, a file each; longer texts are cut into rows.

    Tags are outside (0), and for the k-th type of the corpus, in alphabetical order, begin
    (2 k + 1) and inside (2 k + 2). Of mentions that overlap the longest is tagged. Raises DataError
    on a line that is no object with a text, or has an entity that does not lie in the text.
    """
    texts: list[TaggedText] = []
    counts = []
    for corpus, path in enumerate(paths):
        records = list(_records(path))
        types = sorted({entity.type for record in records for entity in record.entities})
        counts.append(1 + 2 * len(types))
        tokenised = tokenizer([record.text for record in records])
        for record, tokens in zip(records, tokenised, strict=True):
            tags = _tags(tokens, record.entities, types)
            texts += _rows(tokens.piece_ids, tags, corpus, tokenizer, most_pieces)
    return TaggedCorpora(texts, tuple(path.name for path in paths), tuple(counts))


def _records(path: Path) -> Iterator[_Record]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{path}, line {number}"
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise DataError(f"{where}: expected an object with text: {error}") from error
            yield _record(Fields(record, where))


def _record(fields: Fields) -> _Record:
    text = fields.text("text")
    entities = fields.inner_items("entities") if "entities" in fields else []
    return _Record(text, tuple(_entity(entity, len(text)) for entity in entities))


def _entity(fields: Fields, length: int) -> _Entity:
    start, end = fields.count("start"), fields.count("end")
    if not start < end <= length:
        raise fields.mistake("end", f"above start ({start}) and within the text ({length})")
    return _Entity(start, end, fields.text("type"))


def _tags(
    tokens: TokenisedText, entities: Iterable[_Entity], types: Sequence[str]
) -> npt.NDArray[np.int16]:
    tags = np.zeros(len(tokens.piece_ids), dtype=np.int16)
    if not types:
        return np.full_like(tags, IGNORED)
    for entity in sorted(entities, key=lambda item: item.start - item.end):
        first = int(np.searchsorted(tokens.word_ends, entity.start, side="right"))
        last = int(np.searchsorted(tokens.word_starts, entity.end, side="left"))
        start, end = int(tokens.word_pieces[first]), int(tokens.word_pieces[last])
        if start >= end or tags[start:end].any():
            continue
        begin = 2 * types.index(entity.type) + 1
        tags[start:end] = begin + 1
        tags[start] = begin
    return tags


def _rows(
    piece_ids: npt.NDArray[np.int32],
    tags: npt.NDArray[np.int16],
    corpus: int,
    tokenizer: TextTokenizer,
    most_pieces: int,
) -> Iterator[TaggedText]:
    prefix, suffix = tokenizer.prefix_ids, tokenizer.suffix_ids
    room = most_pieces - tokenizer.special_count
    for start in range(0, len(piece_ids), room):
        pieces = [*prefix, *piece_ids[start : start + room].tolist(), *suffix]
        tagged = [IGNORED] * len(prefix) + tags[start : start + room].tolist()
        tagged += [IGNORED] * len(suffix)
        yield TaggedText(np.array(pieces, np.int32), np.array(tagged, np.int16), corpus)


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """Padded rows of one training step.

    input_ids - (rows, columns), some pieces masked; attention_mask - (rows, columns);
    tags - (rows, columns); corpora - (rows,); masked - (masked,) flat indices of the masked
    pieces; originals - (masked,) what stood there.
    """

    input_ids: Integers
    attention_mask: Integers
    tags: Integers
    corpora: Integers
    masked: Integers
    originals: Integers


def batches_of_similar_length(
    lengths: Integers, budget: int, generator: np.random.Generator
) -> list[list[int]]:
    """Random groups of texts of similar length that hold up to ``budget`` pieces, padding too."""
    order = np.argsort(lengths + generator.uniform(0, 4, len(lengths)), kind="stable")
    batches: list[list[int]] = []
    batch: list[int] = []
    longest = 0
    for index in order.tolist():
        longest = max(longest, int(lengths[index]))
        if batch and (len(batch) + 1) * longest > budget:
            batches.append(batch)
            batch, longest = [], int(lengths[index])
        batch.append(index)
    if batch:
        batches.append(batch)
    return [batches[index] for index in generator.permutation(len(batches)).tolist()]


def mask_batch(
    texts: Sequence[TaggedText],
    *,
    pad_id: int,
    mask_id: int,
    vocabulary: int,
    share: float,
    generator: np.random.Generator,
) -> MaskedBatch:
    """Texts as one padded batch; of the chosen ``share`` of pieces eight in ten become the mask
    piece and one in ten a random piece, as BERT has it (Devlin et al. 2019, Sec 3.1).
    """
    columns = max(len(text.piece_ids) for text in texts)
    input_ids = np.full((len(texts), columns), pad_id, dtype=np.int64)
    tags = np.full((len(texts), columns), IGNORED, dtype=np.int64)
    mask = np.zeros((len(texts), columns), dtype=np.int64)
    inner = np.zeros((len(texts), columns), dtype=bool)
    for row, text in enumerate(texts):
        length = len(text.piece_ids)
        input_ids[row, :length] = text.piece_ids
        tags[row, :length] = text.tags
        mask[row, :length] = 1
        inner[row, 1 : length - 1] = True
    chosen = np.flatnonzero(inner & (generator.random(inner.shape) < share))
    flat = input_ids.reshape(-1)
    originals = flat[chosen].copy()
    fate = generator.random(len(chosen))
    flat[chosen[fate < 0.8]] = mask_id
    random = chosen[fate >= 0.9]
    flat[random] = generator.integers(0, vocabulary, len(random))
    corpora = np.array([text.corpus for text in texts], dtype=np.int64)
    return MaskedBatch(input_ids, mask, tags, corpora, chosen, originals)
