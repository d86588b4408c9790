import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Extraction, Mention
from keci.overlaps import Span, overlapping_types, without_doubles

TYPES = ("drug", "effect")
ALLOWED = st.sets(st.sampled_from([("drug", "drug"), ("drug", "effect"), ("effect", "effect")]))


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start = draw(st.integers(0, 12))
    score = draw(st.sampled_from([0.5, 0.7, 0.9]))
    return start, start + draw(st.integers(1, 5)), draw(st.sampled_from(TYPES)), score


def clash(one: Span, other: Span, allowed: set[tuple[str, str]]) -> bool:
    together = one[0] < other[1] and other[0] < one[1]
    return together and tuple(sorted((one[2], other[2]))) not in allowed


@given(st.lists(spans(), max_size=8, unique_by=lambda span: span[:3]), ALLOWED)
def test_what_stays_is_apart_and_what_goes_gives_way_to_better(
    mentions: list[Span], allowed: set[tuple[str, str]]
) -> None:
    staying = without_doubles(mentions, allowed)
    assert staying == sorted(staying)
    left = [mentions[at] for at in staying]
    for at, one in enumerate(left):
        assert not any(clash(one, other, allowed) for other in left[at + 1 :])
    for gone in set(mentions) - set(left):
        assert any(clash(gone, one, allowed) and one[3] >= gone[3] for one in left)


@given(st.lists(spans(), max_size=8, unique_by=lambda span: span[:3]), st.randoms())
def test_the_order_of_the_mentions_does_not_matter(mentions: list[Span], random: object) -> None:
    shuffled = list(mentions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {mentions[at] for at in without_doubles(mentions, ())} == {
        shuffled[at] for at in without_doubles(shuffled, ())
    }


def document(*ends: tuple[int, int, str]) -> Extraction:
    mentions = tuple(
        Mention(f"T{number}", start, end, "x" * (end - start), kind)
        for number, (start, end, kind) in enumerate(ends)
    )
    return Extraction("d", "x" * 20, mentions)


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        ([(0, 4, "effect"), (2, 6, "drug")], (("drug", "effect"),)),
        ([(0, 4, "effect"), (4, 6, "drug")], ()),
        ([(0, 4, "drug"), (0, 4, "drug")], ()),
        ([(0, 4, "drug"), (0, 3, "drug")], (("drug", "drug"),)),
        (
            [(0, 9, "drug"), (1, 2, "drug"), (4, 5, "effect")],
            (("drug", "drug"), ("drug", "effect")),
        ),
        ([(0, 4, "drug"), (0, 4, "gene")], ()),
    ],
)  # fmt: skip
def test_types_that_overlap_in_gold_are_found(
    ends: list[tuple[int, int, str]], found: tuple[tuple[str, str], ...]
) -> None:
    assert overlapping_types([document(*ends)], TYPES) == found
