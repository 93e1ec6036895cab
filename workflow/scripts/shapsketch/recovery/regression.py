"""Sparse regression: ridge least squares in the orthonormal basis of the background.

The least-squares coefficients of the orthonormal products over a support are its dividend, wherever the function was
asked. Where it is of a higher order than the fit, queries near sequences count like those of the background, so that
what is fitted is best on both together. The design matrix is never built: it is applied by table look-ups and its
adjoint by histograms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from ..spectrum.basis import ProductBasis
from ..spectrum.terms import Support
from .base import Fit, Samples, validation_r2
from .ridge import Search, preconditioned_ridge
from .screening import candidates, screen
from .trees import split_supports

MAX_ORDER = 5
MAX_UNKNOWNS = 500_000  # coefficients of one order; 64 vectors of them are held
MAX_SCREENED = 20_000  # candidates of one order
MIN_GAIN = 0.01  # of the unexplained variance: an order, or a reweighted prior, that adds less adds nothing
MIN_VARIANCE = 1e-8  # of the strongest support: weaker ones are dropped when the prior is reweighted
RIDGES = (1.0, 0.1, 0.01, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 1e-8, 1e-10, 1e-14)  # of the prior's largest
GOOD_R2 = 0.99  # on the validation points: one order that adds nothing ends the search then, not two


def fit(samples: Samples, max_order: int | None, search: Search | None = None) -> Fit:
    """Fit one order after another, until two in a row (one, where little is left) add nothing that validation confirms.

    Orders 1 and 2 are taken whole where memory allows; above, supports are screened on the residual of the
    orders below, and all are fitted again together. The ridge parameter, and how often the prior is reweighted
    from the variances found, are chosen on the validation points.

    Args:
        samples: to fit, and to choose by.
        max_order: the highest order of a term; None for `MAX_ORDER`.
        search: how long to look; None for as long as it pays.
    """
    background, search = samples.plan.background, search or Search()
    best: _Scored | None = None
    idle = 0
    for order in range(1, min(max_order or MAX_ORDER, MAX_ORDER, len(background.template.free)) + 1):
        prior = best.variances() if best else {}
        added = _screened(samples, order, best) if order > 2 else _whole(samples, order)
        if added is None:  # more unknowns than memory allows
            added = _screened(samples, order, best)
        if not added:
            continue
        basis = ProductBasis.build(background, [*prior, *added])
        scale = None if order <= 2 else _scale(basis, prior | added)
        fitted = _best_ridge(samples, basis, order, scale, search)
        idle = 0 if best is None or 1 - fitted.score < (1 - MIN_GAIN) * (1 - best.score) else idle + 1
        if best is None or fitted.score > best.score:
            best = fitted if order == 1 or idle else _reweighted(samples, fitted, search)
        if idle == (1 if best.score > GOOD_R2 else 2):
            break
    assert best is not None
    return best.fit


@dataclass(frozen=True)
class _Scored:
    """A fit in its basis, with its R2 on the validation points."""

    score: float
    fit: Fit
    basis: ProductBasis
    coefficients: np.ndarray

    def variances(self) -> dict[Support, float]:
        """The variance of each term."""
        sums = np.bincount(self.basis.owners, self.coefficients**2, len(self.basis.terms))
        return dict(zip(self.basis.terms.supports, sums.tolist(), strict=True))


def _whole(samples: Samples, order: int) -> dict[Support, float] | None:
    """All supports of order 1 or 2, with no idea of their variances; None if they are too many."""
    template = samples.plan.background.template
    degrees = template.sizes[template.free] - 1
    unknowns = degrees.sum() if order == 1 else (degrees.sum() ** 2 - (degrees**2).sum()) // 2
    return dict.fromkeys(combinations(template.free.tolist(), order), 0.0) if unknowns <= MAX_UNKNOWNS else None


def _screened(samples: Samples, order: int, best: _Scored | None) -> dict[Support, float]:
    """The supports of an order that stand out of what `best` leaves, with their variances less the noise."""
    background = samples.plan.background
    below, residual = {}, samples.values - samples.values.mean()
    if best:
        below = {s: e for s, e in best.variances().items() if len(s) == order - 1}
        residual = samples.values - best.fit.intercept - best.fit.terms.predict(samples.codes)
    drawn = len(residual) - len(samples.lattice_values)
    proposed = split_supports(samples) if comb(len(background.template.free), order) > MAX_SCREENED else []
    looked_at = candidates(background, order, below, MAX_SCREENED, proposed)
    screened = screen(background, looked_at, np.asfortranarray(samples.codes[:drawn]), residual[:drawn])
    degrees = np.array([np.prod(background.template.sizes[list(s)] - 1) for s in screened])
    most = int(np.searchsorted(np.cumsum(degrees), min(drawn, MAX_UNKNOWNS), "right"))
    noise = residual[:drawn].var() / drawn * degrees
    return {s: e - float(v) for (s, e), v, _ in zip(screened.items(), noise, range(most), strict=False)}


def _scale(basis: ProductBasis, variances: Mapping[Support, float]) -> np.ndarray:
    """The prior standard deviation of each coefficient from its support's variance, relative to the largest."""
    degrees = np.bincount(basis.owners)
    scale = np.sqrt(np.array([variances[s] for s in basis.terms.supports]) / degrees)
    return (scale / scale.max())[basis.owners]


