import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keci.errors import DataError
from keci.knowledge.vectors.folder import TableManifest
from keci.knowledge.vectors.imported import import_vectors, read_vectors
from keci.knowledge.vectors.table import VectorTable, open_tables
from tests.keci.knowledge.vector_tables import written_base


def imported(folder: Path, text: str) -> tuple[TableManifest, VectorTable]:
    base = written_base(folder / "kb", concepts=12)
    path = folder / "vectors.txt"
    path.write_text(text, "utf-8")
    manifest = import_vectors(folder / "kb", base, path, name="t", report=lambda *_: None)
    return manifest, open_tables(folder / "kb", base, ["t"])[0]


def test_ids_cross_references_and_types_get_their_vectors(tmp_path: Path) -> None:
    manifest, table = imported(
        tmp_path, "X:11 1 -1\nC0000003, 3, 3\nUMLS:C0000004\t2 2\nT116 0.5,0.5\nC9999999 7 7\n"
    )
    assert manifest.counts == {"rows": 4, "concepts": 3, "types": 1}
    assert (manifest.made["lines"], manifest.made["unknown"]) == (5, 1)
    scale = manifest.made["scale"]
    assert scale == pytest.approx(1 / np.sqrt((2 + 18 + 8 + 0.5 + 98) / 10))
    expected = np.array([[1, -1], [3, 3], [2, 2], [0, 0]]) * scale
    np.testing.assert_allclose(table.gather(np.array([11, 3, 4, 5])), expected, rtol=1e-3)
    np.testing.assert_allclose(table.gather_types(np.array([1])), [[0.5 * scale] * 2], rtol=1e-3)


def test_the_first_vector_of_a_concept_counts(tmp_path: Path) -> None:
    manifest, table = imported(tmp_path, "X:3 1\nC0000003 5\nX:3 5\n")
    assert manifest.made["repeated"] == 2
    assert (table.gather(np.array([3])) / manifest.made["scale"]).tolist()[0] == pytest.approx(
        [1], rel=1e-3
    )


def test_the_space_is_that_of_the_file_whatever_the_base(tmp_path: Path) -> None:
    first, _ = imported(tmp_path, "X:1 1 2\n")
    base = written_base(tmp_path / "other", concepts=20)
    path = tmp_path / "vectors.txt"
    second = import_vectors(tmp_path / "other", base, path, name="t", report=lambda *_: None)
    assert first.space == second.space
    assert first.knowledge_base != second.knowledge_base


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X:1 1 2\nX:2 1\n", "vectors.txt:2: expected 2 numbers as above, found 1"),
        ("X:1 1 2\n\nX:2 1 b\n", "vectors.txt:3: expected an identifier and numbers: .*'b'"),
        ("X:1\n", "vectors.txt:1: .* found no number"),
        ("X:1 1 nan\n", "vectors.txt:1: expected finite numbers"),
        ("Y:1 1 2\nY:2 1 2\n", "none of 2 identifiers is in 'tiny'"),
        ("", "none of 0 identifiers"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        imported(tmp_path, text)


def test_a_header_of_counts_is_passed_over(tmp_path: Path) -> None:
    manifest, table = imported(tmp_path, "1 3\nX:1 1 2 3\n")
    assert (manifest.made["lines"], table.width) == (1, 3)


def test_compressed_files_are_read_and_cut_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors.gz"
    path.write_bytes(gzip.compress(b"X:1 1 2\n" * 1000))
    assert len(list(read_vectors(path))) == 1000
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DataError, match="not text in UTF-8"):
        list(read_vectors(path))
    (tmp_path / "latin").write_bytes(b"X:1 1\n\xff 2\n")
    with pytest.raises(DataError, match="not text in UTF-8"):
        list(read_vectors(tmp_path / "latin"))


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([" ", ",", ", ", "\t"]),
)
def test_numbers_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]], separator: str
) -> None:
    path = tmp_path_factory.mktemp("import") / "vectors.txt"
    lines = [separator.join([f"C{place}", *map(repr, row)]) for place, row in enumerate(rows)]
    path.write_text("\n".join(lines), "utf-8")
    assert [numbers for _, numbers in read_vectors(path)] == rows
