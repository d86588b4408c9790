"""Every reader on bytes that no one would write: records or failures, never an error or a hang.

``python -m benchmarks.fuzz_readers`` does the same for as long as one likes.
"""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keci.formats.read import INPUT_FORMATS, READERS
from tests.keci.corpus.hostile import (
    ANNOTATED_SEEDS,
    MENDING,
    OPTIONS,
    SEEDS,
    hostile_input,
    read_annotated,
    read_hostile,
)

INPUTS = 2000
NAMES = st.sampled_from(
    ["PubmedArticleSet", "PubmedArticle", "MedlineCitation", "PMID", "Article", "ArticleTitle",
     "Abstract", "AbstractText", "DeleteCitation", "collection", "document", "id", "passage",
     "text", "offset", "article", "front", "body", "sec", "p", "a:b", "i"]
)  # fmt: skip
TEXTS = st.text(max_size=5) | st.sampled_from(["&amp;", "&x;", "&#0;", "<", "]]>", "1"])
ELEMENTS = st.recursive(
    TEXTS,
    lambda inner: st.builds(
        lambda name, children: f"<{name}>{''.join(children)}</{name}>",
        NAMES,
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    ["id", "text", "documents", "passages", "offset", "sentences", "source", "position", "ordinal",
     "reason", "excerpt", "format", "original", "original_base64"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([*READERS, "a", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=8),
    max_leaves=12,
)


def test_there_is_a_seed_for_every_format() -> None:
    assert {name.split(" ")[0] for name in SEEDS} == set(READERS)


@pytest.mark.parametrize("name", SEEDS)
def test_each_seed_is_read_as_it_is(name: str) -> None:
    assert read_hostile(name.split(" ")[0], SEEDS[name])["documents"]


@pytest.mark.parametrize("name", ANNOTATED_SEEDS)
def test_each_annotated_seed_is_read_as_it_is(name: str) -> None:
    assert read_annotated(ANNOTATED_SEEDS[name])["documents"]


def test_mutated_inputs_give_records_or_failures() -> None:
    started = time.process_time()
    for number in range(INPUTS):
        form, content = hostile_input(f"1 {number}")
        before = time.process_time()
        read_hostile(form, content, MENDING if number % 4 == 0 else OPTIONS)
        assert time.process_time() - before < 5, f"input {number} hangs"
    assert time.process_time() - started < 60


@settings(deadline=None)
@given(content=st.binary(max_size=300), form=st.sampled_from(INPUT_FORMATS))
def test_any_bytes_give_records_or_failures(content: bytes, form: str) -> None:
    read_hostile(form, content)


@settings(deadline=None)
@given(content=ELEMENTS, form=st.sampled_from(["auto", "pubmed", "bioc", "jats"]))
def test_any_xml_gives_records_or_failures(content: str, form: str) -> None:
    read_hostile(form, content.encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(
    values=st.lists(st.dictionaries(FIELDS, VALUES, max_size=9), max_size=3),
    form=st.sampled_from(["auto", "jsonl", "bioc", "failures"]),
)
def test_any_json_gives_records_or_failures(values: list[dict[str, object]], form: str) -> None:
    read_hostile(form, "\n".join(map(json.dumps, values)).encode())


@settings(deadline=None)
@given(
    lines=st.lists(
        st.tuples(st.sampled_from(["1", "2", ""]), st.sampled_from(["|t|", "|a|", "\t", ""]),
                  st.text(max_size=9)),
        max_size=6,
    ),
)  # fmt: skip
def test_any_lines_of_pubtator_give_records_or_failures(lines: list[tuple[str, ...]]) -> None:
    content = "\n".join("".join(parts) for parts in lines)
    read_hostile("pubtator", content.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("form", READERS)
def test_an_empty_input_is_no_error(form: str) -> None:
    read_hostile(form, b"")
