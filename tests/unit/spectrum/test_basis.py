"""The basis is orthonormal, and its adjoint is one."""

import numpy as np
import pytest

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.basis import ProductBasis, contrasts


def test_the_basis_is_orthonormal_and_its_adjoint_is_one():
    p = np.array([0.1, 0.2, 0.3, 0.4])
    b = contrasts(p)
    assert np.allclose(b.T @ (p[:, None] * b), np.eye(3))
    assert np.allclose(p @ b, 0)
    template = Template(Alphabet("ACGT"), "NRNN")
    basis = ProductBasis.build(Background.uniform(template), [(0,), (1, 2), (0, 1, 3)])
    rng = np.random.default_rng(0)
    codes = (rng.random((100, 4)) * template.sizes).astype(np.uint8)
    w, r = rng.normal(size=len(basis)), rng.normal(size=100)
    assert basis.to_terms(w).predict(codes) @ r == pytest.approx(basis.adjoint(codes, r) @ w)
