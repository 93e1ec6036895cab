"""Ridge least squares with operators instead of matrices.

Where the columns are nearly orthogonal, `bidiagonal_ridge` gives the solutions for every ridge from one
Krylov space. Where a prior spreads over many magnitudes, that space would have to be large;
`preconditioned_ridge` takes the prior out of it, and a few steps lead from one ridge to the next.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Operator = Callable[[np.ndarray], np.ndarray]
MAX_STEPS = 64  # at most; each costs one product with the matrix and one with its transpose
MAX_UNSOLVED_SHARE = 1e-3  # of the squares left: what a solution may still lack
ROUNDING_SHARE = 1e-28  # of the target's squares: less than this is not there


@dataclass(frozen=True)
class Search:
    """How long regression looks for the best fit.

    Attributes:
        reweightings: of the prior, at most.
        patience: ridges that validate worse than the best, and the path ends.
        strongest: no stronger ridge is tried on a prior that was found in the samples.
    """

    reweightings: int = 3
    patience: int = 2
    strongest: float = math.inf


def preconditioned_ridge(
    forward: Operator, adjoint: Operator, target: np.ndarray, scale: np.ndarray, ridges: Sequence[float]
) -> Iterator[np.ndarray]:
    """Solve min |A w - target|^2 + N ridge |w / scale|^2 for one ridge after another.

    Conjugate gradients on the normal equations, never formed (CGLS; Hestenes & Stiefel 1952), each start from the
    solution before. The columns of A have about the square N, so the inverse of N (1 + ridge / scale^2)
    preconditions them.

    Args:
        forward, adjoint: the products with A and with its transpose.
        target: (N,) float64.
        scale: (P,) the prior standard deviation of each coefficient.
        ridges: from the strongest on.

    Yields:
        (P,) float64, the solution of each ridge in turn.
    """
    count, residual = len(target), target.copy()
    least = ROUNDING_SHARE * float(target @ target)
    weak = 1 / np.maximum(scale, 1e-12) ** 2
    w = np.zeros(len(scale))
    correlation = adjoint(residual)
    for ridge in ridges:
        penalty = count * ridge * weak
        gradient = correlation - penalty * w
        direction = gradient / (count + penalty)
        size = float(gradient @ direction)
        for _ in range(MAX_STEPS):
            if size <= max(MAX_UNSOLVED_SHARE * float(residual @ residual), least):
                break
            image = forward(direction)
            step = size / float(image @ image + direction @ (penalty * direction))
            w += step * direction
            residual -= step * image
            correlation = adjoint(residual)
            gradient = correlation - penalty * w
            steepest = gradient / (count + penalty)
            before, size = size, float(gradient @ steepest)
            direction = steepest + size / before * direction
        yield w.copy()


def bidiagonal_ridge(
    forward: Operator,
    adjoint: Operator,
    target: np.ndarray,
    ridges: np.ndarray,
    most_steps: int = MAX_STEPS,
    tolerance: float = 1e-12,
) -> list[np.ndarray]:
    """Solve min |A w - target|^2 + ridge |w|^2 for every ridge from one Krylov space.

    The right vectors are reorthogonalised in full, which keeps the left ones orthogonal too. The space is large
    enough when the gradient of the solution without ridge is below `tolerance` of the first one.

    Args:
        forward, adjoint: the products with A and with its transpose.
        target: (N,) float64.
        ridges: (R,) float64, as many as solutions are wanted.
        most_steps: dimensions of the space at most.
        tolerance: see above.

    Returns:
        For each ridge the (P,) float64 solution.
    """
    norm = np.linalg.norm(target)
    if norm == 0:
        return [np.zeros(len(adjoint(target)))] * len(ridges)
    u = target / norm
    v = adjoint(u)
    rights = np.zeros((most_steps, len(v)))
    diagonal: list[float] = []
    below: list[float] = []
    for step in range(most_steps):
        known = rights[:step]
        for _ in range(2):  # twice is enough (Giraud et al. 2005)
            v = v - (known @ v) @ known
        alpha = float(np.linalg.norm(v))
        if alpha <= 1e-12 * (diagonal[0] if diagonal else alpha + 1):
            break
        rights[step] = v = v / alpha
        u = forward(v) - alpha * u
        beta = float(np.linalg.norm(u))
        diagonal.append(alpha)
        below.append(beta)
        if beta <= 1e-12 * diagonal[0]:
            break
        # How far the unregularised solution is from the optimum (Paige & Saunders 1982, section 5.1).
        last = np.linalg.lstsq(_bidiagonal(diagonal, below), np.eye(1, step + 2)[0])[0][-1]
        u = u / beta
        v = adjoint(u) - beta * v
        if abs(last) * beta * float(np.linalg.norm(v)) <= tolerance * diagonal[0]:
            break
    if not diagonal:
        return [np.zeros(len(v))] * len(ridges)
    left, singular, right = np.linalg.svd(_bidiagonal(diagonal, below), full_matrices=False)
    basis = rights[: len(diagonal)]
    return [(norm * left[0] * singular / (singular**2 + ridge)) @ right @ basis for ridge in ridges]


def _bidiagonal(diagonal: list[float], below: list[float]) -> np.ndarray:
    """The lower bidiagonal matrix, (steps + 1, steps)."""
    steps = len(diagonal)
    matrix = np.zeros((steps + 1, steps))
    matrix[np.arange(steps), np.arange(steps)] = diagonal
    matrix[np.arange(1, steps + 1), np.arange(steps)] = below
    return matrix
