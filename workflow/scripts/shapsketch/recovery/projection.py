"""Projection: dividends of every order from queries that cost nothing.

The points are drawn from the background, so the mean of a residual times an orthonormal product is that
coefficient, unbiased, with variance Var(residual) / M. Supports are screened by their variance against
this noise, shrunk (James & Stein 1961), and swept in turn: each chunk is estimated from what the others
leave, so that their noise does not add to its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import comb

import numpy as np

from ..sequences.background import Background
from ..spectrum.basis import ProductBasis
from ..spectrum.terms import Support, Terms
from .screening import candidates, screen

MAX_SCREENED = {3: 20_000, 4: 21_000, 5: 8_000}  # candidates at most; beyond it they are grown from the order below
MAX_KEPT = {3: 4_000, 4: 7_000, 5: 3_000}


@dataclass
class Layer:
    """The supports of one order in chunks, each with its basis and current coefficients."""

    bases: list[ProductBasis]
    coefficients: list[np.ndarray]

    @classmethod
    def empty(cls, background: Background, supports: Sequence[Support], points: int) -> "Layer":
        """Chunks so small that their noise, added up within one, stays far below the residual."""
        if not supports:
            return cls([], [])
        cells = int(np.prod(background.template.sizes[list(supports[0])] - 1))
        size = int(np.clip(points // (16 * cells), 1, 256))
        chunks = [supports[i : i + size] for i in range(0, len(supports), size)]
        bases = [ProductBasis.build(background, chunk) for chunk in chunks]
        return cls(bases, [np.zeros(len(b)) for b in bases])

    def variances(self) -> dict[Support, float]:
        """The variance of each support's dividend."""
        variances: dict[Support, float] = {}
        for basis, w in zip(self.bases, self.coefficients, strict=True):
            sums = np.bincount(basis.owners, w**2, len(basis.terms))
            variances.update(zip(basis.terms.supports, sums.tolist(), strict=True))
        return variances

    def tables(self) -> dict[Support, np.ndarray]:
        """The tables of all supports that are not zero."""
        tables: dict[Support, np.ndarray] = {}
        for basis, w in zip(self.bases, self.coefficients, strict=True):
            terms = basis.to_terms(w)
            alive = np.bincount(basis.owners, w != 0, len(basis.terms)) > 0
            tables.update({terms.supports[t]: terms.table(t) for t in np.flatnonzero(alive).tolist()})
        return tables


def sweep(layer: Layer, codes: np.ndarray, residual: np.ndarray, threshold: float = 0.0) -> None:
    """Estimate every support of a layer again from what all others leave, and shrink it.

    Args:
        layer: changed in place.
        codes: (M, n) uint8 local codes, in column-major order for speed.
        residual: (M,) float32, the function minus all terms; changed in place.
        threshold: standard deviations of a noise variance that a support must exceed it by; 0 keeps
            what is above the mean of the noise.
    """
    count = len(residual)
    for k, (basis, w) in enumerate(zip(layer.bases, layer.coefficients, strict=True)):
        noise = float(np.dot(residual, residual)) / count**2
        raw = w + basis.adjoint(codes, residual) / count
        degrees = np.bincount(basis.owners, minlength=len(basis.terms))
        variance = np.maximum(np.bincount(basis.owners, raw**2, len(basis.terms)), 1e-300)
        ratio = variance / (noise * degrees) if noise > 0 else np.full(len(variance), np.inf)
        kept = ratio > 1 + threshold * np.sqrt(2 / degrees)
        new = raw * np.where(kept, 1 - 1 / np.maximum(ratio, 1), 0)[basis.owners]
        if (new != w).any():
            residual -= basis.to_terms(new - w).predict(codes).astype(np.float32)
        layer.coefficients[k] = new


def project(background: Background, codes: np.ndarray, values: np.ndarray, max_order: int = 5) -> tuple[float, Terms]:
    """Find the dividends of a function from its values at many points of the background.

    Orders 1 and 2 are taken whole; from order 3 on, supports are screened by their variance, all of
    them where they are few, otherwise those grown from the order below. A last sweep goes over all.

    Args:
        background: what the points were drawn from.
        codes: (M, n) uint8 local codes, in column-major order for speed.
        values: (M,) the function there.
        max_order: the highest order.

    Returns:
        The intercept and the terms.
    """
    free = background.template.free
    intercept = float(values.mean())
    residual = (values - intercept).astype(np.float32)
    layers: dict[int, Layer] = {}
    for order in range(1, min(max_order, len(free)) + 1):
        most = MAX_SCREENED.get(order, comb(len(free), order))
        below = layers[order - 1].variances() if order > 1 else {}
        supports = candidates(background, order, below, most)
        if order in MAX_KEPT:
            supports = sorted(islice(screen(background, supports, codes, residual), MAX_KEPT[order]))
        if not supports:
            break
        layers[order] = Layer.empty(background, supports, len(values))
        sweep(layers[order], codes, residual)
    for layer in layers.values():
        sweep(layer, codes, residual)
    tables = {s: t for layer in layers.values() for s, t in layer.tables().items()}
    return intercept, Terms.build(background.template.sizes, tables)
