"""The final scorer, asked only about those pairs that can be relations."""

from collections.abc import Mapping

from torch import Tensor

from keci.decoding import MOST_NONE
from keci.stages import Stage

_ROUNDING = 1e-3
"""By which a probability may differ from the one that decoding sees."""

_IMPOSSIBLE = -1e4


class MentionPairsStage:
    """Scores pairs of the final span graph whose ends are both mentions there.

    No other pair can become a relation: it gets logits that say "none". Mentions are a small part
    of the kept spans, so this leaves few of the pairs to score.
    """

    def __init__(self, final_scorer: Stage) -> None:
        self.stage = final_scorer
        self.input_names = final_scorer.input_names

    def run(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """``final_entity_logits`` (kept, labels) and ``final_relation_logits`` (pairs, labels)."""
        heads, tails = tensors["pair_heads"], tensors["pair_tails"]
        entities = self._score(tensors, heads[:0], tails[:0])["final_entity_logits"]
        is_mention = entities.softmax(1)[:, 0] < MOST_NONE + _ROUNDING
        chosen = (is_mention[heads] & is_mention[tails]).nonzero().squeeze(1)
        scored = self._score(tensors, heads[chosen], tails[chosen])["final_relation_logits"]
        relations = scored.new_full((len(heads), scored.shape[1]), _IMPOSSIBLE)
        relations[:, 0] = 0
        relations = relations.index_copy(0, chosen, scored)
        return {"final_entity_logits": entities, "final_relation_logits": relations}

    def _score(
        self, tensors: Mapping[str, Tensor], heads: Tensor, tails: Tensor
    ) -> Mapping[str, Tensor]:
        return self.stage.run({**tensors, "pair_heads": heads, "pair_tails": tails})
