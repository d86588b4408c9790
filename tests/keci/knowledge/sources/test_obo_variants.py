"""OBO as it is found: retired terms, former ids, bad lines, gzip, and files that are not OBO."""

import gzip
import logging
from pathlib import Path

import pytest

from keci.errors import DataError
from keci.knowledge.base.store import open_knowledge_base
from keci.knowledge.sources.obo import parse_obo, read_obo
from keci.knowledge.sources.obo_files import TypeRules, build_obo

FORMER = """format-version: 1.2
[Term]
id: Y:1
name: petal \\"rot\\"
alt_id: Y:2
alt_id: Y:3
synonym: "the \\"rot\\", late" EXACT []

[Term]
id: Y:3
name: wilting
is_obsolete: true {source="z"} ! retired
replaced_by: Y:1

[Term]
id: Y:4
name: blight
is_obsolete: true
replaced_by: Y:1 ! petal rot

[Term]
id: Y:5
name: mildew
alt_id: Y:1
alt_id: Y:2
"""
DAMAGED = """format-version: 1.2
[Term]
id: Y:1
name: rot
this line has no tag
synonym: no quotes EXACT []
def: none

[Term
id: Y:2
name: lost

[Term]
name: without id

[Term]
id: Y:1
name: twice
"""


def test_retired_terms_are_left_out_and_former_ids_kept() -> None:
    terms = parse_obo(FORMER.splitlines()).terms
    assert [(term.id, term.alternatives) for term in terms] == [
        ("Y:1", ("Y:2", "Y:3", "Y:4")),
        ("Y:5", ()),
    ]
    assert (terms[0].name, terms[0].synonyms) == ('petal "rot"', ('the "rot", late',))


def test_former_ids_find_their_term(tmp_path: Path) -> None:
    path = tmp_path / "y.obo.gz"
    path.write_bytes(gzip.compress(FORMER.encode()))
    build_obo([path], tmp_path / "kb", rules=TypeRules.parse(["T047"]), report=print)
    kb = open_knowledge_base(tmp_path / "kb")
    assert {kb.find(name) for name in ("Y:1", "Y:2", "Y:3", "Y:4")} == {kb.find("Y:1")}
    assert kb.find("Y:5") not in (None, kb.find("Y:1"))
    assert len(kb) == 2


def test_bad_lines_are_skipped_and_counted_or_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "y.obo"
    path.write_text(DAMAGED)
    document = read_obo(path, strict=False)
    assert [(term.id, term.name, term.synonyms) for term in document.terms] == [
        ("Y:1", "rot", ()),
        ("Y:2", "lost", ()),
    ]
    lines = [told.removeprefix(f"{path}:").partition(":")[0] for told in document.skipped]
    assert sorted(map(int, lines)) == [2, 2, 5, 9, 13, 16]
    with caplog.at_level(logging.WARNING):
        build_obo([path], tmp_path / "kb", rules=TypeRules.parse(["T047"]), report=print)
    assert "6 lines break the format and are skipped" in caplog.text
    with pytest.raises(DataError, match=r"y\.obo:5: expected 'tag: value'"):
        build_obo([path], tmp_path / "kb", rules=TypeRules.parse(["T047"]), report=print,
                  strict=True)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name", "advice"),
    [
        ('<?xml version="1.0"?>\n<rdf:RDF xmlns:owl="o">', "OWL", "robot convert --input y.owl"),
        ("Prefix(owl:=<o>)\nOntology(<x>)", "OWL", "--output y.obo"),
        ('<rdf:RDF xmlns:skos="http://www.w3.org/2004/02/skos/core#">', "SKOS", "build table"),
        ("@prefix skos: <http://www.w3.org/2004/02/skos/core#> .", "SKOS", "rdflib"),
        ("@prefix owl: <o> .", "RDF in Turtle", "robot convert"),
        ('{"graphs": []}', "OBO Graphs JSON", "robot convert"),
        ("<?xml version='1.0'?><other/>", "XML", "if it is OWL"),
    ],
)
def test_other_ontology_formats_are_refused_by_name(
    content: str, name: str, advice: str, tmp_path: Path
) -> None:
    path = tmp_path / "y.owl"
    path.write_text(content)
    with pytest.raises(DataError, match=f"is {name}, and OBO is read: .*{advice}"):
        read_obo(path, strict=False)


def test_a_file_without_terms_builds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "y.obo"
    path.write_text("prose\nmore of it\n")
    with pytest.raises(DataError, match=r"has no \[Term\] in force"):
        build_obo([path], tmp_path / "kb", rules=TypeRules.parse(["T047"]), report=print)