def _best_ridge(samples: Samples, basis: ProductBasis, order: int, scale: np.ndarray | None, search: Search) -> _Scored:
    """Fit a basis with one ridge parameter after another, and keep the one that validates best."""
    ridges = RIDGES if scale is None else [ridge for ridge in RIDGES if ridge <= search.strongest]
    codes, values = samples.columns, samples.all_values
    count, mean = len(values), values.mean()
    centred = values - mean
    if scale is None:
        scale = _prior_scale(basis, basis.adjoint(codes, centred) / count, float(centred.var()) / count)

    def forward(w: np.ndarray) -> np.ndarray:
        predicted = basis.to_terms(w).predict(codes)
        return predicted - predicted.mean()

    column_means = basis.adjoint(codes, np.ones(count)) / count
    best: _Scored | None = None
    worse = 0
    path = preconditioned_ridge(forward, lambda r: basis.adjoint(codes, r - r.mean()), centred, scale, ridges)
    for ridge, w in zip(ridges, path, strict=False):
        intercept, terms = float(mean - column_means @ w), basis.to_terms(w)
        score = validation_r2(samples, Fit(intercept, terms))
        worse = 0 if best is None or score > best.score else worse + 1
        if worse == 0:
            best = _Scored(score, Fit(intercept, terms, {"max_order": order, "ridge": ridge}), basis, w)
        if worse == search.patience:
            break
    assert best is not None
    return best


def _reweighted(samples: Samples, best: _Scored, search: Search) -> _Scored:
    """Fit again with a prior for each support from its own variance, as long as that pays.

    Iteratively reweighted ridge (Chartrand & Yin, ICASSP 2008, in the form for groups): weak supports fade, and what
    is sparse stands out.
    """
    for _ in range(search.reweightings):
        variances = best.variances()
        least = MIN_VARIANCE * max(variances.values())
        variances = {s: e for s, e in variances.items() if e > least}
        if not variances:
            break
        basis = ProductBasis.build(samples.plan.background, list(variances))
        fitted = _best_ridge(samples, basis, best.fit.details["max_order"], _scale(basis, variances), search)
        worthwhile = 1 - fitted.score < (1 - MIN_GAIN) * (1 - best.score)
        best = fitted if fitted.score > best.score else best
        if not worthwhile:
            break
    return best


def _prior_scale(basis: ProductBasis, moments: np.ndarray, noise: float) -> np.ndarray:
    """The prior standard deviation of each coefficient, relative to the largest.

    Args:
        moments: (P,) unbiased estimates of the coefficients.
        noise: the variance of each of them.
    """
    scale = np.zeros(len(basis))
    for order in np.unique(basis.orders):
        members = basis.orders == order
        variance = np.mean(moments[members] ** 2)
        scale[members] = np.sqrt(max(variance - noise, 0.05 * variance))
    return scale / scale.max() if scale.max() > 0 else np.ones(len(basis))
