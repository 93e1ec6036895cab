"""Screening: which supports of an order are worth a table.

All supports of an order are looked at where they are few; otherwise those grown from the strongest of the
order below, and those that the caller proposes. They are kept by their variance against its noise.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import comb

import numpy as np

from ..sequences.background import Background
from ..spectrum.basis import ProductBasis
from ..spectrum.terms import Support

MAX_CELLS = 4096  # of one table; larger ones are not screened
MAX_GROWN = 10_000_000  # supersets of the supports below, each counted as often as it is grown: 700 MB at most
SCREENING_POINTS = 1_000_000
MIN_Z = 1.5  # standard deviations of a noise variance above its mean
SUPPORTS_AT_ONCE = 1024  # supports


def candidates(
    background: Background,
    order: int,
    below: Mapping[Support, float],
    most: int,
    proposed: Iterable[Support] = (),
) -> list[Support]:
    """Return the supports of an order to look at, sorted.

    Args:
        background: with the template, whose free positions make up the supports.
        order: of the supports.
        below: the variance of each known support of the order below.
        most: how many; if there are more, the supersets of the strongest below, and the proposed ones. Of the supports
            below so many are grown, the strongest first, that they have `MAX_GROWN` supersets.
        proposed: supports that are looked at in any case.

    Returns:
        Supports whose tables have at most `MAX_CELLS` cells.
    """
    free = background.template.free.tolist()
    sizes = background.template.sizes
    if comb(len(free), order) <= most:
        supports: Iterable[Support] = combinations(free, order)
    else:
        scores: dict[Support, float] = {}
        count = max(1, MAX_GROWN // len(free))
        strongest = below if len(below) <= count else sorted(below, key=lambda s: (-below[s], s))[:count]
        for support in strongest:
            for i in free:
                if i not in support:
                    larger = tuple(sorted((*support, i)))
                    scores[larger] = scores.get(larger, 0.0) + below[support] ** 0.5
        grown = sorted(scores, key=lambda s: (-scores[s], s))[:most]
        supports = sorted({*grown, *(s for s in proposed if len(s) == order)})
    return [s for s in supports if int(np.prod(sizes[list(s)])) <= MAX_CELLS]


def screen(
    background: Background, supports: Sequence[Support], codes: np.ndarray, residual: np.ndarray
) -> dict[Support, float]:
    """Return the supports whose variance stands out of the noise, the strongest first, with their variances.

    Args:
        background: what the points were drawn from.
        supports: candidates.
        codes: (M, n) uint8 local codes.
        residual: (M,) what lower orders leave of the function.
    """
    points = min(len(residual), SCREENING_POINTS)
    part, weights = codes[:points], residual[:points]
    noise = float(np.dot(weights, weights)) / points**2
    variances: dict[Support, float] = {}
    for start in range(0, len(supports), SUPPORTS_AT_ONCE):
        basis = ProductBasis.build(background, supports[start : start + SUPPORTS_AT_ONCE])
        w = basis.adjoint(part, weights) / points
        degrees = np.bincount(basis.owners, minlength=len(basis.terms))
        variance = np.bincount(basis.owners, w**2, len(basis.terms))
        good = variance > noise * degrees * (1 + MIN_Z * np.sqrt(2 / degrees))
        variances.update({basis.terms.supports[t]: float(variance[t]) for t in np.flatnonzero(good).tolist()})
    return dict(sorted(variances.items(), key=lambda item: (-item[1], item[0])))
