"""A stage run on blocks of a long axis, so that its memory does not grow with that axis."""

from collections.abc import Mapping

import torch
from torch import Tensor

from keci.stages import TENSORS, Stage


class BlockwiseStage:
    """Runs a stage whose outputs along ``dimension`` depend each on its own row of the inputs.

    Inputs of that dimension are cut, such outputs joined again; the others are the same in every
    block and are taken from the first.
    """

    def __init__(self, stage: Stage, dimension: str, size: int) -> None:
        self.stage = stage
        self.dimension = dimension
        self.size = size
        self.input_names = stage.input_names

    def run(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The stage's outputs by name."""
        cut = [name for name in self.input_names if self._has_dimension(name)]
        blocks = list(zip(*(torch.split(tensors[name], self.size) for name in cut), strict=True))
        if len(blocks) <= 1:
            return self.stage.run(tensors)
        first, *others = (
            self.stage.run({**tensors, **dict(zip(cut, block, strict=True))}) for block in blocks
        )
        return {
            name: torch.cat([output, *(other[name] for other in others)])
            if self._has_dimension(name)
            else output
            for name, output in first.items()
        }

    def _has_dimension(self, name: str) -> bool:
        return TENSORS[name].dims[0] == self.dimension
