"""How an encoder is adapted: the options of ``keci-train encoder``."""

from dataclasses import dataclass

from keci.errors import ConfigError
from keci.model.encoder_names import ENCODERS
from keci.options import Options, option


@dataclass(frozen=True, slots=True)
class AdaptationSettings(Options):
    """Steps, their size, and the weights of the three losses.

    Fields that are no options stand as they were when the shipped encoder was adapted.
    """

    encoder: str = option("minilm", f"What to start from: {ENCODERS}")
    steps: int = option(2000, "Steps of the optimiser.", least=1)
    piece_budget: int = option(2048, "Word pieces a step, padding included.", "--pieces", least=1)
    learning_rate: float = option(2e-4, "Peak learning rate.")
    synonym_pairs: int = option(
        32, "Pairs of names of one concept a step; 0 leaves that loss out.", "--synonyms", least=0
    )
    seed: int = option(1, "Seed of every choice.")
    warmup_share: float = 0.06
    mask_share: float = 0.12
    tag_weight: float = 1.0
    synonym_weight: float = 0.3

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        if not 0 < self.mask_share < 1 or not self.learning_rate > 0:
            raise ConfigError("mask_share must be in (0, 1) and learning_rate above 0")
