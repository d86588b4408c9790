"""The options of keci-extract that tell which findings are kept."""

import functools
from typing import Any

import click

from keci.cli.completion import assertions, completed
from keci.cli.options import Command


def filter_options(command: Command) -> Command:
    """Add the options; the command gets them as one ``keep``, a Filter."""

    @click.option(
        "--min-entity-score", type=click.FloatRange(0, 1), default=0.0, metavar="SCORE",
        help="Leave out mentions whose score is lower, and their relations.",
    )  # fmt: skip
    @click.option(
        "--min-relation-score", type=click.FloatRange(0, 1), default=0.0, metavar="SCORE",
        help="Leave out relations whose score is lower.",
    )  # fmt: skip
    @click.option("--types", metavar="A,B", help="Keep mentions of these types only.")
    @click.option("--relations", metavar="A,B", help="Keep these relation types only.")
    @click.option(
        "--assertion", metavar="A,B", shell_complete=completed(assertions),
        help="Keep only what the text says so of: present, negated, speculated.",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(
        *arguments: Any,
        min_entity_score: float,
        min_relation_score: float,
        types: str | None,
        relations: str | None,
        assertion: str | None,
        **options: Any,
    ) -> Any:
        from keci.filters import Filter

        given = {"--types": types, "--relations": relations, "--assertion": assertion}
        names = [_asked(option, value) for option, value in given.items()]
        keep = Filter(min_entity_score, min_relation_score, *names)
        return command(*arguments, keep=keep, **options)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the callable's shape


def _asked(option: str, given: str | None) -> tuple[str, ...]:
    """The names given; a variable of the shell that is not set is no wish for everything."""
    names = listed_names(given or "")
    if given is not None and not names:
        raise click.UsageError(f"{option} names nothing; leave it out to keep everything")
    return names


def listed_names(given: str) -> tuple[str, ...]:
    """The names between commas, each once."""
    return tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
