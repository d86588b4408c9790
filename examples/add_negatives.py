"""Add sentences in which nothing is to be found to annotated data, for a model that knows them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import orjson

from keci.cli.options import errors_told
from keci.data.datasets import load_dataset
from keci.documents import Extraction
from keci.schema import load_schema
from keci.text.sentences import split_sentences


def negatives(task: str, path: Path, types: frozenset[str]) -> Iterator[Extraction]:
    """The sentences of annotated data without a mention of the types."""
    for document in load_dataset(path, load_schema(task)).documents:
        text = document.extraction.text
        named = [mention for mention in document.extraction.mentions if mention.type in types]
        for start, end in split_sentences(text):
            if not any(mention.start < end and start < mention.end for mention in named):
                yield Extraction(f"{task}-{document.id}-{start}", text[start:end])


def write(path: Path, documents: Iterable[Extraction]) -> None:
    """A file of KECI's jsonl."""
    with path.open("wb") as lines:
        for document in documents:
            lines.write(orjson.dumps(document.to_record(), option=orjson.OPT_APPEND_NEWLINE))


_EPILOG = """\b
Example:
  python examples/add_negatives.py ade.json --task ade --validation-ids validation.ids \\
    --negatives biored Train.PubTator ChemicalEntity \\
    --negatives biorelex train.json chemical,drug --output data/
"""


@click.command(epilog=_EPILOG)
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.option("--task", required=True, help="The task of DATA.")
@click.option(
    "--validation-ids",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The ids of the documents to validate on, as keci-train leaves them.",
)
@click.option(
    "--negatives",
    "sources",
    type=(str, click.Path(path_type=Path, exists=True), str),
    multiple=True,
    required=True,
    metavar="TASK FILE TYPES",
    help="Other annotated data, and the types that a negative must not mention.",
)
@click.option("--most", type=click.IntRange(1), help="Take so many negatives, from all evenly.")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="Folder.")
def main(
    data: Path,
    task: str,
    validation_ids: Path,
    sources: tuple[tuple[str, Path, str], ...],
    most: int | None,
    output: Path,
) -> None:
    """Add sentences of other annotated data in which nothing is to be found to DATA.

    They are those without a mention of the named types: what speaks of no drug has no drug and no
    effect of one. Written are train.jsonl, which has them, and validation.jsonl.
    """
    held_out = set(validation_ids.read_text("utf-8").split())
    documents = [
        document.extraction for document in load_dataset(data, load_schema(task)).documents
    ]
    unknown = sorted(held_out - {document.id for document in documents})
    if unknown:
        raise click.UsageError(
            f"{len(unknown)} of the {len(held_out)} validation ids are not in the data, "
            f"such as {unknown[0]!r}"
        )
    added = [
        sentence
        for other, path, types in sources
        for sentence in negatives(other, path, frozenset(types.split(",")))
    ]
    added = added[:: -(-len(added) // most)] if most and added else added
    output.mkdir(parents=True, exist_ok=True)
    kept = [document for document in documents if document.id not in held_out]
    write(output / "train.jsonl", [*kept, *added])
    write(output / "validation.jsonl", (d for d in documents if d.id in held_out))
    click.echo(f"{len(kept)} documents and {len(added)} negatives to train on")


if __name__ == "__main__":
    with errors_told():
        main()
