"""keci-extract: a corpus in, its entities, relations and concepts out."""

import sys
from dataclasses import replace

import click

from keci.cli.completion import (
    completed,
    completed_first,
    files,
    output_formats,
    shipped_models,
)
from keci.cli.extract.convert import convert
from keci.cli.extract.filtering import filter_options
from keci.cli.extract.finished import merge, report, verify
from keci.cli.extract.plan import OutputOptions, Plan, WatchChoice
from keci.cli.extract.warm_up import warm_up
from keci.cli.options import CommandWithSubcommands, common_options, options_of
from keci.corpus.inputs import InputOptions
from keci.filters import Filter
from keci.opening import ModelOptions

_EPILOG = """\b
Examples:
  keci-extract pubmed24n0001.xml.gz -o entities.jsonl --model ade
  zcat abstracts.jsonl.gz | keci-extract - --model ade | head
  keci-extract baseline/ --output-dir entities/ --resume
  keci-extract baseline/ --output-dir shard-2/ --shard 2/3
  keci-extract texts.jsonl -o tasks.label-studio.json --sample uncertain 50
  keci-extract verify entities/

The exit code is 0 when every record was written, 1 when some failed, 2 when nothing could be done
or the output broke; a signal ends it with 128 plus its number.
"""


def _list_models(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print a paragraph about each shipped model and end the command."""
    if not wanted or context.resilient_parsing:
        return
    from keci.runtime.shipped import describe_models

    click.echo("\n".join(describe_models()))
    context.exit()


class _ExtractCommand(CommandWithSubcommands):
    """Its option --sample has one value, or two words: ``uncertain N``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_sample_joined(args))


def _with_sample_joined(args: list[str]) -> list[str]:
    """The words of a command line, with ``uncertain N`` behind --sample as one of them."""
    for index in range(len(args) - 2):
        if args[index] == "--":
            break
        if args[index : index + 2] == ["--sample", "uncertain"]:
            return [*args[: index + 1], " ".join(args[index + 1 : index + 3]), *args[index + 3 :]]
    return args


@click.command(cls=_ExtractCommand, epilog=_EPILOG)
@click.argument("inputs", nargs=-1, metavar="INPUT...", shell_complete=completed_first())
@options_of(
    OutputOptions,
    "output_options",
    complete={"output": files, "format_name": completed(output_formats), "failures": files},
)
@options_of(
    ModelOptions, "model_options", complete={"model": completed(shipped_models, or_files=True)}
)
@click.option(
    "--list-models",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_models,
    help="Show the shipped models and what they find, and stop.",
)
@options_of(InputOptions, "input_options")
@options_of(WatchChoice, "watch")
@click.option("--dry-run", is_flag=True, help="Only read the inputs and count what is in them.")
@common_options
@filter_options
def main(
    output_options: OutputOptions,
    model_options: ModelOptions,
    input_options: InputOptions,
    watch: WatchChoice,
    dry_run: bool,
    keep: Filter,
) -> None:
    """Extract entities, relations and concepts from texts.

    INPUT is a file, folder or pattern, or - for standard input: jsonl, PubMed XML, BioC, JATS,
    PubTator, brat or plain text, compressed or not. Every record gives a record of output, or one
    among the failures and exit code 1. MEDLINE (.nbib), csv, tsv and Parquet are read as well.
    """
    plan = Plan(
        inputs=input_options,
        output=output_options,
        model=replace(model_options, keep=keep),
        watch=watch,
    )
    sys.exit(plan.count() if dry_run else plan.run())


for _subcommand in (convert, verify, merge, report, warm_up):
    main.add_subcommand(_subcommand)
