"""Hypothesis strategies for texts, names and records."""

import unicodedata

from hypothesis import strategies as st

from keci.documents import ASSERTIONS, Assertion, ConceptLink, Extraction, Mention, Relation
from keci.schema import METRICS, NONE, RelationType, TaskSchema

_HARD_PIECES = (
    "  ", "\t", "\n", "\u00a0", "\u2009", "\u200b", "\ufeff", "\x00", "\x07", "\u00ad",
    "α", "β-", "κB", "Å", "é", unicodedata.normalize("NFD", "éö"), "\u0301", "中文", "日本",
    "𝛼", "🧬", "👩‍🔬",
    "[UNK]", "[CLS]", "[SEP]", "<pad>", "##ing", "_", "IL-2", "(1→4)", "ﬁ", "İ", "ß",
)  # fmt: skip


def hard_texts() -> st.SearchStrategy[str]:
    """Words between double spaces, signs of all planes, combining marks and special tokens."""
    piece = st.sampled_from(_HARD_PIECES) | st.text(max_size=4)
    ascii_word = st.text("abcxyz019", min_size=1, max_size=6)
    return st.lists(piece | ascii_word | st.just(" "), max_size=25).map("".join)


def names() -> st.SearchStrategy[str]:
    return st.text(min_size=1, max_size=8)


@st.composite
def schemas(draw: st.DrawFn) -> TaskSchema:
    labels = names().filter(lambda name: name != NONE)
    entity_types = tuple(draw(st.lists(labels, min_size=1, max_size=5, unique=True)))
    ends = st.lists(st.sampled_from(entity_types), max_size=3).map(tuple)
    relation_types = tuple(
        RelationType(name, draw(st.booleans()), draw(ends), draw(ends))
        for name in draw(st.lists(labels, max_size=4, unique=True))
    )
    types = st.sampled_from(entity_types)
    pairs = st.sets(st.tuples(types, types).map(lambda pair: (min(pair), max(pair))), max_size=3)
    shares = st.dictionaries(names(), st.floats(0, 1), max_size=3)
    return TaskSchema(
        draw(names()),
        entity_types,
        relation_types,
        draw(st.sampled_from(METRICS)),
        draw(st.none() | pairs.map(lambda found: tuple(sorted(found)))),
        draw(st.dictionaries(types, shares, max_size=3)),
    )


@st.composite
def extractions(draw: st.DrawFn) -> Extraction:
    """Extractions and gold documents: scores, concepts and groups may be absent."""
    text = draw(hard_texts().filter(bool))
    mentions = tuple(draw(_mentions(f"T{place}", text)) for place in range(draw(st.integers(0, 4))))
    ends = st.sampled_from([mention.id for mention in mentions] or [""])
    relations = tuple(
        Relation(
            f"R{place}", draw(ends), draw(ends), draw(names()), draw(_scores()), draw(_assertions())
        )
        for place in range(draw(st.integers(0, 4)) if mentions else 0)
    )
    return Extraction(draw(names()), text, mentions, relations)


@st.composite
def _mentions(draw: st.DrawFn, mention_id: str, text: str) -> Mention:
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    return Mention(
        id=mention_id,
        start=start,
        end=end,
        text=text[start:end],
        type=draw(names()),
        score=draw(_scores()),
        concepts=tuple(draw(st.lists(_concepts(), max_size=3))),
        context_weight=draw(_scores()),
        group=draw(st.none() | names()),
        type_score=draw(_scores()),
        assertion=draw(_assertions()),
    )


def _assertions() -> st.SearchStrategy[Assertion]:
    return st.sampled_from(ASSERTIONS)


def _concepts() -> st.SearchStrategy[ConceptLink]:
    types = st.lists(names(), max_size=2).map(tuple)
    return st.builds(ConceptLink, names(), names(), types, st.floats(0, 1))


def _scores() -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(0, 1)
