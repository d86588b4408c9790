"""Memory that is free, but that the C library keeps for later."""

import ctypes
import functools
import sys
from collections.abc import Callable


def give_back() -> None:
    """Return to the system what glibc holds free between blocks in use; takes milliseconds.

    Batches of ever new sizes leave gaps there, by which a process would grow for hours.
    """
    trim = find_trim()
    if trim:
        trim(0)


@functools.cache
def find_trim() -> Callable[[int], object] | None:
    """Glibc's ``malloc_trim``; None on systems with another C library."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
