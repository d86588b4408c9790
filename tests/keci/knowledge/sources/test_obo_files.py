from pathlib import Path

import pytest

from keci.errors import DataError, UsageError
from keci.knowledge.base.store import KnowledgeBase, open_knowledge_base
from keci.knowledge.sources.obo_files import TypeRules, build_obo

ROSES = """format-version: 1.2
ontology: roses
data-version: 3

[Term]
id: R:1
name: rose

[Term]
id: R:2
name: red rose
synonym: "rosa rubra" EXACT []
is_a: R:1
relationship: smells_of R:3
xref: MONDO:1

[Term]
id: R:3
name: scent
is_a: R:3
"""
FEVER = '[Term]\nid: MONDO:1\nname: rose fever\ndef: "A fever." []\n'


def build(tmp_path: Path, texts: list[str], rules: list[str]) -> KnowledgeBase:
    paths = []
    for place, text in enumerate(texts):
        paths.append(tmp_path / f"{place}.obo")
        paths[-1].write_text(text)
    build_obo(paths, tmp_path / "kb", rules=TypeRules.parse(rules), report=print)
    return open_knowledge_base(tmp_path / "kb")


def test_files_become_one_base_with_types_by_rule(tmp_path: Path) -> None:
    kb = build(tmp_path, [ROSES, FEVER], ["R:1=T002", "T167"])
    index = kb.find("MONDO:1")
    assert index is not None
    rose = kb.concept(index)
    assert rose.sources == ("R:2", "MONDO:1")
    assert rose.types == ("T002", "T167")
    assert rose.definition == "A fever."
    tails, kinds = kb.neighbours(index)
    assert {
        (kb.relation_names[k], kb.concept(int(t)).name) for t, k in zip(tails, kinds, strict=True)
    } == {("isa", "rose"), ("related_to", "scent")}
    assert [source.key for source in kb.manifest.description.sources] == ["roses", "1"]


def test_known_vocabularies_need_no_rule(tmp_path: Path) -> None:
    assert build(tmp_path, [FEVER], []).concept(0).types == ("T047",)


def test_an_unknown_vocabulary_asks_for_a_type(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no semantic type is known for R:1.*--type"):
        build(tmp_path, [ROSES], [])


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown semantic type 'T9'"):
        TypeRules.parse(["R:1=T9"])


def test_an_id_in_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"MONDO:1 is defined in .*0\.obo and in .*1\.obo"):
        build(tmp_path, [FEVER, FEVER], [])
