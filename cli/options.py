"""Options that every command shares, and the turning of KECI's errors into exit codes."""

import functools
import logging
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import click

from keci.errors import KeciError
from keci.printable import printable_lines

EXIT_SOME_FAILED = 1
EXIT_UNUSABLE = 2

Command = TypeVar("Command", bound=Callable[..., Any])

version_option = click.version_option(version("keci"), prog_name="KECI")
ids_option = click.option(
    "--ids",
    type=click.Path(path_type=Path),
    help="File with the ids of the documents of --data to use, one a line.",
)
kb_option = click.option(
    "--kb",
    type=click.Path(path_type=Path),
    help="Knowledge base folder; the default one if not given.",
)


def common_options(command: Command) -> Command:
    """Add --version, --quiet and --verbose, set up logging on stderr and report KeciErrors.

    The wrapped function does not see the options. A KeciError ends the process with exit code 2
    and its message, and so does an OSError, with its traceback under --verbose; other exceptions
    keep their traceback, for they are bugs.
    """

    @version_option
    @click.option("--quiet", is_flag=True, help="Log errors only, show no progress bar.")
    @click.option("--verbose", is_flag=True, help="Log details.")
    @functools.wraps(command)
    def wrapped(*arguments: Any, quiet: bool, verbose: bool, **options: Any) -> Any:
        set_up_logging(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
        try:
            return command(*arguments, **options)
        except KeciError as error:
            click.echo(f"Error: {printable_lines(error)}", err=True)
            sys.exit(EXIT_UNUSABLE)
        except OSError as error:
            if is_verbose():
                raise
            click.echo(f"Error: {printable_lines(_said(error))}", err=True)
            sys.exit(EXIT_UNUSABLE)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the callable's shape


def show_progress() -> bool:
    """Whether a progress bar has a reader: stderr is a terminal and --quiet was not given."""
    return sys.stderr.isatty() and not is_quiet()


def is_verbose() -> bool:
    """Whether --verbose was given."""
    return logging.getLogger("keci").level == logging.DEBUG


def _said(error: OSError) -> str:
    """What the system says, with the file that it says it of."""
    said = error.strerror or f"{error}" or type(error).__name__
    return f"{error.filename}: {said}" if error.filename else said


class PrintableFormatter(logging.Formatter):
    """Messages are made printable and short, whatever names and texts are in them."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # a name of logging
        record.message = printable_lines(record.message)
        return super().formatMessage(record)


def is_quiet() -> bool:
    """Whether --quiet was given."""
    return logging.getLogger("keci").level > logging.INFO


def set_up_logging(level: int) -> None:
    """Log to stderr, KECI's own messages from ``level`` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("keci").setLevel(level)


class CommandWithSubcommands(click.Command):
    """Its help lists the subcommands below the options."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.subcommands: dict[str, click.Command] = {}

    def add_subcommand(self, command: click.Command) -> None:
        self.subcommands[command.name or ""] = command

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **settings: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        if not words or words[0] not in self.subcommands:
            return super().main(words, prog_name, complete_var, standalone_mode, **settings)
        name = prog_name or Path(sys.argv[0]).name
        return self.subcommands[words[0]].main(
            words[1:], f"{name} {words[0]}", complete_var, standalone_mode, **settings
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Subcommands"):
            formatter.write_dl(
                [(name, command.get_short_help_str()) for name, command in self.subcommands.items()]
            )
