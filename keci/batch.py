"""Texts and what the linker found in them, as one ragged batch of named arrays.

The arrays are those of ``stages.TENSORS`` that exist before the model runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keci.config import ModelConfig
from keci.documents import Document
from keci.errors import DataError
from keci.knowledge.graph import BackgroundGraph
from keci.knowledge.linking.linker import ConceptMention
from keci.knowledge.vectors.table import node_vectors
from keci.knowledge.vocabularies import Indices, Knowledge
from keci.text.name_kinds import name_kinds
from keci.text.sentences import split_sentences
from keci.text.spans import CandidateSpans, candidate_spans, pooling_blocks
from keci.text.tokens import TextTokenizer, TokenisedText
from keci.text.windows import encoder_rows

Arrays = Mapping[str, npt.NDArray[np.generic]]

_OFFSET_BITS = 24
MOST_ROWS = 4
"""Encoder rows that a text may take; its pairs of spans grow with the square of its length."""


@dataclass(frozen=True, slots=True)
class PreparedText:
    """A text with its tokens, candidate spans and concept mentions."""

    document: Document
    tokens: TokenisedText
    spans: CandidateSpans
    concept_mentions: tuple[ConceptMention, ...]
    sentence_starts: npt.NDArray[np.int64]
    """First characters of the sentences; the text's own where pairs have no limit of sentences."""
    name_kinds: Indices
    """What the knowledge base's names make of each span; empty where the model does not ask."""

    @property
    def token_count(self) -> int:
        return len(self.tokens.piece_ids)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: its texts in order, their background graph and the named arrays."""

    texts: tuple[PreparedText, ...]
    graph: BackgroundGraph | None
    arrays: Arrays


class BatchBuilder:
    """Turns documents into prepared texts, and prepared texts into batches."""

    def __init__(
        self,
        tokenizer: TextTokenizer,
        config: ModelConfig,
        *,
        max_pieces: int,
        knowledge: Knowledge | None,
    ) -> None:
        """``max_pieces`` is what the encoder reads at once, special tokens included."""
        self.tokenizer = tokenizer
        self.config = config
        self.max_tokens = max_pieces - tokenizer.special_count
        self.most_tokens = MOST_ROWS * self.max_tokens
        self.special_count = tokenizer.special_count
        self.knowledge = knowledge if config.knowledge != "none" else None

    def prepare(
        self,
        documents: Sequence[Document],
        linked: Sequence[tuple[ConceptMention, ...]] | None = None,
    ) -> list[PreparedText]:
        """Tokenise, enumerate spans and link.

        A text beyond ``max_tokens`` is encoded in overlapping rows, its spans and pairs are those
        of the whole; raises DataError on one beyond ``most_tokens``.
        ``linked`` gives the concept mentions of each text where they are known already, as for
        the sentences of a longer document.
        """
        tokens = self.tokenizer([document.text for document in documents])
        mentions = linked or [self.link(document.text) for document in documents]
        for document, found in zip(documents, tokens, strict=True):
            self._check_length(document, found)
        spans = candidate_spans(tokens, self.config.max_span_pieces)
        sentences = [self._sentence_starts(document.text) for document in documents]
        kinds = map(self._name_kinds, spans, mentions)
        return list(map(PreparedText, documents, tokens, spans, mentions, sentences, kinds))

    def link(self, text: str) -> tuple[ConceptMention, ...]:
        """The concept mentions of a text; none without a knowledge base."""
        return self.knowledge.linker.link(text) if self.knowledge else ()

    def _sentence_starts(self, text: str) -> npt.NDArray[np.int64]:
        """Sentences are looked for where the model has a reach alone."""
        spans = split_sentences(text) if self.config.pair_reach >= 0 else ()
        return np.array([start for start, _ in spans] or [0], dtype=np.int64)

    def _check_length(self, document: Document, tokens: TokenisedText) -> None:
        limit = self.most_tokens
        if len(tokens.piece_ids) > limit:
            raise DataError(
                f"text {document.id!r} has {len(tokens.piece_ids)} word pieces; at most {limit} "
                f"are read as one ({MOST_ROWS} times what the encoder holds): cut it into parts"
            )

    def build(self, texts: Sequence[PreparedText]) -> Batch:
        """One ragged batch of the texts, in their order."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            **self._encoder_arrays(texts),
            **_span_arrays(texts),
        }
        if self.config.pair_reach >= 0:
            arrays["span_sentences"] = _span_sentences(texts)
        if self.config.name_kinds:
            arrays["span_names"] = _concatenate([text.name_kinds for text in texts])
        graph = None
        if self.knowledge:
            mentions = [text.concept_mentions for text in texts]
            graph = self.knowledge.background(mentions)
            arrays |= _graph_arrays(graph, self.knowledge)
            arrays |= _candidate_arrays(graph, texts)
            arrays["node_vectors"] = node_vectors(self.knowledge.tables, graph)
        elif self.config.knowledge != "none":
            arrays |= _empty_graph_arrays()
            arrays["node_vectors"] = np.zeros((0, self.config.vector_width), np.float32)
        return Batch(tuple(texts), graph, arrays)

    def _name_kinds(self, spans: CandidateSpans, mentions: Sequence[ConceptMention]) -> Indices:
        """Kinds of the spans, by the first type of each mention's first candidate."""
        if not self.config.name_kinds:
            return np.zeros(0, dtype=np.int64)
        if not self.knowledge:
            return np.zeros(len(spans), dtype=np.int64)
        return name_kinds(
            spans,
            [(mention.start, mention.end) for mention in mentions],
            self.knowledge.first_types([mention.concepts[0] for mention in mentions]),
            types=len(self.config.semantic_types),
        )

    def _encoder_arrays(self, texts: Sequence[PreparedText]) -> dict[str, Indices]:
        """Rows of word pieces, and where among them each token is; see ``encoder_rows``."""
        prefix, suffix = self.tokenizer.prefix_ids, self.tokenizer.suffix_ids
        rows = [
            (text.tokens.piece_ids[row.start : row.end], row)
            for text in texts
            for row in encoder_rows(text.token_count, self.max_tokens)
        ]
        lengths = np.array([len(prefix) + len(ids) + len(suffix) for ids, _ in rows], np.int64)
        columns = int(lengths.max(initial=len(prefix) + len(suffix)))
        input_ids = np.full((len(rows), columns), self.tokenizer.pad_id, dtype=np.int64)
        slots = []
        for line, (ids, row) in enumerate(rows):
            input_ids[line, : lengths[line]] = np.concatenate((prefix, ids, suffix))
            first = line * columns + len(prefix) - row.start
            slots.append(np.arange(first + row.own_start, first + row.own_end))
        return {
            "input_ids": input_ids,
            "attention_mask": (np.arange(columns) < lengths[:, None]).astype(np.int64),
            "token_slots": _concatenate(slots),
            "token_splits": _splits(np.array([text.token_count for text in texts], np.int64)),
        }


