"""What tuning tries: values of some of TrainConfig's fields."""

from dataclasses import asdict, dataclass
from itertools import product

from keci.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Setting:
    """What a trial sets of TrainConfig."""

    batch_size: int
    encoder_learning_rate: float
    upper_learning_rate: float
    epochs: int


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Values to try; the default ones are the paper's grid."""

    batch_size: tuple[int, ...] = (16, 32)
    encoder_learning_rate: tuple[float, ...] = (2e-5, 3e-5, 4e-5, 5e-5)
    upper_learning_rate: tuple[float, ...] = (1e-4, 2e-4, 5e-4)
    epochs: tuple[int, ...] = (50, 100)

    def __post_init__(self) -> None:
        for name, values in asdict(self).items():
            if not values or len(set(values)) < len(values) or min(values) <= 0:
                raise ConfigError(f"{name} needs distinct values above 0, got {list(values)}")

    def to_record(self) -> dict[str, list[float]]:
        return {name: list(values) for name, values in asdict(self).items()}

    def grid(self) -> list[Setting]:
        """Every combination; the trials with the fewest epochs come first."""
        combinations = product(
            sorted(self.epochs),
            self.batch_size,
            self.encoder_learning_rate,
            self.upper_learning_rate,
        )
        return [
            Setting(batch_size, encoder_rate, upper_rate, epochs)
            for epochs, batch_size, encoder_rate, upper_rate in combinations
        ]
