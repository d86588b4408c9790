"""What a shell completes: names that KECI knows, and files.

``_KECI_EXTRACT_COMPLETE=bash_source keci-extract`` prints the script that a shell needs;
docs/install.md says where it goes.
"""

from collections.abc import Callable, Iterable, Mapping

import click
from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def completed(names: Callable[[], Iterable[str]], *, or_files: bool = False) -> Complete:
    """A completion by the names, and with ``or_files`` by files where no name begins so."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _items(names(), incomplete, or_files=or_files)

    return complete


def completed_first(names: Callable[[], Iterable[str]] = tuple) -> Complete:
    """A completion of a command's arguments by files; of the first, by subcommands and names too.

    Of an empty word these are left out, as files are what is mostly meant.
    """

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        is_first = incomplete and not context.params.get(parameter.name or "")
        known = (*getattr(context.command, "subcommands", ()), *names()) if is_first else ()
        return _items(known, incomplete, or_files=True)

    return complete


def _items(names: Iterable[str], incomplete: str, *, or_files: bool) -> list[CompletionItem]:
    """Bash takes files where nothing comes behind them, other shells take both."""
    files = [CompletionItem(incomplete, type="file")] if or_files else []
    return [*files, *(CompletionItem(name) for name in names if name.startswith(incomplete))]


files = completed(tuple, or_files=True)
"""A completion by files."""


def shipped_models() -> Iterable[str]:
    from keci.runtime import shipped

    return shipped.shipped_models()


def output_formats() -> Iterable[str]:
    from keci.formats.write import FORMAT_NAMES, TABLE_NAMES

    return (*FORMAT_NAMES, *TABLE_NAMES)


def tasks() -> Iterable[str]:
    from keci.schema import BUILT_IN_SCHEMAS

    return BUILT_IN_SCHEMAS


def recipes() -> Iterable[str]:
    from keci.training.recipes import recipe_names

    return recipe_names()


def encoders() -> Iterable[str]:
    from keci.model.encoder_names import BUILT_IN

    return BUILT_IN


def assertions() -> Iterable[str]:
    from keci.documents import ASSERTIONS

    return ASSERTIONS


BY_OPTION: Mapping[str, Complete] = {
    "task": completed(tasks, or_files=True),
    "encoder": completed(encoders, or_files=True),
    "recipe": completed(recipes, or_files=True),
}
"""Completions of options that several commands have, by the options' names."""
