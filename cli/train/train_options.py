"""The options that ``keci-train`` and ``keci-train tune`` share."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keci.cli.completion import BY_OPTION
from keci.cli.options import KB_HELP, options_of
from keci.config import VARIANTS, ModelConfig, TrainConfig
from keci.errors import ConfigError, DataError, KeciError, UsageError
from keci.model.encoder_names import ENCODERS, default_encoder
from keci.options import REQUIRED, Options, option
from keci.schema import load_schema
from keci.training.search_space import SearchSpace

if TYPE_CHECKING:
    from keci.training.crossval import Plan
    from keci.training.run import RunInputs

Command = TypeVar("Command", bound=Callable[..., Any])

_SETTINGS = "keci.recipe.settings"
_USUAL, _GRID = TrainConfig(), SearchSpace()


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
    shell_complete=BY_OPTION["recipe"],
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
        f"biomedical (MiniLM adapted, in a clone), {ENCODERS}",
        shown_default="biomedical where it is there, else minilm",
    )
    start: str | None = option(
        None,
        "A shipped model, bundle or run of the same task and architecture to go on from, on other "
        "data.",
        metavar="MODEL",
    )
    teacher: tuple[str, ...] = option(
        (),
        "A shipped model, bundle or run of the same task whose probabilities the model imitates; "
        "of several, their mean.",
        metavar="MODEL",
    )
    unlabelled: Path | None = option(
        None,
        "Texts, in any format that keci-extract reads, of which the teachers alone tell.",
        exists="path",
    )
    kb: Path | None = option(None, KB_HELP)
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
    check: Path | None = option(
        None,
        "Only tell what FILE has for the task, what of it would be lost and why.",
        metavar="FILE",
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

    def check_names(self) -> None:
        """Raise KeciError where a setting, a model or the knowledge base is none.

        Nor may what is read lie in the folder of the run. That takes no time, and so comes before
        hours of reading and training.
        """
        from keci.knowledge.choice import knowledge_base_folder
        from keci.runtime.shipped import find_bundle, is_run
        from keci.targets import check_folder

        self.configs(TrainConfig())
        if not self.resume:
            files = (self.train, self.validation, self.unlabelled, self.kb)
            models = (self.encoder, self.start, *self.teacher)
            check_folder(self.output, [path for path in (*files, *models) if path is not None])
        for model in (self.start, *self.teacher):
            if model is not None and not is_run(model):
                find_bundle(model)
        if self._needs_knowledge:
            knowledge_base_folder(self.kb)

    def configs(self, config: TrainConfig) -> tuple[ModelConfig, TrainConfig]:
        """Both configs after every option; raises ConfigError where one cannot be."""
        chosen = replace(config, variant=self.variant, seed=self.seed, patience=self.patience)
        return apply_settings(self.settings, ModelConfig(), chosen)

    def inputs(self) -> "RunInputs":
        """What is read; raises KeciError where schema or knowledge base cannot be."""
        from keci.knowledge.choice import knowledge_base_for
        from keci.training.lessons import Lessons
        from keci.training.run import RunInputs

        return RunInputs(
            load_schema(self.task),
            self.train,
            self.validation,
            self.encoder,
            knowledge_base_for(self.kb) if self._needs_knowledge else None,
            self.output,
            vectors=self._vectors(),
            lessons=Lessons(self.start, self.teacher, self.unlabelled),
        )

    @property
    def _needs_knowledge(self) -> bool:
        return VARIANTS[self.variant].get("knowledge") != "none"

    def plan(self, config: TrainConfig, *, folds: int = 0) -> "Plan":
        """The seeds to train with, in each fold where there are folds."""
        from keci.training.crossval import Plan

        return Plan(folds, tuple(range(config.seed, config.seed + self.runs)))

    def _vectors(self) -> tuple[str, ...] | None:
        """The named tables; None for all that there are."""
        if not self.vectors:
            return None
        return tuple(name for name in self.vectors if name != "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut(Options):
    """Which documents are scored: a test file's, each fold's, or else the validation documents."""

    test: Path | None = option(
        None,
        "Annotated data to score once, in the end; with --folds a folder or pattern of files.",
    )
    folds: int | None = option(
        None,
        "Cross-validation: --train is a file to split, or a folder or pattern of the files "
        "to train on, one for each fold.",
        least=2,
    )
    fold: int | None = option(None, "Train this fold only.", least=1)
    protocol: str | None = option(
        None,
        "Choose the best epoch on documents apart from those scored, which is the default, "
        "or on those, as the paper does.",
        choices=("clean", "paper"),
    )

    def check(self, choice: TrainingChoice) -> None:
        """Raise UsageError where the options do not go together."""
        if self.fold and not self.fold <= (self.folds or 0):
            raise UsageError(f"--fold {self.fold} is none of {self.folds or 0} --folds")
        if self.folds and choice.validation:
            raise UsageError(
                "--folds needs no --validation: a part to choose the epoch on is split off each "
                "fold's training part. The held-out files are named with --test"
            )
        if self.protocol and not (self.test or self.folds):
            raise UsageError(
                "--protocol is about held-out documents: give --test or --folds. Without them "
                "the scores are those of the validation documents"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningOptions(Options):
    """Epochs, batches and learning rates of a run; what is not given fits the data's size."""

    epochs: int = option(_USUAL.epochs, "Passes over the training documents.", least=1)
    batch_size: int | None = option(
        None,
        "Documents of a step.",
        least=1,
        shown_default=f"{_USUAL.batch_size}, fewer where the data are small",
    )
    encoder_lr: float | None = option(
        None,
        "Peak learning rate of the pretrained encoder.",
        shown_default=f"{_USUAL.encoder_learning_rate:.0e}, more where the data are small",
    )
    upper_lr: float | None = option(
        None,
        "Peak learning rate of the layers above it.",
        shown_default=f"{_USUAL.upper_learning_rate:.0e}, more where the data are small",
    )

    def config(self, documents: int) -> TrainConfig:
        """The config for so many training documents."""
        fitting = TrainConfig.fitting(documents)
        encoder, upper = fitting.encoder_learning_rate, fitting.upper_learning_rate
        return replace(
            fitting,
            epochs=self.epochs,
            batch_size=self.batch_size or fitting.batch_size,
            encoder_learning_rate=encoder if self.encoder_lr is None else self.encoder_lr,
            upper_learning_rate=upper if self.upper_lr is None else self.upper_lr,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneOptions(Options):
    """What ``keci-train tune`` tries, and how; the values are those of a SearchSpace."""

    batch_size: tuple[int, ...] = option(_GRID.batch_size, "Documents of a step.", least=1)
    encoder_lr: tuple[float, ...] = option(
        _GRID.encoder_learning_rate, "Peak learning rates of the pretrained encoder."
    )
    upper_lr: tuple[float, ...] = option(
        _GRID.upper_learning_rate, "Peak learning rates of the layers above it."
    )
    epochs: tuple[int, ...] = option(_GRID.epochs, "Passes over the training documents.", least=1)
    trials: int | None = option(
        None,
        "Search with Optuna, so many trials in all; learning rates may lie between those given. "
        "Without it every combination is tried.",
        least=1,
    )
    prune: str = option(
        "none",
        "In a search, give up trials that do worse than others at the same epoch.",
        choices=("none", "median", "halving"),
    )

    def space(self) -> SearchSpace:
        return SearchSpace(self.batch_size, self.encoder_lr, self.upper_lr, self.epochs)


def training_options(*without: str) -> Callable[[Command], Command]:
    """Add the shared options to a command that is ``with_choice``, all but those ``without``."""
    shared = options_of(TrainingChoice, "choice", without=without)
    return lambda command: _recipe_option(shared(command))


def with_choice(command: Command) -> Command:
    """Check the ``choice`` that a function is given; it stands below ``common_options``.

    The settings of a recipe come before those of the command line. With --check the data in that
    file are looked at, and nothing else is done. Raises UsageError where data or output are not
    given, KeciError where what is named is not there.
    """

    @functools.wraps(command)
    def wrapped(*, choice: TrainingChoice, **options: Any) -> Any:
        if choice.check is not None:
            from keci.cli.train.check import check as check_data

            check_data(choice.check, load_schema(choice.task))
            return None
        for name in ("train", "output"):
            if getattr(choice, name) is None:
                raise UsageError(f"give --{name}")
        of_recipe = click.get_current_context().meta.get(_SETTINGS, ())
        settings = (*of_recipe, *choice.settings)
        encoder = choice.encoder or default_encoder()
        whole = replace(choice, settings=settings, encoder=encoder)
        whole.check_names()
        return command(whole, **options)

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
