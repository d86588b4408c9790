"""keci-kb: make a knowledge base and look into it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.kb.embed import embed
from keci.cli.kb.kb_build import build, merge
from keci.cli.options import EXIT_NOT_FOUND, common_options, version_option
from keci.cli.tables import print_table
from keci.documents import Document
from keci.errors import UsageError

if TYPE_CHECKING:
    from keci.knowledge.base.store import KnowledgeBase
    from keci.knowledge.linking.linker import ConceptMention
    from keci.knowledge.linking.metamap import ForeignMentions
from collections.abc import Iterable
from typing import Any

kb_option = click.option(
    "--kb",
    "kb",
    type=click.Path(path_type=Path),
    help="Folder of the knowledge base; default: $KECI_KB or the user's data folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@version_option
def main() -> None:
    """Make a knowledge base and look into it.

    \b
    Example:
      keci-kb build open --fetch --output kb/open
      keci-kb link --kb kb/open --text "TNF-alpha activates NF-kappaB."
    """


for command in (build, embed, merge):
    main.add_command(command)


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
    from keci.knowledge.choice import knowledge_base_for

    opened = knowledge_base_for(kb)
    record = opened.manifest.to_record()
    size = sum(entry["bytes"] for entry in record["files"].values())
    if as_json:
        print_json({**record, "bytes": size})
        return
    summary = [
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
    """Check the hash of every file of the knowledge base KB and of the vectors beside it.

    \b
    Example:
      keci-kb verify kb/open
    """
    from keci.knowledge.base.folder import default_knowledge_base_path, verify_folder
    from keci.knowledge.vectors.folder import table_folder, table_names, verify_table

    path = kb or default_knowledge_base_path()
    manifest = verify_folder(path)
    names = table_names(path)
    count = len(manifest.files)
    count += sum(len(verify_table(table_folder(path, name)).files) for name in names)
    vectors = f" with its vectors {', '.join(names)}" if names else ""
    click.echo(f"{path}{vectors}: {count} files are as they were built", err=True)


@main.command()
@click.argument("name")
@kb_option
@json_option
@common_options
def lookup(name: str, kb: Path | None, as_json: bool) -> None:
    """Show the concepts that NAME, a name or a concept id, denotes, best first.

    The exit code is 1 where there is none.

    \b
    Example:
      keci-kb lookup p53
      keci-kb lookup MESH:D016158 --json
    """
    from keci.knowledge.base.store import describe
    from keci.knowledge.choice import knowledge_base_for
    from keci.knowledge.linking.normalise import name_keys

    opened = knowledge_base_for(kb)
    found = opened.find(name)
    keys = name_keys(name)
    indices = (
        [found]
        if found is not None
        else list(dict.fromkeys(int(index) for key in keys for index in opened.candidates(key)))
    )
    records = [
        {**describe(opened.concept(index), opened), "relations": relations(opened, index)}
        for index in indices
    ]
    if as_json:
        print_json({"name": name, "concepts": records})
    else:
        for record in records:
            print_concept(record)
    if not records:
        click.echo(f"{name}: no concept has this name", err=True)
        sys.exit(EXIT_NOT_FOUND)


@main.command()
@kb_option
@click.option("--text", help="A text to link.")
@click.option(
    "--input",
    "--jsonl",
    "source",
    metavar="FILE",
    help="Texts to link: jsonl, or whatever else keci-extract reads; - is standard input.",
)
@click.option(
    "--max-candidates",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    help="Concepts per mention.",
)
@click.option(
    "--mentions",
    "foreign",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take the mentions from this output of MetaMap or MetaMapLite (fielded MMI, XML or JSON), "
    'or from plain JSON: {"id", "mentions": [{"start", "end", "cui"}]}, as of QuickUMLS.',
)
@click.option(
    "--stats",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="File for the density of the background graphs, as JSON.",
)
@json_option
@common_options
def link(
    kb: Path | None,
    text: str | None,
    source: str | None,
    max_candidates: int,
    foreign: Path | None,
    stats: Path | None,
    as_json: bool,
) -> None:
    """Find the concepts that texts mention.

    With --json each text gives a line {"id", "mentions": [{"start", "end", "text", "concepts":
    [{"id", "name", "types"}]}]}; offsets count characters, half-open; concepts stand best first.

    \b
    Example:
      keci-kb link --text "Aspirin inhibits COX-2."
      keci-kb link --input examples/abstracts.jsonl --json
      keci-kb link --kb kb/umls --input texts.jsonl --mentions metamap.mmi --json
    """
    from keci.cli.kb.density import GraphDensity
    from keci.knowledge.choice import knowledge_base_for
    from keci.pipeline import read
    from keci.targets import check_targets

    if (text is None) == (source is None):
        raise UsageError("give either --text or --input")
    if stats is not None:
        check_targets([stats], [Path(name) for name in (source, foreign) if name is not None])
    opened = knowledge_base_for(kb)
    mentions_of_others = _foreign(opened, foreign, max_candidates)
    link_text = _linking(opened, mentions_of_others, max_candidates)
    documents = [Document("text", text or "")] if source is None else read(source)
    density = GraphDensity(opened)
    for document in documents:
        mentions = link_text(document.id, document.text)
        if stats is not None:
            density.add(mentions)
        record = link_record(document, mentions, opened)
        if as_json:
            print_json(record, compact=True)
        else:
            print_mentions(record)
    if mentions_of_others is not None:
        mentions_of_others.check_used()
    if stats is not None:
        stats.write_text(json.dumps(density.to_record(), indent=2) + "\n", "utf-8")


def _foreign(
    opened: "KnowledgeBase", path: Path | None, max_candidates: int
) -> "ForeignMentions | None":
    from keci.knowledge.choice import foreign_mentions

    return foreign_mentions(path, opened, max_candidates=max_candidates) if path else None


def _linking(
    opened: "KnowledgeBase", foreign: "ForeignMentions | None", max_candidates: int
) -> "Callable[[str, str], tuple[ConceptMention, ...]]":
    """What finds the mentions of a document's id and text: the linker, or another's output."""
    from keci.knowledge.linking.linker import Linker

    if foreign is not None:
        return foreign.link
    linker = Linker(opened, max_candidates=max_candidates)
    return lambda _, text: linker.link(text)


def link_record(
    document: Document, mentions: Iterable["ConceptMention"], knowledge_base: "KnowledgeBase"
) -> dict[str, Any]:
    return {
        "id": document.id,
        "mentions": [
            {
                "start": mention.start,
                "end": mention.end,
                "text": document.text[mention.start : mention.end],
                "concepts": [short_concept(knowledge_base, index) for index in mention.concepts],
            }
            for mention in mentions
        ],
    }


def short_concept(knowledge_base: "KnowledgeBase", index: int) -> dict[str, Any]:
    concept = knowledge_base.concept(index)
    return {"id": concept.id, "name": concept.name, "types": list(concept.types)}


def relations(knowledge_base: "KnowledgeBase", index: int) -> list[dict[str, str]]:
    tails, kinds = knowledge_base.neighbours(index)
    return [
        {"relation": knowledge_base.relation_names[kind], **named(knowledge_base, int(tail))}
        for tail, kind in zip(tails, kinds, strict=True)
    ]


def named(knowledge_base: "KnowledgeBase", index: int) -> dict[str, str]:
    concept = knowledge_base.concept(index)
    return {"id": concept.id, "name": concept.name}


def print_concept(record: dict[str, Any]) -> None:
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


def print_mentions(record: dict[str, Any]) -> None:
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


def print_json(record: dict[str, Any], *, compact: bool = False) -> None:
    import orjson

    option = 0 if compact else orjson.OPT_INDENT_2
    click.echo(orjson.dumps(record, option=option).decode())
