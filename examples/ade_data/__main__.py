"""``python -m examples.ade_data``: the training data of the shipped model ``ade``."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from examples.add_negatives import negatives, write
from examples.ade_data.abstracts import DISEASE, labelled_texts
from examples.ade_data.joined import joined_texts
from examples.ade_data.names import Judge, plain_names, uncapitalised
from examples.ade_data.patterns import DRUG, EFFECT, REPORTING, Names, filled, read_patterns
from examples.ade_data.written import WRITTEN, as_written, read_written, with_other_names
from keci.cli.options import errors_told, kb_option
from keci.data.datasets import load_dataset
from keci.data.gold import GoldDataset
from keci.data.splits import split_validation
from keci.documents import Extraction
from keci.knowledge.choice import knowledge_base_for
from keci.schema import load_schema

PATTERNS = tuple(Path(__file__).with_name(f"{name}.toml") for name in ("patterns", "prose"))
CONTRASTS = Path(__file__).with_name("contrasts.toml")
"""Patterns that the shipped model was not trained on; see docs/results.md."""
SEED = 1
EASY, FEWER_EASY = 2000, 700
FILLED = {
    **dict.fromkeys(("reports", "mixed", "speculated"), 7),
    **dict.fromkeys(("negated", "excluded", "treats", "monitoring"), 4),
    **dict.fromkeys(("hypothetical", "history", "co-occurrence"), 4),
}
"""How often a pattern of each kind is filled."""
FEWER = {kind: 2 if kind in REPORTING else 1 for kind in FILLED}
"""The same beside texts that were written one by one."""
JOINED, MOST_JOINED = 900, 4
WINDOW = 3
_FREE_OF_DRUGS = frozenset(["ChemicalEntity", "chemical", "drug"])


@dataclass(frozen=True, slots=True)
class Sources:
    """The annotated files: ADE in SpERT's format, BioRED Train in PubTator's, BioRelEx train."""

    ade: Path
    biored: Path
    biorelex: Path


def training_parts(
    sources: Sources,
    ade: Sequence[Extraction],
    judge: Judge,
    patterns: Sequence[Path] = PATTERNS,
    written: Sequence[Path] = (),
) -> dict[str, list[Extraction]]:
    """What a model learns from, by where it comes from."""
    abstracts = load_dataset(sources.biored, load_schema("biored")).documents
    known = {name.lower() for name in plain_names(ade, [DRUG], most_words=3)}

    def is_drug(name: str) -> bool:
        return name.lower() in known or judge.is_drug(name)

    names = _names(ade, [document.extraction for document in abstracts], judge)
    made = list(
        filled(
            read_patterns(*patterns),
            names,
            times=FEWER if written else FILLED,
            seed=SEED,
        )
    )
    with_chemicals = list(labelled_texts(abstracts, is_drug, sentences=1))
    windows = list(labelled_texts(abstracts, is_drug, sentences=WINDOW))
    lines = list(read_written(written))
    told = [as_written(line) for line in lines]
    told_of_others = [with_other_names(line, names, seed=SEED) for line in lines]
    alone = [*ade, *made, *told, *with_chemicals]
    return {
        "ade": list(ade),
        "easy": _easy(sources, FEWER_EASY if written else EASY),
        "patterns": made,
        "written": told,
        "written, of other names": told_of_others,
        "abstract sentences": with_chemicals,
        "abstract windows": windows,
        "joined": list(joined_texts(alone, count=JOINED, most=MOST_JOINED, seed=SEED)),
    }


def _easy(sources: Sources, count: int) -> list[Extraction]:
    """Sentences without a chemical, from all evenly."""
    found = [
        sentence
        for task, path in (("biored", sources.biored), ("biorelex", sources.biorelex))
        for sentence in negatives(task, path, _FREE_OF_DRUGS)
    ]
    return found[:: -(-len(found) // count)]


def _names(ade: Sequence[Extraction], abstracts: Sequence[Extraction], judge: Judge) -> Names:
    effects = [name for name in plain_names(ade, [EFFECT], most_words=4) if judge.is_disorder(name)]
    diseases = [
        name for name in plain_names(abstracts, [DISEASE], most_words=4) if judge.is_disorder(name)
    ]
    return Names(
        sorted({uncapitalised(name) for name in plain_names(ade, [DRUG], most_words=3)}),
        sorted({uncapitalised(name) for name in effects}),
        sorted({uncapitalised(name) for name in (*effects, *diseases)}),
    )


def split_ade(path: Path) -> tuple[list[Extraction], list[Extraction]]:
    """The training and validation part, as keci-train splits the file."""
    parts: tuple[GoldDataset, GoldDataset] = split_validation(
        load_dataset(path, load_schema("ade")), seed=SEED
    )
    training, validation = ([item.extraction for item in part.documents] for part in parts)
    return training, validation


@click.command()
@click.argument("ade", type=click.Path(path_type=Path, exists=True))
@click.argument("biored", type=click.Path(path_type=Path, exists=True))
@click.argument("biorelex", type=click.Path(path_type=Path, exists=True))
@kb_option
@click.option("--output", required=True, type=click.Path(path_type=Path), help="Folder.")
@click.option("--contrasts", is_flag=True, help="Add the patterns of contrasts.toml.")
@click.option("--written", is_flag=True, help="Add the texts of the folder written.")
@click.option(
    "--leave-out",
    multiple=True,
    metavar="PART",
    help="A part of the data, by its name in what is printed, to leave out.",
)
def main(
    ade: Path,
    biored: Path,
    biorelex: Path,
    kb: Path | None,
    output: Path,
    contrasts: bool,
    written: bool,
    leave_out: tuple[str, ...],
) -> None:
    """Write train.jsonl and validation.jsonl, of which the model ``ade`` is made.

    ADE, BIORED and BIORELEX are the training files of the three corpora (SpERT's json, PubTator and
    json). The knowledge base tells which chemicals are drugs and which names are disorders.
    """
    training, validation = split_ade(ade)
    judge = Judge(knowledge_base_for(kb))
    patterns = (*PATTERNS, CONTRASTS) if contrasts else PATTERNS
    texts = sorted(WRITTEN.glob("*.txt")) if written else []
    parts = training_parts(Sources(ade, biored, biorelex), training, judge, patterns, texts)
    if unknown := set(leave_out) - parts.keys():
        raise click.BadParameter(
            f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}"
        )
    parts = {name: part for name, part in parts.items() if name not in leave_out}
    output.mkdir(parents=True, exist_ok=True)
    write(output / "train.jsonl", (item for part in parts.values() for item in part))
    write(output / "validation.jsonl", validation)
    for name, part in parts.items():
        counts = Counter(bool(item.relations) for item in part)
        click.echo(f"{name}: {len(part)} texts, {counts[True]} of them with a relation")


if __name__ == "__main__":
    with errors_told():
        main()
