"""Settings of model and training: frozen, checked when made, written beside every checkpoint."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar, get_args

from keci.errors import ConfigError

Config = TypeVar("Config", "ModelConfig", "TrainConfig")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Architecture of the network; the paper's symbols are given where it has one.

    ``knowledge`` "fusion" builds the background graph and the final span graph; "tokens" adds
    concepts to the token states and stops at the initial span graph, "none" stops there without
    any. ``final_inputs`` "fused" reads f_i in Eq 9, "fused+span" [f_i ; h_i] as the authors'
    released code does. ``semantic_types`` and ``graph_relations`` are the vocabularies of the
    knowledge base that the model was trained with; another base is mapped onto them by name.
    """

    knowledge: str = "fusion"
    max_span_pieces: int = 20
    """L"""
    keep_ratio: float = 0.5
    """lambda"""
    span_width: int = 256
    """d"""
    hidden_width: int = 256
    hidden_layers: int = 1
    """Of every feed-forward network; the paper's have 2."""
    length_width: int = 20
    node_width: int = 128
    span_gcn_layers: int = 2
    none_messages: bool = True
    """Whether spans hear in Eq 4 from those that they are not related to, along "none", as from
    others. The sum over all kept spans grows with the text then."""
    concept_gcn_layers: int = 2
    attention_heads: int = 4
    """Heads of the attention that adds concepts to token states."""
    pair_reach: int = -1
    """Sentences that the two spans of a pair may be apart; 0 pairs those of one sentence, 1 those
    of the next one too, -1 all of a text."""
    pair_context: int = 0
    """Width of what relation scores read of the text between two spans, beside distance, order,
    nesting and types; 0 leaves all of these out, as the paper does."""
    name_kinds: bool = False
    """Whether the first scores know which spans are, end in or lie in names of the knowledge
    base."""
    mix_layers: bool = True
    final_inputs: str = "fused+span"
    dropout: float = 0.2
    shared_neighbours: bool = False
    """Whether concepts of a text that share a neighbour in the knowledge base are linked."""
    use_vectors: bool = True
    """Whether nodes begin with the pretrained vectors of a knowledge base that has some."""
    use_definitions: bool = True
    """Whether nodes begin with vectors of definitions, where a knowledge base has some."""
    vector_spaces: tuple[str, ...] = ()
    """The vector spaces that the nodes' vectors come from, and the width of each."""
    vector_widths: tuple[int, ...] = ()
    semantic_types: tuple[str, ...] = ()
    graph_relations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_types(self)
        _check_choice("knowledge", self.knowledge, ("fusion", "tokens", "none"))
        if len(self.vector_spaces) != len(self.vector_widths):
            raise ConfigError("vector_spaces and vector_widths must be of one length")
        _check_choice("final_inputs", self.final_inputs, ("fused", "fused+span"))
        if not 0 < self.keep_ratio <= 1:
            raise ConfigError(f"keep_ratio must be in (0, 1], got {self.keep_ratio}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be in [0, 1), got {self.dropout}")
        for name in (
            "max_span_pieces",
            "span_width",
            "hidden_width",
            "hidden_layers",
            "length_width",
            "node_width",
            "attention_heads",
        ):
            _check_positive(name, getattr(self, name))
        if self.knowledge == "tokens" and self.span_width % self.attention_heads:
            raise ConfigError(
                f"span_width must be a multiple of attention_heads ({self.attention_heads}) where "
                f"knowledge is 'tokens', got {self.span_width}"
            )
        for name in ("span_gcn_layers", "concept_gcn_layers", "pair_context"):
            _check_not_negative(name, getattr(self, name))
        if self.pair_reach < -1:
            raise ConfigError(f"pair_reach must be -1 or more, got {self.pair_reach}")

    @property
    def vector_width(self) -> int:
        """Width of a node's vectors, all spaces together."""
        return sum(self.vector_widths)


VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "full": {},
    "paper": {"final_inputs": "fused", "span_width": 512, "hidden_width": 500, "hidden_layers": 2},
    "sent-context-only": {"knowledge": "none"},
    "knowbert-attention": {"knowledge": "tokens", "concept_gcn_layers": 0},
    "flat-attention": {"span_gcn_layers": 0, "concept_gcn_layers": 0},
    "no-span-gcn": {"span_gcn_layers": 0},
    "no-concept-gcn": {"concept_gcn_layers": 0},
    "no-vectors": {"use_vectors": False},
    "no-definitions": {"use_definitions": False},
}
"""The paper's form and sizes, its baselines and its ablations (Tables 1, 3 and 4): changes of
ModelConfig."""


