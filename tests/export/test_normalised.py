import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keci.export.normalised import ChannelRange, fixed_steps


def channels(low: float, high: float) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(low, high, width=32), min_size=6, max_size=6)


@given(channels(-50, 50), channels(0, 100), channels(0, 8))
def test_all_that_was_seen_has_its_integer(
    least: list[float], widths: list[float], multiplied: list[float]
) -> None:
    low = np.array(least, np.float32)
    wide = np.array(widths, np.float32)
    seen = ChannelRange(low, low + wide, low + wide / 2)
    steps = fixed_steps(seen, np.array(multiplied, np.float32))
    assert (steps.sizes > 0).all()
    for values in seen:
        places = values / steps.sizes.astype(np.float64) + steps.offsets
        assert ((places > -1) & (places < 256)).all()


def test_steps_follow_the_ranges_and_the_weights_share_in() -> None:
    low = np.array([-1, -1, -10], np.float32)
    sizes = fixed_steps(ChannelRange(low, -low, 0 * low), np.array([1, 4, 1], np.float32)).sizes
    assert sizes[1] < sizes[0] < sizes[2] < 10 * sizes[0]


def test_a_channel_that_never_moves_is_kept_where_it_is() -> None:
    still = np.array([3, -2], np.float32)
    steps = fixed_steps(ChannelRange(still, still, still), np.ones(2, np.float32))
    found = (np.rint(still / steps.sizes + steps.offsets) - steps.offsets) * steps.sizes
    np.testing.assert_allclose(found, still, rtol=1e-4)
