"""The final pair scorer, asked only about those pairs that can be relations."""

from collections.abc import Mapping

from torch import Tensor

from keci.decoding import MOST_NONE
from keci.stages import TENSORS, Stage

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
        places = is_mention.cumsum(0) - 1
        scored = self.stage.run(
            {
                **{name: tensors[name][is_mention] for name in self._states()},
                "pair_heads": places[heads[chosen]],
                "pair_tails": places[tails[chosen]],
            }
        )[_RELATION_LOGITS]
        relations = scored.new_full((len(heads), scored.shape[1]), _IMPOSSIBLE)
        relations[:, 0] = 0
        return {_RELATION_LOGITS: relations.index_copy_(0, chosen, scored)}

    def _states(self) -> list[str]:
        return [name for name in self.stage.input_names if TENSORS[name].dims[0] == "kept"]
