from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from keci.cli.train.train_options import TrainingChoice, training_options, with_choice
from keci.config import TrainConfig
from keci.errors import ConfigError
from keci.training.recipes import read_recipe, recipe_names

GIVEN = ("--train", "train.json", "--output", "out", "--variant", "sent-context-only")
"""That variant needs no knowledge base."""


@click.command()
@training_options()
@click.option("--epochs", default=50)
@click.option("--batch-size", default=32, expose_value=False)
@click.option("--encoder-lr", default=5e-5, expose_value=False)
@click.option("--upper-lr", default=2e-4, expose_value=False)
@with_choice
def command(choice: TrainingChoice, epochs: int) -> None:
    click.get_current_context().obj.append((choice, epochs))


def run(*words: str) -> tuple[TrainingChoice, int]:
    seen: list[tuple[TrainingChoice, int]] = []
    result = CliRunner().invoke(command, [*words, *GIVEN], obj=seen)
    assert result.exit_code == 0, result.output
    return seen[0]


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(
        'task = "ade"\nepochs = 7\nvectors = ["none"]\n[set]\npair_reach = 1\nmix_layers = false\n'
    )
    return str(path)


def test_a_recipe_gives_options_and_settings(recipe: str) -> None:
    choice, epochs = run("--recipe", recipe)
    assert (choice.task, choice.vectors, epochs) == ("ade", ("none",), 7)
    model, _ = choice.configs(TrainConfig())
    assert (model.pair_reach, model.mix_layers) == (1, False)


def test_the_command_line_goes_before_the_recipe_wherever_it_stands(recipe: str) -> None:
    words = ("--task", "biorelex", "--epochs", "3", "--set", "pair_reach=0", "--recipe", recipe)
    choice, epochs = run(*words)
    assert (choice.task, epochs) == ("biorelex", 3)
    model, _ = choice.configs(TrainConfig())
    assert (model.pair_reach, model.mix_layers) == (0, False)


def test_what_is_no_option_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('task = "ade"\nepoch = 7\n')
    with pytest.raises(ConfigError, match="epoch"):
        read_recipe(str(path), {"task", "epochs"})
    path.write_text("task = ")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_recipe(str(path), {"task"})
    with pytest.raises(ConfigError, match="expected one of"):
        read_recipe("nothing", {"task"})


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_of_ours_is_valid(name: str) -> None:
    from keci.cli.train.train import main

    recipe = read_recipe(name, {parameter.name for parameter in main.params})
    epochs = recipe.options["epochs"]
    assert isinstance(epochs, int)
    choice, _ = run("--recipe", name)
    choice.configs(TrainConfig())
