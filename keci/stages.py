"""The tensors that flow through the model, and the fold that moves them from stage to stage.

A stage names its inputs and outputs; ``run_stages`` feeds each one from a dictionary of named
tensors. Training and extraction run the same fold and differ only in which backend a stage uses.
"""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, element type, named dimensions and meaning of a tensor; fixed numbers are sizes."""

    name: str
    dtype: str
    dims: tuple[str, ...]
    meaning: str


TENSORS: dict[str, TensorSpec] = {
    name: TensorSpec(name, dtype, tuple(dims.split()), meaning)
    for name, dtype, dims, meaning in (
        ("input_ids", "int64", "rows columns", "word pieces with special tokens, padded"),
        ("attention_mask", "int64", "rows columns", "1 at a piece, 0 at padding"),
        ("token_slots", "int64", "tokens", "index of each token in rows * columns"),
        ("token_splits", "int64", "documents+1", "first token of each document"),
        ("token_states", "float32", "tokens encoder_width", "states x (Sec 2.2), or enriched ones"),
        ("pooling_starts", "int64", "blocks", "first token of each block of span starts"),
        ("pooling_slots", "int64", "tokens", "index of each token among the blocks' starts"),
        ("span_starts", "int64", "spans", "first token of each candidate span"),
        ("span_ends", "int64", "spans", "token after the last one of each candidate span"),
        ("span_splits", "int64", "documents+1", "first candidate span of each document"),
        ("span_sentences", "int64", "spans", "sentence of its document in which a span starts"),
        ("span_names", "int64", "spans", "what the knowledge base's names make of a span"),
        ("span_hidden", "float32", "spans hidden_width", "hidden layer of FFNN_g (Eq 1)"),
        ("entity_logits", "float32", "spans entity_labels", "initial entity scores (Eq 2)"),
        ("kept_spans", "int64", "kept", "candidate spans that survive pruning, ascending"),
        ("kept_splits", "int64", "documents+1", "first kept span of each document"),
        ("kept_states", "float32", "kept span_width", "representations s of the kept spans (Eq 1)"),
        ("pair_heads", "int64", "pairs", "kept span at the head; (i, j) and (j, i) side by side"),
        ("pair_tails", "int64", "pairs", "kept span at the tail of each pair"),
        ("pair_contexts", "float32", "pairs pair_context", "maxima over the tokens between"),
        ("pair_positions", "int64", "pairs", "distance, order and nesting, as a class"),
        ("relation_logits", "float32", "pairs relation_labels", "initial relation scores (Eq 3)"),
        ("graph_states", "float32", "kept span_width", "h after the span GCN (Eq 4)"),
        ("node_types_splits", "int64", "nodes+1", "first semantic type of each node"),
        ("node_types", "int64", "node_types", "semantic types of the nodes, flat"),
        ("node_vectors", "float32", "nodes vector_width", "pretrained and definition vectors"),
        ("edge_heads", "int64", "edges", "node that sends a message"),
        ("edge_tails", "int64", "edges", "node that receives it"),
        ("edge_relations", "int64", "edges", "its relation, ascending; tails ascend within one"),
        ("concept_states", "float32", "nodes span_width", "n, projected node states (Sec 2.4)"),
        ("candidate_spans", "int64", "candidates", "candidate span that a concept may explain"),
        ("candidate_nodes", "int64", "candidates", "node of that concept"),
        ("fused_states", "float32", "kept span_width", "f (Eq 8)"),
        ("candidate_weights", "float32", "candidates", "beta_ij, 0 where fusion met a pruned span"),
        ("context_weights", "float32", "kept", "beta_i, the sentinel's share"),
        (
            "span_context_weights",
            "float32",
            "spans",
            "beta_i where tokens are enriched",
        ),
        ("final_entity_logits", "float32", "kept entity_labels", "final entity scores (Eq 9)"),
        ("final_relation_logits", "float32", "pairs relation_labels", "final relation scores"),
    )
}


class Stage(Protocol):
    """One step of the model, whatever runs it."""

    @property
    def input_names(self) -> tuple[str, ...]: ...

    def run(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]: ...


class TorchStage(nn.Module):
    """A stage in torch: its forward's parameters name the inputs, its NamedTuple the outputs.

    ``autocasts`` tells whether training may compute it in bfloat16.
    """

    autocasts: ClassVar[bool] = False

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.forward).parameters)

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        outputs: type = inspect.signature(self.forward, eval_str=True).return_annotation
        return tuple(outputs.__annotations__)

    def run(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        outputs = self(*(tensors[name] for name in self.input_names))
        return dict(zip(self.output_names, outputs, strict=True))


def run_stages(stages: Iterable[Stage], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All tensors after the stages ran in order, the given ones included."""
    known = dict(tensors)
    for stage in stages:
        known.update(stage.run(known))
    return known
