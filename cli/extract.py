"""keci-extract: a corpus in, its entities, relations and concepts out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.options import EXIT_SOME_FAILED, common_options
from keci.corpus.readers import AUTO, INPUT_FORMATS

if TYPE_CHECKING:
    from keci.corpus.stream import CorpusReader
    from keci.prediction import Predictor

_EPILOG = """\b
Examples:
  keci-extract pubmed24n0001.xml.gz -o entities.jsonl --model ade
  zcat abstracts.jsonl.gz | keci-extract - --model ade | head
"""


@click.command(epilog=_EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    default="-",
    show_default="stdout",
    help="jsonl file; gzipped where the name ends in .gz.",
)
@click.option(
    "--model", default="ade", show_default=True, help="Name of a shipped model, or a bundle folder."
)
@click.option(
    "--kb",
    type=click.Path(path_type=Path),
    help="Knowledge base folder; the default one if not given.",
)
@click.option("--no-kb", is_flag=True, help="Run without a knowledge base: less accurate.")
@click.option("--precision", help="fp32, int8 or fp16, as the bundle has it.")
@click.option(
    "--input-format",
    type=click.Choice(INPUT_FORMATS),
    default=AUTO,
    show_default=True,
)
@click.option("--text-field", default="text", show_default=True, help="jsonl field of the text.")
@click.option("--id-field", default="id", show_default=True, help="jsonl field of the id.")
@click.option(
    "--unit",
    type=click.Choice(("sentence", "document")),
    default="sentence",
    show_default=True,
    help="What the model reads at once.",
)
@click.option(
    "--failures",
    "failures_file",
    help="Where failed records go; OUT.failures.jsonl "
    "if not given, the log where the output is stdout.",
)
@click.option("--device", type=click.Choice(("cpu", "cuda")), default="cpu", show_default=True)
@click.option("--threads", type=click.IntRange(1), help="Threads; all cores if not given.")
@common_options
def main(
    inputs: tuple[str, ...],
    output: str,
    model: str,
    kb: Path | None,
    no_kb: bool,
    precision: str | None,
    input_format: str,
    text_field: str,
    id_field: str,
    unit: str,
    failures_file: str | None,
    device: str,
    threads: int | None,
) -> None:
    """Extract entities, relations and concepts from jsonl, PubMed XML, BioC, PubTator or text.

    INPUT is a file, a folder, a pattern, or - for standard input; compression is recognised. Every
    record gives one line of output, or a line in the failures file and exit code 1.
    """
    from keci.corpus.quarantine import failures_path
    from keci.corpus.sources import ReadOptions
    from keci.corpus.stream import CorpusReader

    options = ReadOptions(text_field=text_field, id_field=id_field)
    records = CorpusReader(inputs, input_format=input_format, options=options)
    predictor = _open(
        model, kb=kb, without_kb=no_kb, precision=precision, device=device, threads=threads
    )
    failed = _run(
        records,
        predictor,
        unit=unit,
        output=output,
        failures=failures_file or failures_path(output),
    )
    if failed:
        sys.exit(EXIT_SOME_FAILED)


def _open(
    model: str,
    *,
    kb: Path | None,
    without_kb: bool,
    precision: str | None,
    device: str,
    threads: int | None,
) -> "Predictor":
    import torch

    from keci.cli.models import base_for_bundle, find_bundle
    from keci.runtime.extractor import RuntimeOptions, open_extractor

    if threads:
        torch.set_num_threads(threads)
    folder = find_bundle(model)
    base = base_for_bundle(folder, kb, without_kb=without_kb)
    options = RuntimeOptions(precision=precision, device=device, threads=threads)
    return open_extractor(folder, base, options).predictor


def _run(
    reader: "CorpusReader", predictor: "Predictor", *, unit: str, output: str, failures: str | None
) -> int:
    """Extract everything; returns the number of failures. Raises KeciError if a record is lost."""
    from keci.corpus.extraction import CorpusExtractor
    from keci.corpus.quarantine import Accounts, Quarantine
    from keci.corpus.writers import JsonlWriter
    from keci.documents import Failure

    with JsonlWriter(output) as writer, Quarantine(failures) as quarantine:
        for chunk in CorpusExtractor(predictor, unit=unit)(reader.read()):
            for result in chunk:
                if isinstance(result.outcome, Failure):
                    quarantine.add(result.outcome)
                else:
                    writer.write(result.outcome)
        accounts = Accounts(reader.counted, writer.count, quarantine.count)
        accounts.check()
    click.echo(
        f"{accounts.read} records read, {accounts.written} written, {accounts.failed} failed",
        err=True,
    )
    return accounts.failed
