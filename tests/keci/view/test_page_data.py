"""What the page is told of extractions."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Extraction, Mention, Relation
from keci.view.homepages import home_page
from keci.view.page import script_json
from keci.view.page_data import gather, undirected_types, utf16_offsets
from tests.keci.view.conftest import an_extraction


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))), st.data())
def test_offsets_count_utf16_units(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    assert utf16_offsets(text)(offset) == len(text[:offset].encode("utf-16-le")) // 2


@given(st.text())
def test_json_in_a_script_never_ends_it_and_reads_back(text: str) -> None:
    written = script_json({"text": text})
    assert not re.search("[<>&\u2028\u2029]", written)
    assert json.loads(written) == {"text": text}


def test_concepts_and_types_are_written_once() -> None:
    record = gather([an_extraction("a"), an_extraction("b")]).to_record()
    assert [concept["id"] for concept in record["concepts"]] == ["MESH:D000658"]
    assert [kind["name"] for kind in record["entityTypes"]] == ["Effect", "Drug"]
    assert record["semanticTypes"] == {
        "T109": "Organic Chemical",
        "T121": "Pharmacologic Substance",
    }
    for document in record["documents"]:
        mention = next(item for item in document["mentions"] if item["id"] == "T3")
        assert mention["concepts"] == [[0, 0.75]]
        assert mention["context"] == 0.25


def test_gold_data_have_no_scores() -> None:
    gold = Extraction("g", "a rash", (Mention("T1", 2, 6, "rash", "effect"),))
    (document,) = gather([gold]).to_record()["documents"]
    assert document["mentions"] == [
        {
            "id": "T1",
            "start": 2,
            "end": 6,
            "at": [2, 6],
            "type": 0,
            "concepts": [],
            "assertion": "present",
        }
    ]


def test_relations_without_direction_are_those_of_a_built_in_task() -> None:
    assert undirected_types(["bind"]) == {"bind", "no-bind", "unclear"}
    assert undirected_types(["bind", "caused-by"]) == frozenset()
    assert undirected_types(["Adverse-Effect"]) == frozenset()


def test_home_pages() -> None:
    assert (
        home_page("UNII:R16CO5Y76E") == "https://precision.fda.gov/uniisearch/srs/unii/R16CO5Y76E"
    )
    assert home_page("UMLS:C0004057") == "https://uts.nlm.nih.gov/uts/umls/concept/C0004057"
    assert home_page('GO:0008150"><script>') == (
        "https://amigo.geneontology.org/amigo/term/GO:0008150%22%3E%3Cscript%3E"
    )
    assert home_page("ELSEWHERE:1") is None
    assert home_page("MESH") is None


def test_a_definition_comes_from_whoever_knows() -> None:
    record = gather([an_extraction()], define={"MESH:D000658": "A penicillin."}.get).to_record()
    assert record["concepts"][0]["definition"] == "A penicillin."


def test_a_lone_surrogate_is_no_obstacle() -> None:
    odd = Extraction("s", "a \ud800 b", (), ())
    assert "\\ud800" in script_json(gather([odd]).to_record())


def test_counts() -> None:
    related = Extraction("x", "a b", (), ())
    assert gather([an_extraction(), related]).counts == (2, 5, 2)
    assert Relation("R1", "T1", "T3", "caused-by", 0.95) in an_extraction().relations
