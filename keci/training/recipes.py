"""Recipes: the options with which a shipped model was trained, one TOML file a model.

    task = "biored"
    epochs = 12

    [set]
    keep_ratio = 0.25

A key is an option of ``keci-train`` without its dashes (``encoder_lr`` for --encoder-lr), and the
table ``set`` holds what --set takes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keci.errors import ConfigError
from keci.fields import read_toml_file

RECIPES_FOLDER = Path(__file__).resolve().parents[1] / "recipes"
_SET = "set"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Options by their names in Python, and settings as --set takes them."""

    options: Mapping[str, Any]
    settings: tuple[str, ...]


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in RECIPES_FOLDER.glob("*.toml"))


def read_recipe(name: str, options: Collection[str | None]) -> Recipe:
    """The recipe of that name, or in the file of that path, for a command with the options.

    Raises ConfigError where there is none or where it names what is no option.
    """
    path = RECIPES_FOLDER / f"{name}.toml" if name in recipe_names() else Path(name)
    if not path.is_file():
        known = ", ".join(recipe_names())
        raise ConfigError(f"unknown recipe {name!r}: expected one of {known}, or a file in TOML")
    record = read_toml_file(path)
    settings = record.pop(_SET, {})
    unknown = sorted(record.keys() - set(options))
    if unknown or not isinstance(settings, dict):
        raise ConfigError(
            f"{path}: expected options of keci-train and a table 'set', got {unknown}"
        )
    return Recipe(record, tuple(f"{key}={_spelled(value)}" for key, value in settings.items()))


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
