"""NAME=VALUE settings from the command line, applied to the configs that have the field."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from keci.config import ModelConfig, TrainConfig
from keci.errors import ConfigError

Config = TypeVar("Config", ModelConfig, TrainConfig)


def apply_settings(
    settings: Sequence[str], model: ModelConfig, train: TrainConfig
) -> tuple[ModelConfig, TrainConfig]:
    """Both configs after the settings; raises ConfigError on an unknown name or a wrong type."""
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise ConfigError(f"expected NAME=VALUE, got {setting!r}")
        if name in _names(model):
            model = _set(model, name, value)
        elif name in _names(train):
            train = _set(train, name, value)
        else:
            known = ", ".join(sorted({*_names(model), *_names(train)}))
            raise ConfigError(f"unknown setting {name!r}; known are {known}")
    return model, train


def _names(config: ModelConfig | TrainConfig) -> set[str]:
    return {field.name for field in fields(config)}


def _set(config: Config, name: str, value: str) -> Config:
    changed: dict[str, Any] = {name: _parse(name, value, type(getattr(config, name)))}
    return replace(config, **changed)


def _parse(name: str, value: str, kind: type) -> bool | int | float | str:
    if kind is bool:
        if value not in ("true", "false"):
            raise ConfigError(f"{name} must be true or false, got {value!r}")
        return value == "true"
    if kind not in (int, float, str):
        raise ConfigError(f"{name} cannot be set on the command line")
    try:
        parsed: int | float | str = kind(value)
    except ValueError as error:
        raise ConfigError(f"{name} must be of type {kind.__name__}, got {value!r}") from error
    return parsed
