"""keci-extract: a corpus in, its entities, relations and concepts out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.extract.filtering import filter_options
from keci.cli.extract.finished import merge, report, verify
from keci.cli.options import CommandWithSubcommands, common_options, kb_option

if TYPE_CHECKING:
    from keci.filters import Filter

INPUT_FORMATS = (
    "auto", "jsonl", "pubmed", "bioc", "jats", "pubtator", "text", "brat", "failures",
)  # fmt: skip
REVISIONS = ("latest", "all")
REPEATED_IDS = ("keep", "suffix", "fail", "unchecked")
_EPILOG = """\b
Examples:
  keci-extract pubmed24n0001.xml.gz -o entities.jsonl --model ade
  zcat abstracts.jsonl.gz | keci-extract - --model ade | head
  keci-extract baseline/ --output-dir entities/ --resume
  keci-extract baseline/ --output-dir shard-2/ --shard 2/3
  keci-extract verify entities/

The exit code is 0 when every record was written, 1 when some failed, 2 when nothing could be done
or the output broke; a signal ends it with 128 plus its number.
"""


def _complete_models(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from keci.pipeline import shipped_models

    return [name for name in shipped_models() if name.startswith(incomplete)]


def _list_models(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print a paragraph about each shipped model and end the command."""
    if not wanted or context.resilient_parsing:
        return
    from keci.pipeline import describe_models

    click.echo("\n".join(describe_models()))
    context.exit()


@click.command(cls=CommandWithSubcommands, epilog=_EPILOG)
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    default="-",
    show_default="stdout",
    help="File; its ending chooses the format. It appears when it is whole, beside OUT.run.json.",
)
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    help="Folder for numbered part files and a manifest, instead of one file.",
)
@click.option("--output-format", help="jsonl, parquet, bioc, pubtator, brat; jsonl.gz, jsonl.zst.")
@click.option(
    "--part-records",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Documents of a part, rounded up to what is extracted at once.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run, or begin it.")
@click.option("--overwrite", is_flag=True, help="Begin again where results would be in the way.")
@click.option(
    "--model",
    default="ade",
    show_default=True,
    shell_complete=_complete_models,
    help="Name of a shipped model, or a bundle folder.",
)
@click.option(
    "--list-models",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_models,
    help="Show the shipped models and what they find, and stop.",
)
@kb_option
@click.option("--no-kb", is_flag=True, help="Run without a knowledge base: less accurate.")
@click.option(
    "--mentions",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take concept mentions from this output of MetaMap, MetaMapLite or, as plain JSON, "
    "QuickUMLS or scispaCy, in place of KECI's own linker.",
)
@click.option("--precision", help="fp32, w8, int8 or fp16, as the bundle has it.")
@click.option("--input-format", type=click.Choice(INPUT_FORMATS), default="auto", show_default=True)
@click.option("--text-field", default="text", show_default=True, help="jsonl field of the text.")
@click.option("--id-field", default="id", show_default=True, help="jsonl field of the id.")
@click.option(
    "--unit",
    type=click.Choice(("sentence", "document")),
    help="What the model reads at once; what it was trained on if not given.",
)
@click.option(
    "--revisions",
    type=click.Choice(REVISIONS),
    default="latest",
    show_default=True,
    help="Of PubMed citations that come again or are deleted later in INPUT, read the latest only.",
)
@click.option(
    "--repeated-ids",
    type=click.Choice(REPEATED_IDS),
    default="keep",
    show_default=True,
    help="Records whose id came before: keep them, name them ID~2, or let them fail.",
)
@click.option(
    "--set",
    "limits",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a limit against hostile input, as max_record_bytes=1000000; a wrong name lists all.",
)
@click.option("--limit", type=click.IntRange(1), help="Take so many records at most.")
@click.option("--sample", metavar="SHARE", help="Take this share of them, as 0.05 or 5%.")
@click.option(
    "--shard", metavar="K/N", default="1/1", help="Take every Nth of those, from the Kth."
)
@click.option(
    "--retry-failures",
    type=click.Path(path_type=Path, exists=True),
    metavar="OUT",
    help="Take the records that failed in an earlier run; without INPUT, from where it read them.",
)
@click.option(
    "--failures",
    "failures_file",
    help="Where failed records go when the output is stdout; the log if not given. Else they go "
    "beside the output, to OUT.failures.jsonl.",
)
@click.option("--max-failures", metavar="N|P%", help="Stop when more records fail.")
@click.option("--dry-run", is_flag=True, help="Only read the inputs and count what is in them.")
@click.option(
    "--metrics", type=click.Path(path_type=Path), help="Keep counts and rates here (JSON)."
)
@click.option(
    "--device",
    type=click.Choice(("cpu", "cuda", "tensorrt")),
    default="cpu",
    show_default=True,
    help="What runs the graphs; tensorrt keeps the engines that it builds in the user's cache.",
)
@click.option("--threads", type=click.IntRange(1), help="Threads; all cores if not given.")
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="Processes that share the threads. If not given, one for two threads as far as memory "
    "allows, on a GPU one.",
)
@click.option(
    "--engine",
    type=click.Choice(("local", "ray")),
    default="local",
    show_default=True,
    help="Where models run: processes of this machine, or actors of a Ray cluster (keci[ray]), "
    "one a core or as many as --processes says. The output is the same.",
)
@click.option(
    "--ray-address", metavar="ADDRESS", help="The Ray cluster; one on this machine if not given."
)
@common_options
@filter_options
def main(
    inputs: tuple[str, ...],
    output: str,
    output_dir: Path | None,
    output_format: str | None,
    part_records: int,
    resume: bool,
    overwrite: bool,
    model: str,
    kb: Path | None,
    no_kb: bool,
    mentions: Path | None,
    precision: str | None,
    input_format: str,
    text_field: str,
    id_field: str,
    unit: str | None,
    keep: "Filter",
    revisions: str,
    repeated_ids: str,
    limits: tuple[str, ...],
    limit: int | None,
    sample: str | None,
    shard: str,
    retry_failures: Path | None,
    failures_file: str | None,
    max_failures: str | None,
    dry_run: bool,
    metrics: Path | None,
    device: str,
    threads: int | None,
    processes: int | None,
    engine: str,
    ray_address: str | None,
) -> None:
    """Extract entities, relations and concepts from texts.

    INPUT is a file, folder or pattern, or - for standard input: jsonl, PubMed XML, BioC, JATS,
    PubTator, brat or plain text, compressed or not. Every record gives a record of output, or one
    among the failures and exit code 1.
    """
    from keci.cli.extract.plan import InputChoice, OutputChoice, Plan
    from keci.cli.extract.workers import Engine
    from keci.pipeline import ModelChoice

    plan = Plan(
        InputChoice(
            inputs,
            input_format,
            text_field,
            id_field,
            limits,
            revisions,
            repeated_ids,
            limit,
            sample,
            shard,
            retry_failures,
        ),
        OutputChoice(
            output, output_dir, output_format, part_records, resume, overwrite, failures_file
        ),
        ModelChoice(model, kb, no_kb, mentions, precision, device, threads, unit, keep),
        processes,
        Engine(engine, ray_address),
        max_failures,
        metrics,
    )
    sys.exit(plan.count() if dry_run else plan.run())


for _subcommand in (verify, merge, report):
    main.add_subcommand(_subcommand)
