"""How vectors are trained on the relations: the options of ``keci-kb embed``."""

from dataclasses import dataclass

from keci.errors import ConfigError
from keci.options import Options, option

TRANSE = "transe"
DISTMULT = "distmult"
METHODS = (TRANSE, DISTMULT)


@dataclass(frozen=True, slots=True)
class EmbeddingSettings(Options):
    """How vectors are trained on a knowledge base's triples.

    Triples come in batches of ``batch_size``; ``chunk_size`` of them share ``negatives`` random
    nodes, to which the chunk's other ends are added. The learning rate falls linearly to zero.
    ``held_out`` is the largest number of triples, of each kind, kept for the ranking.
    """

    method: str = option(
        TRANSE, "Score of a triple, for vectors trained on the relations.", choices=METHODS
    )
    width: int = option(64, "Numbers of a vector.", least=1)
    epochs: int = option(10, "Passes over the triples.", least=1)
    seed: int = option(1, "Seed of every choice.", least=0)
    batch_size: int = option(4096, "Triples of a step.", least=1)
    negatives: int = option(128, "Random nodes that each triple is compared with.", least=1)
    learning_rate: float = option(0.1, "Learning rate of the first step.")
    chunk_size: int = 64
    held_out: int = 1000

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        if self.learning_rate <= 0:
            raise ConfigError(f"learning_rate must be above 0, got {self.learning_rate}")
        if self.chunk_size < 1 or self.held_out < 0:
            raise ConfigError("chunk_size must be at least 1 and held_out at least 0")
