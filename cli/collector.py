"""Python's cyclic garbage collector in a process that extracts."""

import gc

_OBJECTS_BEFORE_COLLECTION = 50_000


def collect_rarely() -> None:
    """Leave what was opened out of collections, and let them come after 50,000 objects, not 700.

    Extraction makes hundreds of objects a sentence, which reference counts alone set free:
    looking for cycles among them took 4 % of the time. For a process of its own, after opening.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