SMALL_DATA = 320
"""Fewer documents give less than ten batches of the default size."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a model is trained (Sec 2.6, Table 8).

    ``relation_loss`` "binary" is the binary cross-entropy of each relation type's probability,
    "softmax" the cross-entropy of the pair's label. ``relation_unit`` "concepts" asks of the
    mention pairs of two concepts only that they say the label together (see ``training.loss``),
    "mentions" asks it of each. ``final_weight`` is the 2 of Eq 10.
    """

    variant: str = "full"
    seed: int = 1
    epochs: int = 50
    batch_size: int = 32
    encoder_learning_rate: float = 5e-5
    upper_learning_rate: float = 2e-4
    attention_dropout: float = 0.1
    """Of the encoder; with 0 an epoch over long texts takes two thirds of the time on a CPU."""
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    mix_learning_rate: float = 0.0
    """Of the scores by which the encoder's layers are mixed; 0 takes the upper one."""
    weight_average: float = 0.0
    """Decay of the moving average of the weights that is validated and kept; 0 averages nothing."""
    none_prior: float = 0.0
    """Probability of "none" that the scorers start with; 0 leaves their chance start."""
    teacher_weight: float = 0.5
    """Share of an annotated text's loss that imitates the teachers, where there are any."""
    agreeing_teachers: bool = False
    """Imitate the teachers only where their best type of a span is the annotated one."""
    relation_loss: str = "softmax"
    relation_unit: str = "mentions"
    precision: str = "auto"
    """"bf16", "fp32", or "auto": bf16 where the hardware gains from it."""
    final_weight: float = 2.0
    entity_only_epochs: int = 0
    patience: int = 0
    """Epochs without a better validation score before training stops; 0 trains all epochs."""
    validation_share: float = 0.1
    split_seed: int = 1
    """Which validation part is split off; apart from ``seed``, so that runs compare."""

    @classmethod
    def fitting(cls, documents: int) -> "TrainConfig":
        """The settings that fit so many documents to train on (docs/decisions/small-data.md).

        Small data get smaller batches, so that an epoch has steps enough, and higher rates.
        """
        if documents >= SMALL_DATA:
            return cls()
        return cls(batch_size=4, encoder_learning_rate=1e-4, upper_learning_rate=1e-3)

    def __post_init__(self) -> None:
        _check_types(self)
        _check_choice("variant", self.variant, tuple(VARIANTS))
        _check_choice("relation_loss", self.relation_loss, ("binary", "softmax"))
        _check_choice("relation_unit", self.relation_unit, ("mentions", "concepts"))
        for name in ("weight_average", "none_prior", "attention_dropout", "teacher_weight"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        _check_choice("precision", self.precision, ("auto", "bf16", "fp32"))
        for name in ("epochs", "batch_size"):
            _check_positive(name, getattr(self, name))
        if not 0 < self.validation_share < 1:
            raise ConfigError(f"validation_share must be in (0, 1), got {self.validation_share}")
        if not 0 <= self.warmup_share <= 1:
            raise ConfigError(f"warmup_share must be in [0, 1], got {self.warmup_share}")
        if not self.max_gradient_norm > 0:
            raise ConfigError(f"max_gradient_norm must be above 0, got {self.max_gradient_norm}")
        for name in ("encoder_learning_rate", "upper_learning_rate", "weight_decay"):
            _check_not_negative(name, getattr(self, name))
        for name in ("final_weight", "entity_only_epochs", "patience", "mix_learning_rate"):
            _check_not_negative(name, getattr(self, name))


def config_to_record(config: ModelConfig | TrainConfig) -> dict[str, Any]:
    return asdict(config)


def config_from_record(kind: type[Config], record: Mapping[str, Any]) -> Config:
    """Read a config; raises ConfigError on keys that the config does not have."""
    if not isinstance(record, Mapping):
        raise ConfigError(f"settings in {kind.__name__} must be an object, got {record!r}")
    unknown = record.keys() - {field.name for field in fields(kind)}
    if unknown:
        raise ConfigError(f"unknown settings in {kind.__name__}: {sorted(unknown)}")
    values: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list) else item for key, item in record.items()
    }
    return kind(**values)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def _check_positive(name: str, value: int) -> None:
    if value < 1:
        raise ConfigError(f"{name} must be at least 1, got {value}")


def _check_not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise ConfigError(f"{name} must not be negative, got {value}")


def _check_types(config: ModelConfig | TrainConfig) -> None:
    for field in fields(config):
        value = getattr(config, field.name)
        if not _has_type(value, field.type):
            kind = getattr(field.type, "__name__", str(field.type))
            raise ConfigError(f"{field.name} must be of type {kind}, got {value!r}")


def _has_type(value: object, kind: object) -> bool:
    if kind in (str, bool):
        return type(value) is kind
    if kind in (int, float):
        return type(value) is int or type(value) is kind
    (item_kind, _) = get_args(kind)
    return isinstance(value, tuple) and all(_has_type(item, item_kind) for item in value)
