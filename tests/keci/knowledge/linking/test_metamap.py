import json
from pathlib import Path

import pytest

from keci.errors import DataError
from keci.knowledge.linking.metamap import ForeignCandidate, read_metamap

MMI = (
    'd1|MMI|3.5|Rose|C1|[plnt]|["Rose"-tx-1-"rose"-noun-0,"Roses"-tx-1-"roses"-noun-0]|TX|'
    "[4/4],[20/4];30/5|B01\n"
    "d1|AA|RF|rose fever|1|2|3|4|5/6\n"
    'd2|MMI|1.0|Fever|C2|[sosy]|["Fever"-tx-1-"fever \\"high\\""-noun-0]|TX|1/3,9/5|x\n'
    'd2|MMI|2.0|Fever|C2|[sosy]|["Fever"-tx-1-"say \\"fever\\""-noun-0]|TX|1/11|x\n'
)
CANDIDATE = {
    "CandidateScore": "-861",
    "CandidateCUI": "C1",
    "ConceptPIs": [{"StartPos": "4", "Length": "5"}],
}
SPLIT = CANDIDATE | {"ConceptPIs": [{"StartPos": start, "Length": "5"} for start in ("4", "20")]}


def as_json(candidates: list[dict[str, object]]) -> str:
    phrase = {"Mappings": [{"MappingCandidates": candidates}]}
    utterances = [{"PMID": "d1", "Phrases": [phrase]}]
    return json.dumps({"AllDocuments": [{"Document": {"Utterances": utterances}}]})


def as_xml() -> str:
    candidate = (
        "<Candidate><CandidateScore>-861</CandidateScore><CandidateCUI>C1</CandidateCUI>"
        "<ConceptPIs><ConceptPI><StartPos>4</StartPos><Length>5</Length></ConceptPI></ConceptPIs>"
        "</Candidate>"
    )
    return (
        "<?xml version='1.0'?><MMOs><MMO><Utterances><Utterance><PMID>d1</PMID><Phrases><Phrase>"
        f"<Candidates>{candidate}</Candidates><Mappings><Mapping><MappingCandidates>{candidate}"
        "</MappingCandidates></Mapping></Mappings></Phrase></Phrases></Utterance></Utterances>"
        "</MMO></MMOs>"
    )


def read(tmp_path: Path, text: str) -> list[ForeignCandidate]:
    path = tmp_path / "file"
    path.write_text(text, "utf-8")
    return list(read_metamap(path))


def test_fielded_lines_give_each_place_once(tmp_path: Path) -> None:
    assert read(tmp_path, MMI) == [
        ForeignCandidate("d1", "C1", 4, 8, 3.5, "rose"),
        ForeignCandidate("d1", "C1", 20, 24, 3.5, "rose"),
        ForeignCandidate("d1", "C1", 30, 35, 3.5, "roses"),
        ForeignCandidate("d2", "C2", 1, 14, 1.0, 'fever "high"', pieces=2),
        ForeignCandidate("d2", "C2", 1, 12, 2.0, 'say "fever"'),
    ]


def test_json_and_xml_say_the_same(tmp_path: Path) -> None:
    expected = [ForeignCandidate("d1", "C1", 4, 9, 861.0)]
    assert read(tmp_path, as_json([CANDIDATE])) == expected
    assert read(tmp_path, as_xml()) == expected


def test_a_candidate_in_several_pieces_says_so(tmp_path: Path) -> None:
    [found] = read(tmp_path, as_json([SPLIT]))
    assert found == ForeignCandidate("d1", "C1", 4, 25, 861.0, pieces=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", ":1: expected fielded MMI"),
        ("d1|MMI|3.5|Rose\n", "expected 9 fields or more, found 4"),
        (MMI.replace("3.5", "x"), "expected a number, found 'x'"),
        (MMI.replace("3.5", "nan"), "expected a number, found 'nan'"),
        (MMI.replace("3.5", "1e999"), "expected a number, found '1e999'"),
        (as_json([{"ConceptPIs": [{"StartPos": "inf", "Length": "1"}]}]), "expected a number"),
        (as_json([CANDIDATE]).replace('"d1"', "[]"), "a PMID that is no text"),
        ("{", "not whole JSON"),
        ("{}", "no JSON of MetaMap"),
        (as_json([{"CandidateCUI": "C1"}]), "no JSON of MetaMap"),
        ("<MMOs><MMO>", "not whole XML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_an_empty_file_has_no_candidates(tmp_path: Path) -> None:
    assert read(tmp_path, "") == []


def test_entities_of_xml_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("C9")
    text = (
        as_xml()
        .replace("<MMOs>", f"<!DOCTYPE MMOs [<!ENTITY e SYSTEM '{secret}'>]><MMOs>", 1)
        .replace("C1</CandidateCUI>", "&e;</CandidateCUI>")
    )
    assert all(candidate.cui != "C9" for candidate in read(tmp_path, text))
