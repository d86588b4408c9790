import numpy as np
import pytest

from keci.errors import UsageError
from keci.knowledge.vectors.definitions import fit_projection, project

VECTORS = np.random.default_rng(1).normal(size=(200, 6)).astype(np.float32) * [5, 3, 1, 1, 0.1, 0.1]


def test_the_directions_are_those_of_a_singular_value_decomposition() -> None:
    projection, share = fit_projection(VECTORS, 2)
    centred = VECTORS - VECTORS.mean(0)
    values, directions = np.linalg.svd(centred, full_matrices=False)[1:]
    expected = centred @ directions[:2].T
    found = project(VECTORS, projection)
    for column in range(2):
        correlation = np.corrcoef(expected[:, column], found[:, column])[0, 1]
        assert abs(correlation) == pytest.approx(1, abs=1e-5)
    assert share == pytest.approx((values[:2] ** 2).sum() / (values**2).sum(), rel=1e-4)
    assert np.sqrt((found**2).mean()) == pytest.approx(1, abs=1e-4)


def test_the_sign_of_a_direction_is_fixed() -> None:
    projection, _ = fit_projection(VECTORS, 3)
    for direction in projection[1:]:
        assert direction[np.abs(direction).argmax()] > 0


def test_more_directions_than_there_are_is_an_error() -> None:
    with pytest.raises(UsageError, match="3 vectors of width 6 cannot give 4"):
        fit_projection(VECTORS[:3], 4)


def test_equal_vectors_project_to_zeros() -> None:
    same = np.ones((5, 3), dtype=np.float32)
    projection, share = fit_projection(same, 2)
    assert project(same, projection).tolist() == [[0, 0]] * 5
    assert share == 1
