"""Low-order regression: ridge least squares in the orthonormal basis of the background.

With queries drawn from the background, the least-squares coefficients of the orthonormal products
over a support are its dividend. The design matrix is never built: it is applied by table look-ups
and its adjoint by histograms. One Golub-Kahan bidiagonalisation (Paige & Saunders 1982) gives the
solutions for every ridge parameter at once.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np

from ..basis import ProductBasis
from . import Fit, Samples, validation_r2

MOST_ORDER = 2
STEPS = 64  # Krylov steps; the basis is nearly orthonormal, so few are needed
RIDGES = np.append(1e-14, 10.0 ** np.arange(-6, 1.01, 0.5))  # per sample, relative to the prior

Operator = Callable[[np.ndarray], np.ndarray]


def fit(samples: Samples, max_order: int | None) -> Fit:
    """Fit all terms up to order 1 and up to order 2, and keep the order that validates better.

    The prior variance of a coefficient is its order's energy, from moments, over the number of
    coefficients of that order; the ridge parameter that scales it is chosen on the validation points.
    """
    background = samples.plan.background
    free = background.template.free.tolist()
    best: tuple[float, Fit] | None = None
    for order in range(1, min(max_order or MOST_ORDER, MOST_ORDER, len(free)) + 1):
        supports = [s for k in range(1, order + 1) for s in combinations(free, k)]
        basis = ProductBasis.build(background, supports)
        path = _ridge_path(basis, samples.codes, samples.values)
        for ridge, (intercept, w) in zip(RIDGES.tolist(), path, strict=True):
            terms = basis.to_terms(w)
            score = validation_r2(samples, intercept, terms)
            if best is None or score > best[0]:
                best = score, Fit(intercept, terms, {"max_order": order, "ridge": ridge})
    assert best is not None
    return best[1]


def _ridge_path(basis: ProductBasis, codes: np.ndarray, values: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """The intercept and coefficients for each of RIDGES."""
    count, mean = len(values), values.mean()
    centred = values - mean
    scale = _prior_scale(basis, basis.adjoint(codes, centred) / count, float(centred.var()) / count)

    def forward(w: np.ndarray) -> np.ndarray:
        predicted = basis.to_terms(scale * w).predict(codes)
        return predicted - predicted.mean()

    def adjoint(r: np.ndarray) -> np.ndarray:
        return scale * basis.adjoint(codes, r - r.mean())

    column_means = basis.adjoint(codes, np.ones(count)) / count
    solutions = [scale * w for w in bidiagonal_ridge(forward, adjoint, centred, count * RIDGES)]
    return [(float(mean - column_means @ w), w) for w in solutions]


def _prior_scale(basis: ProductBasis, moments: np.ndarray, noise: float) -> np.ndarray:
    """The prior standard deviation of each coefficient, relative to the largest.

    Args:
        moments: (P,) unbiased estimates of the coefficients.
        noise: the variance of each of them.
    """
    scale = np.zeros(len(basis))
    for order in np.unique(basis.orders):
        members = basis.orders == order
        energy = np.mean(moments[members] ** 2)
        scale[members] = np.sqrt(max(energy - noise, 0.05 * energy))
    return scale / scale.max() if scale.max() > 0 else np.ones(len(basis))


def bidiagonal_ridge(
    forward: Operator, adjoint: Operator, target: np.ndarray, ridges: np.ndarray, most_steps: int = STEPS
) -> list[np.ndarray]:
    """Solve min |A w - target|^2 + ridge |w|^2 for every ridge from one Krylov space.

    The right vectors are reorthogonalised in full, which keeps the left ones orthogonal too.
    """
    norm = np.linalg.norm(target)
    if norm == 0:
        return [np.zeros(len(adjoint(target)))] * len(ridges)
    u = target / norm
    v = adjoint(u)
    rights: list[np.ndarray] = []
    diagonal: list[float] = []
    below: list[float] = []
    for _ in range(most_steps):
        for previous in rights:
            v = v - (previous @ v) * previous
        alpha = float(np.linalg.norm(v))
        if alpha <= 1e-12 * (diagonal[0] if diagonal else alpha + 1):
            break
        v = v / alpha
        rights.append(v)
        u = forward(v) - alpha * u
        beta = float(np.linalg.norm(u))
        diagonal.append(alpha)
        below.append(beta)
        if beta <= 1e-12 * diagonal[0]:
            break
        u = u / beta
        v = adjoint(u) - beta * v
    if not rights:
        return [np.zeros(len(v))] * len(ridges)
    steps = len(rights)
    bidiagonal = np.zeros((steps + 1, steps))
    bidiagonal[np.arange(steps), np.arange(steps)] = diagonal
    bidiagonal[np.arange(1, steps + 1), np.arange(steps)] = below
    left, singular, right = np.linalg.svd(bidiagonal, full_matrices=False)
    stack = np.array(rights)
    return [(norm * left[0] * singular / (singular**2 + ridge)) @ right @ stack for ridge in ridges]
