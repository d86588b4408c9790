"""Options that every command shares, and the turning of KECI's errors into exit codes."""

import functools
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import Field, fields
from importlib.metadata import version
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import click
from click.shell_completion import CompletionItem

from keci.cli.completion import BY_OPTION
from keci.errors import KeciError
from keci.logs import set_up_logging
from keci.options import LARGEST_NUMBER, REQUIRED, Option, Options, option_of
from keci.printable import printable, printable_lines
from keci.progress import ProgressDisplay

EXIT_SOME_FAILED = EXIT_NOT_FOUND = 1
EXIT_UNUSABLE = 2
_EXIT_INTERRUPTED = 130

_WHOLE_SENTENCE = 1000
"""Characters of a subcommand's summary; click would cut it after 45."""
_LONG_CHOICE = 60
_LONGEST_NUMBER = 30

Command = TypeVar("Command", bound=Callable[..., Any])

version_option = click.version_option(version("keci"), prog_name="KECI")
ids_option = click.option(
    "--ids",
    type=click.Path(path_type=Path),
    help="File with the ids of the documents of --data to use, one a line.",
)
KB_HELP = "Knowledge base folder; if not given, $KECI_KB or the default one of the user."
kb_option = click.option("--kb", type=click.Path(path_type=Path), help=KB_HELP)


