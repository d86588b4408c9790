"""``python -m examples.mean_weights OUTPUT RUN RUN ...``: the mean of the weights of trainings.

The trainings have one architecture and went on from one another or from one start, so that the
mean lies between what each learned. OUTPUT is a run for keci-evaluate and keci-export.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import torch
from torch import Tensor

from keci.cli.options import errors_told
from keci.training.checkpoint import (
    BEST_FILE,
    ENCODER_FOLDER,
    RUN_FILE,
    read_tensors,
    write_tensors,
)


def mean_of(weights: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each tensor, added up in float64; ValueError where names or shapes differ."""
    shapes = [{name: tensor.shape for name, tensor in run.items()} for run in weights]
    if any(run != shapes[0] for run in shapes):
        raise ValueError("the runs have different tensors")
    return {
        name: torch.stack([run[name].double() for run in weights]).mean(0).to(tensor.dtype)
        for name, tensor in weights[0].items()
    }


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def main(output: Path, runs: tuple[Path, ...]) -> None:
    """Write OUTPUT, a run with the mean of the weights of RUNS and the settings of the first."""
    mean = mean_of([read_tensors(run / BEST_FILE) for run in runs])
    output.mkdir(parents=True)
    shutil.copy(runs[0] / RUN_FILE, output)
    shutil.copytree(runs[0] / ENCODER_FOLDER, output / ENCODER_FOLDER)
    write_tensors(output / BEST_FILE, mean)


if __name__ == "__main__":
    with errors_told():
        main()
