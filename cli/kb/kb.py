"""keci-kb: make a knowledge base and look into it."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keci.cli.kb.embed import embed
from keci.cli.kb.kb_build import build, merge
from keci.cli.options import (
    EXIT_NOT_FOUND,
    KB_HELP,
    common_options,
    kb_option,
    options_of,
    version_option,
)
from keci.cli.tables import print_table
from keci.documents import Document
from keci.errors import UsageError
from keci.options import Options, option

if TYPE_CHECKING:
    from keci.knowledge.base.store import KnowledgeBase
    from keci.knowledge.linking.linker import ConceptMention
    from keci.knowledge.linking.metamap import ForeignMentions
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
    """Show what the knowledge base KB holds, and under which licences.

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
    """Check the hash of every file of KB and of the vectors beside it.

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
    """Show the concepts that NAME denotes, best first.

    NAME is a name or the id of a concept. The exit code is 1 where there is none.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions(Options):
    """The texts to link, what finds their mentions, and what is told of them."""

    kb: Path | None = option(None, KB_HELP)
    text: str | None = option(None, "A text to link.")
    source: str | None = option(
        None,
        "Texts to link: jsonl, or whatever else keci-extract reads; - is standard input.",
        "--input",
        "--jsonl",
        metavar="FILE",
    )
    max_candidates: int = option(6, "Concepts per mention.", least=1)
    foreign: Path | None = option(
        None,
        "Take the mentions from this output of MetaMap or MetaMapLite (fielded MMI, XML or JSON), "
        'or from plain JSON: {"id", "mentions": [{"start", "end", "cui"}]}, as of QuickUMLS.',
        "--mentions",
        exists="file",
    )
    stats: Path | None = option(None, "File for the density of the background graphs, as JSON.")
    as_json: bool = option(False, "Print JSON, not a table.", "--json")

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        if (self.text is None) == (self.source is None):
            raise UsageError("give either --text or --input")

    def read_files(self) -> Iterator[Path | str]:
        """The texts, the mentions of others and the knowledge base."""
        from keci.formats.read import expand_inputs
        from keci.knowledge.choice import knowledge_base_folder
        from keci.stores import is_url, local_path

        for name in expand_inputs([self.source]) if self.source else ():
            if path := local_path(name) if is_url(name) else name:
                yield path
        yield from (path for path in (self.foreign, knowledge_base_folder(self.kb)) if path)

    def documents(self) -> Iterable[Document]:
        """Raises DataError at a record that cannot be read."""
        from keci.pipeline import read

        return [Document("text", self.text or "")] if self.source is None else read(self.source)


@main.command()
@options_of(LinkOptions, "options")
@common_options
def link(options: LinkOptions) -> None:
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
    from keci.targets import check_targets

    if options.stats is not None:
        check_targets([options.stats], options.read_files())
    opened = knowledge_base_for(options.kb)
    mentions_of_others = _foreign(opened, options)
    link_text = _linking(opened, mentions_of_others, options.max_candidates)
    density = GraphDensity(opened)
    for document in options.documents():
        mentions = link_text(document.id, document.text)
        if options.stats is not None:
            density.add(mentions)
        record = link_record(document, mentions, opened)
        if options.as_json:
            print_json(record, compact=True)
        else:
            print_mentions(record)
    if mentions_of_others is not None:
        mentions_of_others.check_used()
    if options.stats is not None:
        options.stats.write_text(json.dumps(density.to_record(), indent=2) + "\n", "utf-8")


def _foreign(opened: "KnowledgeBase", options: LinkOptions) -> "ForeignMentions | None":
    from keci.knowledge.choice import foreign_mentions

    if options.foreign is None:
        return None
    return foreign_mentions(options.foreign, opened, max_candidates=options.max_candidates)


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
