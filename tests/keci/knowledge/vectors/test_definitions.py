from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from keci.errors import DataError, KnowledgeBaseError, UsageError
from keci.knowledge.base.records import ConceptRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory
from keci.knowledge.vectors import definitions as embedding_definitions
from keci.knowledge.vectors.definitions import DefinitionSettings, embed_definitions
from keci.knowledge.vectors.folder import TableManifest, table_folder, vectors_folder
from keci.knowledge.vectors.table import VectorTable, open_tables
from keci.knowledge.vectors.text_cache import text_keys
from tests.keci.knowledge.vector_tables import written_base


class CountingEncoder:
    """Gives each text a unit vector drawn from its hash, and remembers what it was asked."""

    name = "counting"
    digest = "0123456789abcdef0123"
    width = 4

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.asked: list[str] = []
        self.stop_after = stop_after

    def encode(self, texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += texts
        drawn = [
            np.random.default_rng(int(key)).normal(size=self.width) for key in text_keys(texts)
        ]
        vectors = np.array(drawn, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def encoded(
    folder: Path,
    encoder: CountingEncoder,
    settings: DefinitionSettings | None = None,
    *,
    base: KnowledgeBase | None = None,
    name: str = "d",
) -> tuple[TableManifest, VectorTable]:
    opened = base or written_base(folder)
    chosen = settings or DefinitionSettings()
    manifest = embed_definitions(folder, opened, encoder, chosen, name=name, report=lambda *_: None)
    return manifest, open_tables(folder, opened, [name])[0]


def test_definitions_and_type_names_are_encoded_once_each(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    manifest, table = encoded(tmp_path / "kb", encoder)
    base = written_base(tmp_path / "kb")
    assert len(encoder.asked) == len(set(encoder.asked)) == manifest.counts["rows"] == 9
    assert encoder.asked == sorted(encoder.asked, key=len)
    for index in (0, 1, 8):
        concept = base.concept(index)
        expected = np.zeros((1, 4))
        if not concept.definition_is_synthetic:
            expected = encoder.encode([concept.definition]) * 2
        np.testing.assert_allclose(table.gather(np.array([index])), expected, atol=2e-3)
    names = [base.type_name(code) for code in base.type_codes]
    np.testing.assert_allclose(
        table.gather_types(np.arange(2)), encoder.encode(names) * 2, atol=2e-3
    )
    assert manifest.made["not_yet_encoded"] == 0


def test_nothing_is_encoded_twice_even_when_the_base_grows(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    first, _ = encoded(tmp_path / "kb", encoder)
    asked = len(encoder.asked)
    again, _ = encoded(tmp_path / "kb", encoder)
    grown, _ = encoded(tmp_path / "kb", encoder, base=written_base(tmp_path / "kb", concepts=80))
    assert len(encoder.asked) == asked
    assert again == first
    assert grown.knowledge_base != first.knowledge_base
    assert grown.space == first.space


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_definitions, "_TEXTS_AT_ONCE", 2)
    whole = CountingEncoder()
    expected = encoded(tmp_path / "whole", whole)[1]
    stopped, second = CountingEncoder(stop_after=4), CountingEncoder()
    with pytest.raises(KeyboardInterrupt):
        encoded(tmp_path / "kb", stopped)
    table = encoded(tmp_path / "kb", second)[1]
    assert stopped.asked + second.asked == whole.asked
    np.testing.assert_array_equal(table.vectors, expected.vectors)


def test_a_limit_leaves_the_rest_for_later(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    manifest, table = encoded(tmp_path / "kb", encoder, DefinitionSettings(limit=5))
    assert len(encoder.asked) == manifest.counts["rows"] == 5
    assert manifest.made["not_yet_encoded"] == 4
    assert (table.concept_rows >= 0).sum() == manifest.counts["concepts"]
    manifest, _ = encoded(tmp_path / "kb", encoder)
    assert (len(encoder.asked), manifest.made["not_yet_encoded"]) == (9, 0)


def test_made_sentences_serve_concepts_without_a_definition(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    manifest, table = encoded(tmp_path / "kb", encoder, DefinitionSettings(synthetic=True))
    assert manifest.counts["concepts"] == 40
    assert (np.linalg.norm(table.gather(np.arange(40)), axis=1) > 1).all()


def test_principal_components_can_be_shared_between_bases(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    narrow, table = encoded(tmp_path / "kb", encoder, DefinitionSettings(width=2))
    assert (table.width, table.vectors.shape[1]) == (2, 2)
    assert 0.5 < narrow.made["variance_kept"] < 1
    other = written_base(tmp_path / "other", concepts=10)
    like = DefinitionSettings(like=table_folder(tmp_path / "kb", "d"))
    shared, second = encoded(tmp_path / "other", encoder, like, base=other)
    assert shared.space == narrow.space
    np.testing.assert_allclose(second.gather(np.arange(10)), table.gather(np.arange(10)), atol=2e-3)
    own, _ = encoded(
        tmp_path / "other", encoder, DefinitionSettings(width=2, limit=1), base=other, name="own"
    )
    assert own.space != narrow.space


def test_components_of_another_width_are_refused(tmp_path: Path) -> None:
    encoded(tmp_path / "kb", CountingEncoder(), DefinitionSettings(width=2))
    wider = CountingEncoder()
    wider.width, wider.digest = 5, "f" * 20
    like = DefinitionSettings(like=table_folder(tmp_path / "kb", "d"))
    with pytest.raises(UsageError, match="width 4"):
        encoded(tmp_path / "kb", wider, like)
    encoded(tmp_path / "kb", wider, name="full")
    with pytest.raises(KnowledgeBaseError, match="without a projection"):
        encoded(
            tmp_path / "kb", wider, DefinitionSettings(like=table_folder(tmp_path / "kb", "full"))
        )


def test_a_base_without_definitions_is_refused(tmp_path: Path) -> None:
    base = knowledge_base_in_memory([ConceptRecord("X:1", "thing", ("T028",))])
    with pytest.raises(DataError, match="has a definition"):
        encoded(tmp_path / "kb", CountingEncoder(), base=base)
    assert not vectors_folder(tmp_path / "kb").exists()


def test_only_the_chosen_concepts_are_encoded_and_others_join_later(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    some = DefinitionSettings(synthetic=True, concepts=np.array([2, 5]))
    manifest, table = encoded(tmp_path / "kb", encoder, some)
    base = written_base(tmp_path / "kb")
    types = {base.type_name(code) for code in base.type_codes}
    assert set(encoder.asked) == types | {base.concept(index).definition for index in (2, 5)}
    present = set(np.flatnonzero(table.concept_rows >= 0).tolist())
    assert {2, 5} <= present
    assert 7 not in present
    more = DefinitionSettings(synthetic=True, concepts=np.array([5, 7]))
    manifest, table = encoded(tmp_path / "kb", encoder, more)
    assert set(np.flatnonzero(table.concept_rows >= 0).tolist()) >= present | {7}
    assert len(encoder.asked) == len(set(encoder.asked)) == manifest.counts["rows"]
