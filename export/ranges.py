"""The values that the channels of activations take."""

from typing import NamedTuple

import numpy as np

from keci.runtime.integers import Weights


class ChannelRange(NamedTuple):
    """The least and the largest value (width,) of each channel."""

    least: Weights
    largest: Weights

    @property
    def peaks(self) -> Weights:
        """The largest size of each channel (width,)."""
        return np.maximum(np.abs(self.least), np.abs(self.largest))
