"""Which candidate spans are names of the knowledge base, end in one, hold or lie in one.

A span's kind is a number: 0 where no name touches it, INSIDE a longer name, HOLDS a name that does
not end it, ENDS + t where a name of type t ends it (the head of an English noun phrase), and after
those, IS + t, where it is such a name itself.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from keci.text.spans import CandidateSpans

INSIDE, HOLDS, ENDS = 1, 2, 3
Integers = npt.NDArray[np.int64]


def kind_count(types: int) -> int:
    """How many kinds there are with so many types; names without a known type have one more."""
    return ENDS + 2 * (types + 1)


def name_kinds(
    spans: CandidateSpans, names: Sequence[tuple[int, int]], name_types: Integers, *, types: int
) -> Integers:
    """The kind of each span: (spans,).

    ``names`` are the character spans of a text's concept mentions, ``name_types`` (names,) the
    type of each, -1 where it is none of the ``types``. Where several names end in a span, the
    longest counts.
    """
    kinds = np.zeros(len(spans), dtype=np.int64)
    if not names or not len(spans):
        return kinds
    order = sorted(range(len(names)), key=lambda index: names[index][0] - names[index][1])
    bounds = np.array([names[index] for index in order], dtype=np.int64)
    known = np.where(name_types < 0, types, name_types)[order]
    starts, ends = spans.starts[:, None], spans.ends[:, None]
    first, last = bounds[:, 0], bounds[:, 1]
    within = (first <= starts) & (ends <= last)
    held = (starts <= first) & (last <= ends)
    is_name = within & held
    kinds[within.any(1)] = INSIDE
    kinds[held.any(1)] = HOLDS
    for found, base in ((held & (ends == last), ENDS), (is_name, ENDS + types + 1)):
        rows = found.any(1)
        kinds[rows] = base + known[found.argmax(1)[rows]]
    return kinds
