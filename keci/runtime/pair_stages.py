"""A stage run on blocks of a long axis, so that its memory does not grow with that axis."""

from collections.abc import Mapping

import torch
from torch import Tensor

from keci.decoding import MOST_NONE
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


_ENTITY_LOGITS, _RELATION_LOGITS = "final_entity_logits", "final_relation_logits"
_ROUNDING = 1e-3
"""By which a probability may differ from the one that decoding sees."""

_IMPOSSIBLE = -1e4


class MentionPairsStage:
    """Scores pairs of the final span graph whose ends are both mentions there.

    No other pair can become a relation: it gets logits that say "none". Mentions are a small part
    of the kept spans, so this leaves few spans to read and few pairs to score.
    """

    def __init__(self, pair_scorer: Stage) -> None:
        self.stage = pair_scorer
        self.input_names = (*pair_scorer.input_names, _ENTITY_LOGITS)

    def run(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """``final_relation_logits`` (pairs, labels)."""
        heads, tails = tensors["pair_heads"], tensors["pair_tails"]
        is_mention = tensors[_ENTITY_LOGITS].softmax(1)[:, 0] < MOST_NONE + _ROUNDING
        chosen = (is_mention[heads] & is_mention[tails]).nonzero().squeeze(1)
        indices = is_mention.cumsum(0) - 1
        scored = self.stage.run(
            {
                **{name: tensors[name][is_mention] for name in self._of("kept")},
                **{name: tensors[name][chosen] for name in self._of("pairs")},
                "pair_heads": indices[heads[chosen]],
                "pair_tails": indices[tails[chosen]],
            }
        )[_RELATION_LOGITS]
        relations = scored.new_full((len(heads), scored.shape[1]), _IMPOSSIBLE)
        relations[:, 0] = 0
        return {_RELATION_LOGITS: relations.index_copy_(0, chosen, scored)}

    def _of(self, dimension: str) -> list[str]:
        return [name for name in self.stage.input_names if TENSORS[name].dims[0] == dimension]
