import numpy as np

from keci.export.normalised import ChannelRange


def test_peaks_are_the_larger_of_both_ends() -> None:
    seen = ChannelRange(np.array([-3, 1, -2], np.float32), np.array([2, 4, -1], np.float32))
    assert seen.peaks.tolist() == [3, 4, 2]
