import numpy as np

from keci.export.normalised import ChannelRange


def test_peaks_are_the_larger_of_both_ends() -> None:
    least, largest = np.array([-3, 1, -2], np.float32), np.array([2, 4, -1], np.float32)
    seen = ChannelRange(least, largest, (least + largest) / 2)
    assert seen.peaks.tolist() == [3, 4, 2]
