"""Ridge least squares by operators against the normal equations."""

import numpy as np
import pytest

from shapsketch.recovery.ridge import bidiagonal_ridge, preconditioned_ridge

RIDGES = [1.0, 0.1, 1e-3, 1e-6]


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(200, 30))
    return matrix, matrix @ rng.normal(size=30) + 0.1 * rng.normal(size=200)


def test_one_krylov_space_serves_every_ridge(problem):
    matrix, target = problem
    path = bidiagonal_ridge(lambda w: matrix @ w, lambda r: matrix.T @ r, target, np.array([0.0, 1.0, 100.0]))
    for ridge, w in zip((0.0, 1.0, 100.0), path, strict=True):
        exact = np.linalg.solve(matrix.T @ matrix + ridge * np.eye(30), matrix.T @ target)
        np.testing.assert_allclose(w, exact, atol=1e-9)


@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_a_prior_of_many_magnitudes(problem, spread, monkeypatch):
    monkeypatch.setattr("shapsketch.recovery.ridge.MAX_UNSOLVED_SHARE", 0.0)
    matrix, target = problem
    scale = 10.0 ** np.random.default_rng(1).uniform(-spread, 0, 30)
    path = list(preconditioned_ridge(lambda w: matrix @ w, lambda r: matrix.T @ r, target, scale, RIDGES))
    assert len(path) == len(RIDGES)
    for ridge, w in zip(RIDGES, path, strict=True):
        exact = np.linalg.solve(matrix.T @ matrix + np.diag(200 * ridge / scale**2), matrix.T @ target)
        np.testing.assert_allclose(w, exact, atol=1e-8)


def test_what_is_left_unsolved_is_below_its_share(problem):
    matrix, target = problem
    (w,) = preconditioned_ridge(lambda w: matrix @ w, lambda r: matrix.T @ r, target, np.ones(30), [1e-6])
    exact = np.linalg.lstsq(matrix, target)[0]
    least, left = np.sum((target - matrix @ exact) ** 2), np.sum((target - matrix @ w) ** 2)
    assert least <= left < 1.01 * least


def test_a_target_of_zeros_has_no_coefficients(problem):
    matrix, _ = problem
    path = bidiagonal_ridge(lambda w: matrix @ w, lambda r: matrix.T @ r, np.zeros(200), np.array([0.0, 1.0]))
    assert [w.any() for w in path] == [False, False]
