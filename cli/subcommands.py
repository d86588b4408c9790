"""A command with arguments of its own that also has subcommands: ``git stash``, ``git stash pop``.

The first word chooses: where it is a subcommand's name, that runs; else it is the first argument of
the command itself, so a file of such a name is written as ``./verify``.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click


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
