"""Add sentences in which nothing is to be found to annotated data, for a model that knows them.

Usage: python examples/add_negatives.py DATA --task ade --validation-ids FILE --output data/
--negatives biored Train.PubTator ChemicalEntity --negatives biorelex train.json chemical,drug

The negatives are the sentences of other annotated data (task and file) that have no mention of the
named types: what speaks of no drug has no drug and no effect of one. Written are
``data/train.jsonl``, which has them, and ``data/validation.jsonl``, the documents with those ids.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import orjson

from keci.documents import Extraction
from keci.schema import load_schema
from keci.text.sentences import split_sentences
from keci.training.datasets import load_dataset


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


@click.command(help=__doc__)
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.option("--task", required=True)
@click.option("--validation-ids", required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--negatives", "sources", type=(str, Path, str), multiple=True)
@click.option("--most", type=click.IntRange(1), default=1_000_000, help="Take so many, evenly.")
@click.option("--output", required=True, type=click.Path(path_type=Path))
def main(
    data: Path,
    task: str,
    validation_ids: Path,
    sources: tuple[tuple[str, Path, str], ...],
    most: int,
    output: Path,
) -> None:
    held_out = set(validation_ids.read_text("utf-8").split())
    documents = [
        document.extraction for document in load_dataset(data, load_schema(task)).documents
    ]
    added = [
        sentence
        for other, path, types in sources
        for sentence in negatives(other, path, frozenset(types.split(",")))
    ]
    added = added[:: -(-len(added) // most)] if added else []
    output.mkdir(parents=True, exist_ok=True)
    write(output / "train.jsonl", [*(d for d in documents if d.id not in held_out), *added])
    write(output / "validation.jsonl", (d for d in documents if d.id in held_out))
    click.echo(f"{len(documents) - len(held_out)} documents and {len(added)} negatives to train on")


if __name__ == "__main__":
    main()
