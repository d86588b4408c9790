import json
from pathlib import Path

import numpy as np
import pytest

from keci.errors import KnowledgeBaseError, UsageError
from keci.knowledge.graph import build_background
from keci.knowledge.linking.linker import ConceptMention
from keci.knowledge.vectors.folder import (
    MANIFEST_FILE,
    read_manifest,
    read_projection,
    table_folder,
    table_names,
    vectors_folder,
    verify_table,
)
from keci.knowledge.vectors.table import VectorTable, node_vectors, open_tables, tables_of_spaces
from tests.keci.knowledge.vector_tables import written_base, written_table

CONCEPTS = 6
VECTORS = np.arange(1, 9, dtype=np.float32).reshape(4, 2)
CONCEPT_ROWS = np.array([0, -1, 1, -1, -1, 2], dtype=np.int32)
TYPE_ROWS = np.array([-1, 3], dtype=np.int32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A knowledge base with vectors of three of its six concepts and one of its two types."""
    folder = tmp_path / "kb"
    base = written_base(folder, concepts=CONCEPTS)
    written_table(folder, base, VECTORS, concept_rows=CONCEPT_ROWS, type_rows=TYPE_ROWS)
    return folder


def test_a_concept_without_a_vector_gets_zeros(folder: Path) -> None:
    table = VectorTable.open(table_folder(folder, "table"), written_base(folder, concepts=CONCEPTS))
    assert table.width == 2
    gathered = table.gather(np.array([5, 1, 0, 5]))
    assert gathered.dtype == np.float32
    assert gathered.tolist() == [[5, 6], [0, 0], [1, 2], [5, 6]]
    assert table.gather(np.array([], dtype=np.int32)).shape == (0, 2)
    assert table.gather_types(np.array([1, 0])).tolist() == [[7, 8], [0, 0]]


def test_vectors_are_mapped_and_not_read(folder: Path) -> None:
    base = written_base(folder, concepts=CONCEPTS)
    (table,) = open_tables(folder, base, ["table"])
    assert not table.vectors.flags.writeable
    assert table.vectors.dtype == np.float16


def test_nodes_get_the_vectors_of_all_tables_side_by_side(folder: Path) -> None:
    base = written_base(folder, concepts=CONCEPTS)
    written_table(
        folder,
        base,
        np.full((1, 1), 9, dtype=np.float32),
        concept_rows=np.zeros(CONCEPTS, dtype=np.int32),
        type_rows=np.full(2, -1, dtype=np.int32),
        name="second",
    )
    tables = open_tables(folder, base, ["table", "second"])
    graph = build_background(
        [[ConceptMention(0, 1, (2, 5))], [], [ConceptMention(3, 4, (1,))]], base
    )
    assert graph.node_concepts.tolist() == [2, 5, -1, -1, 1, -1]
    expected = [[3, 4, 9], [5, 6, 9], [0, 0, 0], [7, 8, 0], [0, 0, 9], [7, 8, 0]]
    assert node_vectors(tables, graph).tolist() == expected
    assert node_vectors([], graph).shape == (6, 0)
    assert node_vectors(tables, build_background([[]], base)).shape == (0, 3)


def test_names_are_those_of_finished_tables(folder: Path) -> None:
    (vectors_folder(folder) / ".other.unfinished").mkdir()
    (vectors_folder(folder) / "empty").mkdir()
    assert table_names(folder) == ("table",)
    assert table_names(folder / "nothing") == ()
    with pytest.raises(KnowledgeBaseError, match="no vectors called 'other'; there are: table"):
        open_tables(folder, written_base(folder, concepts=CONCEPTS), ["other"])


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b"])
def test_a_name_is_no_path(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name vectors"):
        table_folder(folder, name)


def test_vectors_of_another_base_are_refused(folder: Path) -> None:
    other = written_base(folder, concepts=CONCEPTS + 1)
    with pytest.raises(KnowledgeBaseError, match="belong to the knowledge base"):
        open_tables(folder, other, ["table"])


def test_a_table_of_the_same_name_is_replaced_whole(folder: Path) -> None:
    base = written_base(folder, concepts=CONCEPTS)
    written_table(
        folder,
        base,
        np.ones((1, 3), dtype=np.float32),
        concept_rows=np.zeros(CONCEPTS, dtype=np.int32),
        type_rows=np.zeros(2, dtype=np.int32),
    )
    assert open_tables(folder, base, ["table"])[0].width == 3
    assert [path.name for path in vectors_folder(folder).iterdir()] == ["table"]


def test_damage_is_found(folder: Path) -> None:
    base = written_base(folder, concepts=CONCEPTS)
    table = table_folder(folder, "table")
    assert verify_table(table).name == "table"
    data = bytearray((table / "vectors.npy").read_bytes())
    data[-1] ^= 1
    (table / "vectors.npy").write_bytes(data)
    VectorTable.open(table, base)
    with pytest.raises(KnowledgeBaseError, match="expected sha256"):
        verify_table(table)
    (table / "vectors.npy").write_bytes(data[:-1])
    with pytest.raises(KnowledgeBaseError, match="bytes, found"):
        VectorTable.open(table, base)
    (table / "vectors.npy").unlink()
    with pytest.raises(KnowledgeBaseError, match=r"vectors\.npy is missing"):
        VectorTable.open(table, base)


def test_rows_that_are_not_there_are_refused(folder: Path) -> None:
    base = written_base(folder, concepts=CONCEPTS)
    rows = np.full(CONCEPTS, 4, dtype=np.int32)
    table = written_table(folder, base, VECTORS, concept_rows=rows, type_rows=TYPE_ROWS)
    with pytest.raises(KnowledgeBaseError, match=r"rows outside 0\.\.3"):
        VectorTable.open(table, base)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "holds no vectors"),
        ("[]", "expected an object"),
        ('{"format": "other"}', "expected 'keci-concept-vectors' version 1"),
        ('{"format": "keci-concept-vectors", "version": 1}', "field files is missing"),
    ],
)
def test_a_manifest_that_is_none_is_refused(folder: Path, text: str, message: str) -> None:
    (table_folder(folder, "table") / MANIFEST_FILE).write_text(text, "utf-8")
    with pytest.raises(KnowledgeBaseError, match=message):
        read_manifest(table_folder(folder, "table"))


def test_a_foreign_file_in_the_manifest_is_refused(folder: Path) -> None:
    path = table_folder(folder, "table") / MANIFEST_FILE
    record = json.loads(path.read_text("utf-8"))
    record["files"]["../kb/manifest.json"] = {"bytes": 1, "sha256": "0" * 64}
    path.write_text(json.dumps(record), "utf-8")
    with pytest.raises(KnowledgeBaseError, match="expected"):
        VectorTable.open(path.parent, written_base(folder, concepts=CONCEPTS))


def test_a_table_without_projection_has_none(folder: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match="without a projection"):
        read_projection(table_folder(folder, "table"))


def test_a_model_finds_its_spaces_or_zeros(folder: Path) -> None:
    base = written_base(folder, concepts=CONCEPTS)
    spaces = [("other", 3), ("imported:table", 2), ("imported:table", 5)]
    tables = tables_of_spaces(base, spaces)
    assert [table.is_absent for table in tables] == [True, False, True]
    assert [table.width for table in tables] == [3, 2, 5]
    assert tables[0].gather(np.array([0, 5])).tolist() == [[0] * 3] * 2
    assert tables[1].gather(np.array([0])).tolist() == [[1, 2]]
    graph = build_background([[ConceptMention(0, 1, (2,))]], base)
    assert node_vectors(tables, graph).shape == (2, 10)
    other = written_base(folder, concepts=CONCEPTS + 1)
    assert all(table.is_absent for table in tables_of_spaces(other, spaces))
