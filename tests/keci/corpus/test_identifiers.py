"""The id by which a concept goes."""

import pytest

from keci.corpus.identifiers import in_vocabularies, known_vocabularies, parse_vocabularies
from keci.documents import ConceptLink, Extraction, Mention
from keci.errors import UsageError

LINK = ConceptLink("MESH:D1", "aspirin", ("T121",), 0.5, ("CHEBI:2", "UNII:3"))
EXAMPLE = Extraction(
    "d",
    "aspirin x",
    (Mention("T1", 0, 7, "aspirin", "Drug", concepts=(LINK,)), Mention("T2", 8, 9, "x", "Drug")),
)


@pytest.mark.parametrize(
    ("vocabularies", "chosen", "others"),
    [
        ((), "MESH:D1", ("CHEBI:2", "UNII:3")),
        (("CHEBI",), "CHEBI:2", ("MESH:D1", "UNII:3")),
        (("RXNORM", "UNII", "MESH"), "UNII:3", ("MESH:D1", "CHEBI:2")),
        (("RXNORM",), "MESH:D1", ("CHEBI:2", "UNII:3")),
        (("CHE",), "MESH:D1", ("CHEBI:2", "UNII:3")),
    ],
)
def test_the_first_vocabulary_that_has_an_id_gives_it(
    vocabularies: tuple[str, ...], chosen: str, others: tuple[str, ...]
) -> None:
    named = in_vocabularies(EXAMPLE, vocabularies)
    ((link,), nothing) = (mention.concepts for mention in named.mentions)
    assert (link.id, link.xrefs) == (chosen, others)
    assert nothing == ()
    assert (link.name, link.weight) == (LINK.name, LINK.weight)


def test_vocabularies_are_read_as_people_write_them() -> None:
    assert parse_vocabularies(None) == ()
    assert parse_vocabularies("mesh, CHEBI:") == ("MESH", "CHEBI")
    for wrong in ("", "MESH,,CHEBI", "MESH,mesh"):
        with pytest.raises(UsageError, match="as MESH,CHEBI"):
            parse_vocabularies(wrong)


def test_a_vocabulary_that_the_base_does_not_have_is_refused_with_those_it_has() -> None:
    assert known_vocabularies(("MESH", "ORPHANET"), ("Orphanet", "MESH")) == ("MESH", "Orphanet")
    with pytest.raises(UsageError, match=r"no ids of the vocabulary 'MSH'; there are CHEBI, MESH"):
        known_vocabularies(("MSH",), ("MESH", "CHEBI"))