def _span_arrays(texts: Sequence[PreparedText]) -> dict[str, Indices]:
    counts = np.array([text.token_count for text in texts], dtype=np.int64)
    pairs = list(zip(texts, _splits(counts)[:-1], strict=True))
    blocks = pooling_blocks(counts)
    return {
        "pooling_starts": blocks.starts,
        "pooling_slots": blocks.slots,
        "span_starts": _concatenate([text.spans.token_starts + shift for text, shift in pairs]),
        "span_ends": _concatenate([text.spans.token_ends + shift for text, shift in pairs]),
        "span_splits": _splits(np.array([len(text.spans) for text in texts], dtype=np.int64)),
    }


def _span_sentences(texts: Sequence[PreparedText]) -> Indices:
    return _concatenate(
        [np.searchsorted(text.sentence_starts, text.spans.starts, side="right") for text in texts]
    )


def span_keys(texts: Sequence[PreparedText]) -> Indices:
    """One ascending integer per candidate span of a batch, made of document, start and end."""
    return _concatenate(
        [
            offset_keys(np.full(len(text.spans), row), text.spans.starts, text.spans.ends)
            for row, text in enumerate(texts)
        ]
    )


def offset_keys(
    documents: npt.NDArray[np.integer],
    starts: npt.NDArray[np.integer],
    ends: npt.NDArray[np.integer],
) -> Indices:
    """Integers that order and identify the character spans of a batch."""
    document_keys = documents.astype(np.int64) << _OFFSET_BITS
    return ((document_keys + starts) << _OFFSET_BITS) + ends


def find_keys(keys: Indices, wanted: Indices) -> Indices:
    """Position of each wanted key in the ascending ``keys``, or -1."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    found = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[found] == wanted, found, -1)


def _candidate_arrays(graph: BackgroundGraph, texts: Sequence[PreparedText]) -> dict[str, Indices]:
    mention_keys = offset_keys(graph.mention_documents, graph.mention_starts, graph.mention_ends)
    mention_spans = find_keys(span_keys(texts), mention_keys)
    spans = mention_spans[graph.candidate_mentions]
    known = spans >= 0
    return {
        "candidate_spans": spans[known],
        "candidate_nodes": graph.candidate_nodes[known].astype(np.int64),
    }


def _graph_arrays(graph: BackgroundGraph, knowledge: Knowledge) -> dict[str, Indices]:
    types = knowledge.type_map[graph.node_types]
    nodes = len(graph.node_types_splits) - 1
    type_nodes = np.repeat(np.arange(nodes), np.diff(graph.node_types_splits))[types >= 0]
    relations = knowledge.relation_map[graph.edge_relations]
    edges = np.flatnonzero(relations >= 0)
    edges = edges[np.argsort(relations[edges] * nodes + graph.edge_tails[edges], kind="stable")]
    return {
        "node_types_splits": _splits(np.bincount(type_nodes, minlength=nodes)),
        "node_types": types[types >= 0],
        "edge_heads": graph.edge_heads[edges].astype(np.int64),
        "edge_tails": graph.edge_tails[edges].astype(np.int64),
        "edge_relations": relations[edges],
    }


def _empty_graph_arrays() -> dict[str, Indices]:
    names = ("node_types", "edge_heads", "edge_tails", "edge_relations")
    candidates = ("candidate_spans", "candidate_nodes")
    empty = {name: np.zeros(0, dtype=np.int64) for name in (*names, *candidates)}
    return {"node_types_splits": np.zeros(1, dtype=np.int64), **empty}


def _splits(counts: npt.NDArray[np.integer]) -> Indices:
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)))


def _concatenate(arrays: Sequence[npt.NDArray[np.integer]]) -> Indices:
    return np.concatenate([np.zeros(0, dtype=np.int64), *arrays]).astype(np.int64)
