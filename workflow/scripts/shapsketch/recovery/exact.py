"""The exact spectrum of a space that was evaluated in full."""

from itertools import combinations

import numpy as np

from ..basis import contrasts
from . import Fit, Samples
from .coefficients import terms_from_coefficients

NEGLIGIBLE = 1e-14  # the share of the variance that is dropped with the smallest coefficients


def fit(samples: Samples, max_order: int | None) -> Fit:
    """Transform all values at once; keep the coefficients or tables that carry any variance."""
    template, background = samples.plan.template, samples.plan.background
    shape = template.sizes[template.free]
    cube = np.empty(shape)
    cube[tuple(samples.codes[:, template.free].T)] = samples.values
    most = len(shape) if max_order is None else max_order
    if template.radix is not None and background.is_uniform:
        coefficients = np.fft.fftn(cube, norm="forward").ravel()
        frequencies = np.stack(np.unravel_index(np.arange(cube.size), shape), 1)
        orders = (frequencies > 0).sum(1)
        kept = _carriers(np.abs(coefficients) ** 2, (orders > 0) & (orders <= most))
        terms = terms_from_coefficients(template, frequencies[kept], coefficients[kept])
        return Fit(float(coefficients[0].real), terms, None)
    return _fit_tables(samples, cube, most)


def _carriers(energies: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """The eligible entries but for the smallest, which together carry a negligible share."""
    index = np.flatnonzero(eligible)
    ascending = index[np.argsort(energies[index], kind="stable")]
    total = energies[index].sum()
    return np.sort(ascending[np.cumsum(energies[ascending]) > NEGLIGIBLE * total])


def _fit_tables(samples: Samples, cube: np.ndarray, most: int) -> Fit:
    """Tables for any product background: project on every support's products of contrasts."""
    from ..terms import Terms

    template, background = samples.plan.template, samples.plan.background
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
    return Fit(float(cube[(0,) * cube.ndim]), Terms.build(template.sizes, tables), None)
