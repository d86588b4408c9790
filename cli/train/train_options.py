"""The options that ``keci-train`` and ``keci-train tune`` share."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keci.cli.completion import completed, encoders, recipes, tasks
from keci.cli.options import options_of
from keci.config import VARIANTS, ModelConfig, TrainConfig

if TYPE_CHECKING:
    from keci.training.crossval import Plan
    from keci.training.run import RunInputs
from collections.abc import Sequence
from glob import glob, has_magic

from keci.errors import ConfigError, DataError, KeciError, UsageError
from keci.model.encoder_names import default_encoder
from keci.options import REQUIRED, Options, option
from keci.schema import load_schema

Command = TypeVar("Command", bound=Callable[..., Any])

_SETTINGS = "keci.recipe.settings"


def _read_recipe(context: click.Context, _: click.Parameter, name: str | None) -> str | None:
    """Take the options that the recipe names as defaults of this command."""
    if name is not None and not context.resilient_parsing:
        from keci.training.recipes import read_recipe

        try:
            recipe = read_recipe(name, {parameter.name for parameter in context.command.params})
        except KeciError as error:
            raise click.UsageError(str(error)) from error
        context.default_map = {**recipe.options}
        context.meta[_SETTINGS] = recipe.settings
    return name


_recipe_option = click.option(
    "--recipe",
    is_eager=True,
    expose_value=False,
    callback=_read_recipe,
    shell_complete=completed(recipes, or_files=True),
    help="biored, ade, biorelex: how that shipped model was trained; or a file in TOML. "
    "Options given here go before those of the recipe.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingChoice(Options):
    """What the user chose by the shared options; once it is checked, no path is missing."""

    task: str = option(REQUIRED, "ade, biorelex, biored, or a schema file in TOML.")
    train: Path = option(
        None,
        "Annotated data: KECI jsonl, BioRelEx, SpERT or DyGIE json, PubTator, BioC, CoNLL "
        "tags, a folder of brat, BigBio, doccano, Prodigy, Label Studio or PubAnnotation.",
    )
    validation: Path | None = option(
        None, "Annotated data to choose the best epoch on; split off --train if not given."
    )
    encoder: str = option(
        None,
        "biomedical (MiniLM adapted, in a clone), minilm, mpnet, a folder with a transformers "
        "model, or a hub name.",
        shown_default="biomedical where it is there, else minilm",
    )
    start: Path | None = option(
        None,
        "A trained run of the same task and architecture to go on from, on other data.",
        metavar="RUN",
        exists="path",
    )
    teacher: tuple[Path, ...] = option(
        (),
        "A trained run of the same task whose probabilities the model imitates; of several, "
        "their mean.",
        metavar="RUN",
        exists="path",
    )
    unlabelled: Path | None = option(
        None,
        "Texts, in any format that keci-extract reads, of which the teachers alone tell.",
        exists="path",
    )
    kb: Path | None = option(None, "Knowledge base folder; the default one if not given.")
    vectors: tuple[str, ...] = option(
        (),
        "Vectors beside the knowledge base to read, 'none' for none; all if not given.",
        metavar="NAME",
    )
    output: Path = option(
        None, "Folder of the run or runs: checkpoints, settings, metrics, results."
    )
    variant: str = option(
        "full", "The paper's full model, a baseline or an ablation.", choices=tuple(VARIANTS)
    )
    seed: int = option(1, "Seed of the first run.")
    runs: int = option(1, "Train with so many seeds: --seed and those that follow it.", least=1)
    patience: int = option(0, "Stop after so many epochs without a better validation F1; 0: never.")
    settings: tuple[str, ...] = option(
        (),
        "Any other field of ModelConfig or TrainConfig, such as span_gcn_layers=1.",
        "--set",
        metavar="NAME=VALUE",
    )
    resume: bool = option(False, "Go on with what is in --output.")
    accept_losses: bool = option(
        False, "Train although most mentions or relations of the data cannot be learned."
    )

    def inspect_data(self) -> int:
        """Print what the training data have for the task, and count their documents.

        Of several files the first is inspected. Raises DataError where most of it would be lost.
        """
        from keci.cli.train.check import inspected, show
        from keci.data.brat import is_brat_folder

        path = self.train
        if not is_brat_folder(path) and (path.is_dir() or has_magic(str(path))):
            pattern = f"{path}/*train*" if path.is_dir() else str(path)
            path = Path(min(glob(pattern), default=str(path)))
        inspection = inspected(path, load_schema(self.task))
        show(path, inspection)
        if inspection.refusal and not self.accept_losses:
            raise DataError(f"{path}: {inspection.refusal}; --accept-losses trains nevertheless")
        return inspection.documents

    def configs(self, config: TrainConfig) -> tuple[ModelConfig, TrainConfig]:
        """Both configs after every option; raises ConfigError where one cannot be."""
        chosen = replace(config, variant=self.variant, seed=self.seed, patience=self.patience)
        return apply_settings(self.settings, ModelConfig(), chosen)

    def inputs(self) -> "RunInputs":
        """What is read; raises KeciError where schema or knowledge base cannot be."""
        from keci.knowledge.choice import knowledge_base_for
        from keci.training.lessons import Lessons
        from keci.training.run import RunInputs

        needs_knowledge = VARIANTS[self.variant].get("knowledge") != "none"
        return RunInputs(
            load_schema(self.task),
            self.train,
            self.validation,
            self.encoder,
            knowledge_base_for(self.kb) if needs_knowledge else None,
            self.output,
            vectors=self._vectors(),
            lessons=Lessons(self.start, self.teacher, self.unlabelled),
        )

    def plan(self, config: TrainConfig, *, folds: int = 0) -> "Plan":
        """The seeds to train with, in each fold where there are folds."""
        from keci.training.crossval import Plan

        return Plan(folds, tuple(range(config.seed, config.seed + self.runs)))

    def _vectors(self) -> tuple[str, ...] | None:
        """The named tables; None for all that there are."""
        if not self.vectors:
            return None
        return tuple(name for name in self.vectors if name != "none")


def training_options(command: Command) -> Command:
    """Add the shared options to a command that is ``with_choice``."""
    completions = {
        "task": completed(tasks, or_files=True),
        "encoder": completed(encoders, or_files=True),
    }
    return _recipe_option(options_of(TrainingChoice, "choice", complete=completions)(command))


def with_choice(command: Command) -> Command:
    """Check the ``choice`` that a function is given; it stands below ``common_options``.

    The settings of a recipe come before those of the command line. With ``check`` the data in that
    file are looked at, and nothing else is done. Raises UsageError where data or output are not
    given.
    """

    @functools.wraps(command)
    def wrapped(*, choice: TrainingChoice, check: Path | None = None, **options: Any) -> Any:
        if check is not None:
            from keci.cli.train.check import check as check_data

            check_data(check, load_schema(choice.task))
            return None
        for name in ("train", "output"):
            if getattr(choice, name) is None:
                raise UsageError(f"give --{name}")
        of_recipe = click.get_current_context().meta.get(_SETTINGS, ())
        settings = (*of_recipe, *choice.settings)
        encoder = choice.encoder or default_encoder()
        return command(replace(choice, settings=settings, encoder=encoder), **options)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the callable's shape


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
