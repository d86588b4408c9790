"""Annotated texts as files of BioRED hold them."""

from hypothesis import strategies as st

from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow

IDENTIFIERS = ("10", "20", "30", "D1", "p|SUB|A|1|T")
ENTITY_TYPES = ("GeneOrGeneProduct", "ChemicalEntity")
RELATION_TYPES = ("Association", "Bind", "own type")
LINE = st.text(st.sampled_from("ab é中𝔸|.,&<"), max_size=12)


@st.composite
def annotated_texts(draw: st.DrawFn) -> AnnotatedText:
    """A title and an abstract; every identifier that a relation names has a mention."""
    text = f"{draw(LINE)}\n{draw(LINE)}"
    places = range(len(text) + 1)
    spans = st.tuples(st.sampled_from(places), st.sampled_from(places))
    wanted = draw(st.lists(spans.filter(lambda span: span[0] < span[1]), max_size=5, unique=True))
    names = st.lists(st.sampled_from(IDENTIFIERS), max_size=3, unique=True).map(tuple)
    mentions = tuple(
        MentionRow(start, end, text[start:end], draw(st.sampled_from(ENTITY_TYPES)), draw(names))
        for start, end in sorted(wanted)
        if "\n" not in text[start:end] and text[start:end].strip() == text[start:end]
    )
    known = sorted({name for mention in mentions for name in mention.identifiers})
    ends = st.sampled_from(known) if known else st.nothing()
    rows = st.builds(RelationRow, st.sampled_from(RELATION_TYPES), ends, ends)
    relations = draw(st.lists(rows, max_size=4, unique_by=_unordered)) if known else []
    return AnnotatedText("d1", text, mentions, tuple(relations))


def _unordered(row: RelationRow) -> tuple[str, frozenset[str]]:
    return row.type, frozenset((row.head, row.tail))