def common_options(command: Command) -> Command:
    """Add --version, --quiet and --verbose, set up logging on stderr and report KeciErrors.

    The wrapped function does not see the options. A KeciError ends the process with exit code 2
    and its message, and so does an OSError, with its traceback under --verbose; other exceptions
    keep their traceback, for they are bugs.
    """

    @click.help_option("-h", "--help")
    @version_option
    @click.option("--quiet", is_flag=True, help="Log errors only, show no progress bar.")
    @click.option("--verbose", is_flag=True, help="Log details.")
    @functools.wraps(command)
    def wrapped(*arguments: Any, quiet: bool, verbose: bool, **options: Any) -> Any:
        set_up_logging(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
        with errors_told():
            return command(*arguments, **options)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the callable's shape


@contextmanager
def errors_told() -> Iterator[None]:
    """End the program with a message where an error is meant for the user."""
    try:
        yield
    except KeciError as error:
        click.echo(f"Error: {printable_lines(error)}", err=True)
        sys.exit(EXIT_UNUSABLE)
    except OSError as error:
        if is_verbose():
            raise
        click.echo(f"Error: {printable_lines(_said(error))}", err=True)
        sys.exit(EXIT_UNUSABLE)


@contextmanager
def interrupt_told(output: Path) -> Iterator[None]:
    """End with 130 and say how to go on where a user interrupts what ``output`` can resume."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            f"interrupted; {output} keeps what was done: the same command with --resume goes on",
            err=True,
        )
        sys.exit(_EXIT_INTERRUPTED)


def _said(error: OSError) -> str:
    """What the system says, with the file that it says it of."""
    said = error.strerror or f"{error}" or type(error).__name__
    return f"{error.filename}: {said}" if error.filename else said


def options_of(
    kind: type[Options],
    name: str,
    *,
    complete: Mapping[str, Any] | None = None,
    without: Sequence[str] = (),
) -> Callable[[Command], Command]:
    """Add an option for each field of ``kind``; the command gets an instance as its ``name``.

    Arguments of the command that are called like a field go into the instance too. ``complete``
    has functions that complete an option's value in a shell, by field, beside those of
    ``completion.BY_OPTION``; fields ``without`` an option keep their default.
    """
    hints = get_type_hints(kind)
    known = [(item, option_of(item)) for item in fields(kind)]  # type: ignore[arg-type]  # its subclasses are dataclasses

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            given = {item.name: options.pop(item.name) for item, _ in known if item.name in options}
            with errors_told():
                options[name] = kind(**given)
            return command(*arguments, **options)

        for item, found in reversed(known):
            if found is not None and item.name not in without:
                completion = {**BY_OPTION, **(complete or {})}.get(item.name)
                _click_option(item, found, hints[item.name], completion)(wrapped)
        return wrapped  # type: ignore[return-value]  # as above

    return decorate


def _click_option(
    item: "Field[Any]", known: Option, hint: Any, complete: Any
) -> Callable[[Command], Command]:
    flags = known.flags or (f"--{item.name.replace('_', '-')}",)
    kinds = {hint, *get_args(hint)} if isinstance(hint, UnionType) else {hint}
    if get_origin(hint) is tuple:
        kinds = {*get_args(hint)}
    settings: dict[str, Any] = {"help": known.help, "shell_complete": complete}
    if item.default is REQUIRED:
        settings["required"] = True
    if bool in kinds:
        return click.option(*flags, item.name, is_flag=True, default=item.default, **settings)
    metavar = known.metavar
    if known.choices:
        settings["type"] = click.Choice(known.choices)
        if len("|".join(known.choices)) > _LONG_CHOICE:  # click would not wrap it
            metavar, settings["help"] = "NAME", f"{known.help} One of {', '.join(known.choices)}."
    elif Path in kinds:
        settings["type"] = _NamedPath(
            path_type=Path,
            exists=bool(known.exists),
            dir_okay=known.exists != "file",
            file_okay=known.exists != "folder",
        )
    elif int in kinds:
        settings["type"] = int if known.least is None else WholeNumber(known.least)
    elif float in kinds:
        settings["type"] = float
    if get_origin(hint) is tuple:
        settings["multiple"] = True
    if item.default is None and isinstance(known.shown_default, str):
        settings["help"] += f"  [default: {known.shown_default}]"
    elif item.default not in (None, REQUIRED, ()):
        settings |= {"default": item.default, "show_default": known.shown_default}
    return click.option(*flags, item.name, metavar=metavar, **settings)


class WholeNumber(click.IntRange):
    """A whole number that JSON, numpy and torch can hold too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        is_long = len(str(value)) > _LONGEST_NUMBER
        if is_long or (number := super().convert(value, param, ctx)) > LARGEST_NUMBER:
            self.fail(f"{printable(value, _LONGEST_NUMBER)} is too large a number.", param, ctx)
        return number


class _NamedPath(click.Path):
    """A path that is not the empty text, which would be the folder where one is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("expected a name, got nothing.", param, ctx)
        return super().convert(value, param, ctx)


def show_progress() -> bool:
    """Whether a progress bar has a reader: stderr is a terminal and --quiet was not given."""
    can_move = os.environ.get("TERM") != "dumb"
    return sys.stderr.isatty() and can_move and not is_quiet()


@contextmanager
def step_shown(step: str) -> Iterator[None]:
    """Say on a terminal what takes seconds, while it does."""
    with ProgressDisplay(printable(step), is_shown=show_progress()):
        yield


def is_verbose() -> bool:
    """Whether --verbose was given."""
    return logging.getLogger("keci").level == logging.DEBUG


def is_quiet() -> bool:
    """Whether --quiet was given."""
    return logging.getLogger("keci").level > logging.INFO


class CommandWithSubcommands(click.Command):
    """Its help lists the subcommands below the options."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.subcommands: dict[str, click.Command] = {}

    def add_subcommand(self, command: click.Command) -> None:
        self.subcommands[command.name or ""] = command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The subcommand's context where the first word names one."""
        if args and args[0] in self.subcommands:
            name, *rest = args
            subcommand = self.subcommands[name]
            return subcommand.make_context(f"{info_name} {name}", rest, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Options, and subcommands, which are words of a command that has no arguments."""
        names = [name for name in self.subcommands if name.startswith(incomplete)]
        return [*map(CompletionItem, names), *super().shell_complete(ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Subcommands"):
            formatter.write_dl(
                [
                    (name, command.get_short_help_str(_WHOLE_SENTENCE))
                    for name, command in self.subcommands.items()
                ]
            )
