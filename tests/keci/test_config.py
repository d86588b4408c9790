from dataclasses import fields, replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.config import (
    VARIANTS,
    ModelConfig,
    TrainConfig,
    config_from_record,
    config_to_record,
)
from keci.errors import ConfigError

SMALL = st.integers(1, 64)
MODELS = st.builds(
    ModelConfig,
    knowledge=st.sampled_from(["fusion", "tokens", "none"]),
    max_span_pieces=SMALL,
    keep_ratio=st.floats(0, 1, exclude_min=True),
    span_width=SMALL,
    attention_heads=st.just(1),
    final_inputs=st.sampled_from(["fused", "fused+span"]),
    dropout=st.floats(0, 1, exclude_max=True),
    mix_layers=st.booleans(),
    semantic_types=st.lists(st.text(max_size=5), max_size=4).map(tuple),
    graph_relations=st.lists(st.text(max_size=5), max_size=4).map(tuple),
)
TRAININGS = st.builds(
    TrainConfig,
    variant=st.sampled_from(sorted(VARIANTS)),
    seed=st.integers(0, 1 << 40),
    epochs=SMALL,
    encoder_learning_rate=st.floats(0, 1),
    relation_loss=st.sampled_from(["binary", "softmax"]),
    validation_share=st.floats(0, 1, exclude_min=True, exclude_max=True),
)


def through_json(record: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(orjson.dumps(record))
    return read


@given(MODELS)
def test_a_model_config_survives_json(config: ModelConfig) -> None:
    assert config_from_record(ModelConfig, through_json(config_to_record(config))) == config


@given(TRAININGS)
def test_a_training_config_survives_json(config: TrainConfig) -> None:
    assert config_from_record(TrainConfig, through_json(config_to_record(config))) == config


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig])
def test_unknown_settings_are_refused(kind: type[ModelConfig] | type[TrainConfig]) -> None:
    with pytest.raises(ConfigError, match="learning_rat"):
        config_from_record(kind, {"learning_rat": 1})


def test_absent_settings_have_their_defaults() -> None:
    assert config_from_record(ModelConfig, {}) == ModelConfig()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("knowledge", "wikipedia"),
        ("final_inputs", "span"),
        ("keep_ratio", 0.0),
        ("keep_ratio", 1.1),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("max_span_pieces", 0),
        ("span_width", 0),
        ("attention_heads", 0),
        ("span_gcn_layers", -1),
        ("concept_gcn_layers", -1),
        ("vector_widths", (3,)),
        ("pair_reach", -2),
    ],
)
def test_impossible_architectures_are_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        config_from_record(ModelConfig, {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("variant", "fullest"),
        ("relation_loss", "hinge"),
        ("epochs", 0),
        ("batch_size", 0),
        ("validation_share", 0.0),
        ("validation_share", 1.0),
        ("warmup_share", 1.5),
        ("encoder_learning_rate", -1e-5),
        ("upper_learning_rate", -1e-5),
        ("weight_decay", -0.1),
        ("max_gradient_norm", 0.0),
        ("patience", -1),
        ("entity_only_epochs", -1),
        ("final_weight", -1.0),
        ("relation_unit", "documents"),
        ("weight_average", 1.0),
        ("none_prior", -0.1),
        ("mix_learning_rate", -1e-3),
    ],
)
def test_impossible_trainings_are_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        config_from_record(TrainConfig, {name: value})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (ModelConfig, "span_width", "256"),
        (ModelConfig, "span_width", 2.5),
        (ModelConfig, "mix_layers", 1),
        (ModelConfig, "semantic_types", "T033"),
        (ModelConfig, "keep_ratio", None),
        (TrainConfig, "epochs", "3"),
        (TrainConfig, "seed", 1.5),
        (TrainConfig, "variant", 3),
    ],
)
def test_settings_of_the_wrong_type_are_refused(
    kind: type[ModelConfig] | type[TrainConfig], name: str, value: object
) -> None:
    with pytest.raises(ConfigError, match=name):
        config_from_record(kind, {name: value})


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_every_variant_is_a_valid_architecture(variant: str) -> None:
    config = replace(ModelConfig(), **VARIANTS[variant])
    assert VARIANTS[variant].keys() <= {field.name for field in fields(config)}


def test_heads_must_divide_the_width_that_they_share() -> None:
    with pytest.raises(
        ConfigError, match=r"span_width must be a multiple of attention_heads \(3\)"
    ):
        ModelConfig(knowledge="tokens", span_width=256, attention_heads=3)
    assert ModelConfig(span_width=255).attention_heads == 4
