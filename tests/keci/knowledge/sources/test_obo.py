from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.errors import DataError
from keci.knowledge.sources.obo import parse_obo, read_obo

DOCUMENT = r"""
format-version: 1.4
data-version: v7
! a comment line

[Term]
id: X:1 {source="a"}
name: first \"thing\"
namespace: things
def: "Says \"hi\"\, in <i>two</i> lines.\nReally." [ref:1, "x"] {a="b"}
synonym: "one" EXACT layperson []
synonym: "uno" RELATED [ref:2]
synonym: "eins" []
xref: MSH:D1 "label"
xref: http://example.org/1
is_a: X:2 {is_inferred="true"} ! second
relationship: part_of X:3 ! third
has_part: X:4
alt_id: X:9
custom_tag: whatever

[Typedef]
id: part_of
name: part of

[Term]
id: X:2
name: second
is_obsolete: true

[Term]
id: X:3
"""


def test_a_term_is_read_with_all_its_tags() -> None:
    document = parse_obo(DOCUMENT.splitlines(keepends=True))
    assert document.header["data-version"] == "v7"
    (term,) = document.terms
    assert (term.id, term.name, term.namespace) == ("X:1", 'first "thing"', "things")
    assert term.definition == 'Says "hi", in two lines.\nReally.'
    assert term.synonyms == ("one",)
    assert term.related == ("uno", "eins")
    assert term.relations == (("is_a", "X:2"), ("has_part", "X:4"), ("part_of", "X:3"))
    assert "MESH:D1" in term.xrefs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[Term]\nid: X:1\nname: a\n\n[Term]\nid: X:1\nname: b\n",
            "OBO:5: the id X:1 is used twice",
        ),
        ("[Term]\nname: a\n", "OBO:1: a .Term. without id"),
        ("[Term]\nid: X:1\nnonsense\n", "OBO:3: expected 'tag: value'"),
        ("[Term\nid: X:1\n", "OBO:1: expected a stanza"),
        (
            '[Term]\nid: X:1\nname: a\ndef: "never ends\n',
            "OBO:1: term X:1: expected a text in quotes",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_obo(text.splitlines())


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.obo"
    path.write_bytes(b"[Term]\nid: X:1\nname: caf\xe9\n")
    with pytest.raises(DataError, match="not UTF-8"):
        read_obo(path)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\x85\u2028\u2029")))
def test_escaped_names_come_back(name: str) -> None:
    escaped = "".join(f"\\{sign}" if sign in '\\"!{}' else sign for sign in name)
    lines = ["[Term]", "id: X:1", "name: name", f'synonym: "{escaped}" EXACT []']
    (term,) = parse_obo(lines).terms
    assert term.synonyms == (name,)
