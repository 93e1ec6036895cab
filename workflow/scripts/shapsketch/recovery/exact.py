"""The exact spectrum of a space that was evaluated in full."""

from itertools import combinations

import numpy as np

from ..sequences.background import Background
from ..spectrum.basis import contrasts
from ..spectrum.terms import Terms
from .base import Fit, Samples
from .coefficients import terms_from_coefficients

NEGLIGIBLE_VARIANCE_SHARE = 1e-14  # the share of the variance that is dropped with the smallest coefficients


def fit(samples: Samples, max_order: int | None) -> Fit:
    """Transform all values at once."""
    intercept, terms = transform(samples.plan.background, samples.codes, samples.values, max_order)
    return Fit(intercept, terms)


def transform(
    background: Background, codes: np.ndarray, values: np.ndarray, max_order: int | None
) -> tuple[float, Terms]:
    """Return the intercept and the dividends of a function given everywhere.

    Args:
        background: any product background.
        codes: (N, n) uint8 local codes of every sequence that fits the template, in any order.
        values: (N,) the function there.
        max_order: the highest order that is kept; None for all.

    Returns:
        The intercept, and the coefficients or tables that carry any variance.
    """
    template = background.template
    shape = template.sizes[template.free]
    cube = np.empty(shape)
    cube[tuple(codes[:, template.free].T)] = values
    most = len(shape) if max_order is None else min(max_order, len(shape))
    if template.radix is None or not background.is_uniform:
        return _transform_by_basis(background, cube, most)
    coefficients = np.fft.fftn(cube, norm="forward").ravel()
    frequencies = np.stack(np.unravel_index(np.arange(cube.size), shape), 1)
    orders = (frequencies > 0).sum(1)
    kept = _carriers(np.abs(coefficients) ** 2, (orders > 0) & (orders <= most))
    return float(coefficients[0].real), terms_from_coefficients(template, frequencies[kept], coefficients[kept])


def _carriers(variances: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """The eligible entries but for the smallest, which together carry a negligible share."""
    index = np.flatnonzero(eligible)
    ascending = index[np.argsort(variances[index], kind="stable")]
    total = variances[index].sum()
    return np.sort(ascending[np.cumsum(variances[ascending]) > NEGLIGIBLE_VARIANCE_SHARE * total])


def _transform_by_basis(background: Background, cube: np.ndarray, most: int) -> tuple[float, Terms]:
    """Tables for any product background: project on every support's products of contrasts."""
    template = background.template
    local = [background.local[i] for i in template.free]
    functions = [np.column_stack([np.ones(len(p)), contrasts(p)]) for p in local]
    for axis, (p, b) in enumerate(zip(local, functions, strict=True)):
        cube = np.moveaxis(np.tensordot(cube, p[:, None] * b, (axis, 0)), -1, axis)
    supports = [s for k in range(1, most + 1) for s in combinations(range(len(local)), k)]
    blocks = [cube[tuple(slice(1, None) if i in s else 0 for i in range(len(local)))] for s in supports]
    kept = _carriers(np.array([(b**2).sum() for b in blocks]), np.ones(len(blocks), bool))
    tables = {}
    for k in kept:
        table = blocks[k]
        for axis, i in enumerate(supports[k]):
            table = np.moveaxis(np.tensordot(table, functions[i][:, 1:], (axis, 1)), -1, axis)
        tables[tuple(template.free[list(supports[k])].tolist())] = table
    return float(cube[(0,) * cube.ndim]), Terms.build(template.sizes, tables)
