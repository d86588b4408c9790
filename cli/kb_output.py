"""What keci-kb prints: records as JSON, or tables for people."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from keci.cli.tables import print_table

if TYPE_CHECKING:
    from keci.knowledge.linker import ConceptMention
    from keci.knowledge.store import KnowledgeBase


def link_record(
    identity: str, text: str, mentions: Iterable["ConceptMention"], knowledge_base: "KnowledgeBase"
) -> dict[str, Any]:
    return {
        "id": identity,
        "mentions": [
            {
                "start": mention.start,
                "end": mention.end,
                "text": text[mention.start : mention.end],
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
