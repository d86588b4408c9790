"""KECI beside SpERT and GLiNER-RelEx: the same encoder, training sentences, machine and metric.

``prepare`` writes the data, ``train`` trains one of the others, ``table`` runs all that are there
and prints the table. Each of the others has a Python of its own:

    git clone https://github.com/lavis-nlp/spert
    python -m venv spert-python
    spert-python/bin/pip install torch==2.13.0 transformers==4.30.2 'numpy<2.3' scikit-learn tqdm
    python -m venv gliner-python
    gliner-python/bin/pip install torch==2.13.0 'gliner[training]==0.2.29'
"""

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.peers.keci import Keci
from benchmarks.peers.measure import Command, run
from benchmarks.peers.relex import Gliner, choose
from benchmarks.peers.sentences import ENCODER, prepare
from benchmarks.peers.spert import EPOCHS, Spert
from benchmarks.peers.table import COLUMNS, Asserted, Row, System, kept, measured
from keci.cli.options import errors_told
from keci.cli.tables import print_table
from keci.data.datasets import load_dataset
from keci.data.gold import GoldDataset
from keci.documents import Extraction
from keci.schema import load_schema

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True)
folder_option = click.option("--folder", type=_FOLDER, required=True, help="Folder of the data.")
python_option = click.option("--python", type=_FILE, required=True, help="Its Python.")
epochs_option = click.option("--epochs", default=EPOCHS, show_default=True)


@click.group(help=__doc__)
def main() -> None: ...


@main.command(name="prepare")
@click.argument("ade", type=_FILE)
@click.option("--encoder", type=_FILE, default=ENCODER, show_default=True)
@folder_option
def prepare_command(ade: Path, encoder: Path, folder: Path) -> None:
    """Write what all read; ADE is the training part of a fold in SpERT's json."""
    prepare(ade, encoder, folder)


@main.group()
def train() -> None:
    """Train one of the others, on one thread."""


@train.command(name="spert")
@click.option("--code", type=_FOLDER, required=True, help="Checkout of SpERT.")
@python_option
@folder_option
@epochs_option
def train_spert(code: Path, python: Path, folder: Path, epochs: int) -> None:
    """Train SpERT with its defaults."""
    _train(Spert(code, python.absolute(), folder.resolve()).training(epochs), folder / "spert.log")


@train.command(name="gliner")
@python_option
@folder_option
@epochs_option
def train_gliner(python: Path, folder: Path, epochs: int) -> None:
    """Train GLiNER-RelEx with its own trainer."""
    _train(Gliner(python.absolute(), folder).training(epochs), folder / "gliner.log")


def _train(command: Command, log: Path) -> None:
    usage = run(command, log)
    click.echo(f"{usage.seconds / 60:.0f} minutes of processor time, {usage.peak:.0f} MB at most")


@main.command()
@folder_option
@click.option("--keci", "models", multiple=True, default=("ade",), help="Model or bundle; several.")
@click.option("--kb", type=_FILE, required=True, help="Knowledge base of KECI's models.")
@click.option("--spert-code", type=_FOLDER, help="Checkout of SpERT.")
@click.option("--spert-python", type=_FILE)
@click.option("--gliner-python", type=_FILE)
@click.option("--keep", is_flag=True, help="Take figures of an earlier table as they are.")
def table(
    *,
    folder: Path,
    models: tuple[str, ...],
    kb: Path,
    spert_code: Path | None,
    spert_python: Path | None,
    gliner_python: Path | None,
    keep: bool,
) -> None:
    """Run KECI and those of the others that are named on the validation sentences."""
    folder = folder.resolve()
    systems: list[System] = [Keci(model, kb, f"KECI {Path(model).name}") for model in models]
    if spert_code and spert_python:
        systems.append(Spert(spert_code, spert_python.absolute(), folder))
    if gliner_python:
        systems.append(Gliner(gliner_python.absolute(), folder))
    gold = load_dataset(folder / "validation.json", load_schema("ade"))
    measurements = [
        (kept(system, folder) if keep else None) or _measured(system, gold, folder)
        for system in systems
    ]
    print_table("ADE, validation", COLUMNS, [row.cells() for row in measurements])


def _measured(system: System, gold: GoldDataset, folder: Path) -> Row:
    return measured(system, gold, folder, choose=_asserted if isinstance(system, Gliner) else None)


def _asserted(gold: GoldDataset, found: Sequence[Extraction]) -> Asserted:
    thresholds = choose(gold, found)
    click.echo(f"thresholds of GLiNER-RelEx: {thresholds.entity} and {thresholds.relation}")
    return thresholds.asserted


if __name__ == "__main__":
    with errors_told():
        main()
